"""Import the user's app in its own interpreter and answer what it is.

`discover` runs this file by path, `PYTHON …/outrider/probe.py REQUEST`, with whatever Python the
app has. REQUEST is JSON:

    {"cwd": "/project", "candidates": [
        {"module": "wsgi", "attribute": "app", "import_root": "/project", "label": "wsgi.py"}]}

One JSON object comes back on the descriptor that OUTRIDER_REPORT_FD names; standard output and
error stay the app's own. It holds `python`, `gunicorn`, and either `app`, the fields of
`outrider.facts.App`, or `error`, with the `kind` and the fields of a `_Failure` below.
"""

from __future__ import annotations

import sys

if sys.path[0] == __file__.rpartition("/")[0]:
    # Python puts a script's folder first. Ours has a site.py and a settings.py, which would stand
    # before the user's own.
    del sys.path[0]

import ast
import contextlib
import difflib
import importlib
import inspect
import json
import linecache
import math
import os
import re
import resource
import socketserver
import sysconfig
import traceback
import types
from _thread import get_ident, interrupt_main  # gevent replaces them in the module only
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from threading import main_thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

_REPORT_VARIABLE = "OUTRIDER_REPORT_FD"
_OLDEST_GUNICORN = (23,)

_Name = TypeVar("_Name")


class _Failure(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A candidate that gives no app: what to answer as `error`."""

    def __init__(self, kind: str, **fields: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.fields = fields


class _Found(NamedTuple):
    """A candidate's app, or the factory that will make it."""

    module: types.ModuleType
    expression: str
    """What stands behind the colon."""
    value: Any
    is_factory: bool
    import_root: str
    label: str

    @property
    def target(self) -> str:
        return f"{self.module.__name__}:{self.expression}"


def main() -> None:
    if len(sys.argv) != 2 or _REPORT_VARIABLE not in os.environ:
        sys.exit("probe.py is run by outrider, with one argument")
    # Popped, so that the app does not take them for its own, and so that a reloader which starts
    # this program again gets no further than the line above.
    request = json.loads(sys.argv.pop())
    report = int(os.environ.pop(_REPORT_VARIABLE))
    os.set_inheritable(report, False)
    process = os.getpid()
    data = json.dumps(_answer(request), default=str).encode()
    if os.getpid() == process:  # else the app forked, and this is its child
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the app may have closed or replaced it
                stream.flush()
        while data:
            data = data[os.write(report, data) :]
    # Not sys.exit: it would wait for the app's threads and run its atexit functions, which may
    # write or deregister things, though this process has never served.
    os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"python": list(sys.version_info[:3]), "gunicorn": None}
    try:
        import gunicorn  # noqa: PLC0415 - it may not be there
    except ImportError:
        return {**answer, "error": {"kind": "no-gunicorn"}}
    answer["gunicorn"] = version = gunicorn.__version__
    if gunicorn.version_info < _OLDEST_GUNICORN:
        return {**answer, "error": {"kind": "old-gunicorn", "version": version}}
    # As in Gunicorn, before the project's folder is on the path, with a logging.py perhaps.
    import gunicorn.util  # noqa: PLC0415

    os.chdir(request["cwd"])
    sys.path.insert(0, request["cwd"])
    try:
        answer["app"] = _look(request["candidates"])
    except _Failure as failure:
        answer["error"] = {"kind": failure.kind, **failure.fields}
    return answer


def _look(candidates: list[dict[str, Any]]) -> dict[str, Any]:
    watch = _ServerWatch()
    found: list[_Found] = []
    failures: list[_Failure] = []
    for candidate in candidates:
        try:
            found.append(_find(candidate, watch))
        except _Failure as failure:  # noqa: PERF203 - there are a handful
            failures.append(failure)
    # No factory is called while there is an app that is made already.
    pool = [one for one in found if not one.is_factory] or found
    pool = [pool[index] for index in _outermost({n: one.value for n, one in enumerate(pool)})]
    if not pool:
        raise next((one for one in failures if one.kind != "no-app"), failures[0])
    if len(pool) > 1:
        raise _Failure("several", targets=[f"{one.target}  ({one.label})" for one in pool])
    app = pool[0].value
    if pool[0].is_factory:
        with watch.watching():
            app = _resolve(pool[0].module, pool[0].expression)
    return _facts(pool[0], app)


# -- importing -----------------------------------------------------------------------------------


def _find(candidate: dict[str, Any], watch: _ServerWatch) -> _Found:
    root = candidate["import_root"]
    if sys.path[0] != root:
        sys.path.insert(0, root)
    with watch.watching():
        module = _import(candidate["module"], root)
        expression = (candidate["attribute"] or _choose(module)).strip()
        name, arguments = _parse(expression)
        is_factory = arguments is not None and hasattr(module, name)
        if is_factory:
            expression = f"{name}({arguments})"
            value = getattr(module, name)
        else:
            value = _resolve(module, expression)
    return _Found(module, expression, value, is_factory, root, candidate["label"])


def _import(name: str, root: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except BaseException as exc:  # SystemExit too
        told = _describe(exc)
        missing = exc.name if isinstance(exc, ModuleNotFoundError) else None
    if missing is None:
        raise _Failure("import-raised", exception=told.line, traceback=told.traceback)
    # The module itself or a package above it, and nothing of the user's has run: else it is the
    # user's own import of a name that happens to be the same.
    if not told.has_frames and f"{name}.".startswith(f"{missing}."):
        raise _Failure("no-module", module=name, near=_near(missing, root))
    raise _Failure("missing-dependency", name=missing, traceback=told.traceback)


def _near(missing: str, root: str) -> list[str]:
    parent, dot, leaf = missing.rpartition(".")
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = [
            entry.stem
            for entry in Path(root, *parent.split(".")).iterdir()
            if entry.suffix == ".py" or Path(entry, "__init__.py").is_file()
        ]
    return [parent + dot + name for name in difflib.get_close_matches(leaf, names)]


def _parse(expression: str) -> tuple[str, str | None]:
    """Split `name(arguments)`, where None is no call; the name is empty if it is neither."""
    with contextlib.suppress(Exception):  # literal_eval alone raises five kinds
        body = ast.parse(expression, mode="eval").body
        if isinstance(body, ast.Name):
            return body.id, None
        if isinstance(body, ast.Call) and isinstance(body.func, ast.Name):
            words = [repr(ast.literal_eval(argument)) for argument in body.args]
            words += [f"{word.arg}={ast.literal_eval(word.value)!r}" for word in body.keywords]
            if all(word.arg for word in body.keywords):  # None: two asterisks
                return body.func.id, ", ".join(words)
    return "", None


def _resolve(module: types.ModuleType, expression: str) -> Any:
    """Return the app that Gunicorn would serve.

    Gunicorn's own function finds it, so that what is looked at cannot differ from what is served.
    """
    from gunicorn.util import import_app  # noqa: PLC0415

    try:
        app = import_app(f"{module.__name__}:{expression}")
    except BaseException as exc:
        failure = _refusal(exc, module, expression)
        raise failure from None
    if not _interface(app):
        raise _not_an_app(module, expression, app, _why_not(app, module.__name__, expression))
    return app


def _refusal(exc: BaseException, module: types.ModuleType, expression: str) -> _Failure:
    """Say what import_app has against an expression."""
    from gunicorn.errors import AppImportError  # noqa: PLC0415

    name, arguments = _parse(expression)
    where: dict[str, Any] = {"module": module.__name__, "attribute": expression}
    if not name:
        return _Failure("bad-attribute", message=str(exc), **where)
    if not hasattr(module, name):
        return _Failure("no-attribute", names=_offers(module), **where)
    value = getattr(module, name)
    if not callable(value):
        return _not_an_app(module, expression, value, "it cannot be called")
    if isinstance(exc, (AppImportError, AttributeError)) and isinstance(exc.__context__, TypeError):
        # import_app asks for the __code__ of what it has called, which a class does not have.
        exc = exc.__context__
    elif isinstance(exc, AppImportError):
        return _not_an_app(module, expression, None, f"{name}() returned no app")
    told = _describe(exc)
    if isinstance(exc, TypeError) and not told.has_frames:
        with contextlib.suppress(TypeError, ValueError):
            arguments = str(inspect.signature(value))
        return _Failure(
            "factory-arguments",
            module=module.__name__,
            factory=name,
            signature=arguments,
            message=str(exc),
        )
    return _Failure("factory-raised", exception=told.line, traceback=told.traceback)


def _not_an_app(module: types.ModuleType, attribute: str, value: object, why: str) -> _Failure:
    kind = f"of type {type(value).__name__}"
    if value is None:
        kind = "None"
    elif isinstance(value, type):
        kind = f"the class {value.__name__}"
    return _Failure("not-an-app", module=module.__name__, attribute=attribute, type=kind, why=why)


class _Told(NamedTuple):
    line: str
    traceback: str
    has_frames: bool


def _describe(exc: BaseException) -> _Told:
    """Tell of an exception as Python does, without the frames between this file and the user's."""
    told = traceback.TracebackException(type(exc), exc, exc.__traceback__)
    _trim(told)
    lines = traceback.format_exception_only(type(exc), exc)
    line = lines[-1 if isinstance(exc, SyntaxError) else 0].strip().partition("\n")[0]
    return _Told(line, "".join(told.format()), bool(told.stack))


def _trim(told: traceback.TracebackException) -> None:
    told.stack[:] = [frame for frame in told.stack if not _is_machinery(frame.filename)]
    group = getattr(told, "exceptions", None) or ()  # of an ExceptionGroup, from Python 3.11
    for other in (told.__cause__, told.__context__, *group):
        if other is not None:
            _trim(other)


def _is_machinery(file: str) -> bool:
    ours = (_trim.__code__.co_filename, importlib.import_module.__code__.co_filename)
    return file in ours or file.startswith("<frozen importlib") or file.endswith("gunicorn/util.py")


# -- no servers ----------------------------------------------------------------------------------

_SERVERS = (
    # package or module, function; None: any.
    ("aiohttp.web", "run_app"),
    ("bottle", "run"),
    ("cheroot", None),
    ("cherrypy", None),
    ("django.utils.autoreload", None),
    ("eventlet.convenience", "listen"),
    ("gevent.baseserver", "serve_forever"),
    ("granian", None),
    ("gunicorn.arbiter", None),
    ("hypercorn", None),
    ("tornado", None),
    ("uvicorn", None),
    ("waitress", None),
    ("werkzeug.serving", "run_simple"),
)
"""Where the main thread is when a server is started.

The standard library's are not here: they bind as soon as they are made, often for a thread, as
prometheus_client does. What would keep an import from ending is their `serve_forever`.
"""


class _ServerStarted(BaseException):
    """Thrown through the user's module to stop its server; `except Exception` must not hold it."""


class _ServerWatch:
    """Stops an import that starts a server and so would never end.

    A server in a thread or a process of its own is left alone, because the import goes on.
    """

    def __init__(self) -> None:
        self._finding: dict[str, Any] | None = None
        self._process = os.getpid()
        self._main_thread = main_thread().ident or 0
        # With the first, Flask ignores app.run(); with the others, Werkzeug takes itself for the
        # reloader's child and binds nothing.
        for variable in ("FLASK_RUN_FROM_CLI", "WERKZEUG_RUN_MAIN", "WERKZEUG_SERVER_FD"):
            os.environ.pop(variable, None)
        sys.addaudithook(self._audit)
        self._serve_forever = socketserver.BaseServer.serve_forever
        socketserver.BaseServer.serve_forever = self._guarded()  # type: ignore[method-assign]

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Raise the finding in the end, even if the user's code has swallowed the exception."""
        self._finding = None
        try:
            yield
        finally:
            if self._finding:
                raise _Failure("starts-server", **self._finding)

    def _audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        # Granian binds in Rust and then forks; a reloader starts the program once more.
        if event in ("socket.bind", "os.fork", "subprocess.Popen"):
            frames = self._main_frames()
            if any(_is_server(frame) for frame in frames):
                self._stop(frames)

    def _guarded(self) -> Any:
        def serve_forever(server: socketserver.BaseServer, poll_interval: float = 0.5) -> None:
            if os.getpid() == self._process and get_ident() == self._main_thread:
                self._stop(self._main_frames())
            self._serve_forever(server, poll_interval)

        return serve_forever

    def _main_frames(self) -> list[types.FrameType]:
        """Return the main thread's frames, the innermost first; none in a child that was forked."""
        frames: list[types.FrameType] = []
        if os.getpid() == self._process:
            frame = sys._current_frames().get(self._main_thread)  # noqa: SLF001 - it is documented
            while frame is not None:
                frames.append(frame)
                frame = frame.f_back
        return frames

    def _stop(self, frames: list[types.FrameType]) -> None:
        users = [frame for frame in frames if not _is_machinery(frame.f_code.co_filename)]
        own = [frame for frame in users if not _is_library(frame.f_code.co_filename)]
        # An app that was installed with pip lies among the libraries: then where it was entered.
        frame = own[0] if own else users[-1]
        file, line = frame.f_code.co_filename, frame.f_lineno
        self._finding = {"file": file, "line": line, "code": linecache.getline(file, line).strip()}
        if get_ident() != self._main_thread:
            interrupt_main()  # CherryPy's sleeps until its server's thread has bound
        raise _ServerStarted


def _is_server(frame: types.FrameType) -> bool:
    module = f"{frame.f_globals.get('__name__')}."
    return any(
        module.startswith(f"{server}.") and function in (None, frame.f_code.co_name)
        for server, function in _SERVERS
    )


def _is_library(file: str) -> bool:
    places = ("<", f"{sysconfig.get_path('stdlib')}/")
    is_installed = "/site-packages/" in file or "/dist-packages/" in file
    return is_installed or file.startswith(places)


# -- what of a module is the app -----------------------------------------------------------------


def _choose(module: types.ModuleType) -> str:
    """Return what to put behind the colon when nothing was."""
    members = vars(module)
    for name in ("app", "application"):
        value = members.get(name)
        if _is_instance(value) or (_is_function(value) and _interface(value)):
            return name
    instances = {name: one for name, one in members.items() if _is_instance(one)}
    known = {name: one for name, one in instances.items() if _framework(_layers(one))}
    factories = [name for name in ("create_app", "make_app") if callable(members.get(name))]
    # Many a thing can be called with two arguments, a validator of WTForms for one.
    names = _outermost(known or ({} if factories else instances))
    if len(names) > 1:
        raise _Failure("several-in-module", module=module.__name__, names=names)
    if names:
        return names[0]
    if not factories:
        raise _Failure("no-app", module=module.__name__, names=_offers(module))
    # One that needs arguments is called all the same: import_app then says which.
    return min(factories, key=lambda name: len(_shape(members[name]).required)) + "()"


def _offers(module: types.ModuleType) -> list[str]:
    """List what may be meant, as it would be typed, those that need arguments last."""
    apps: list[str] = []
    factories: list[str] = []
    for name, value in vars(module).items():
        if _is_instance(value):
            apps.append(name)
        elif _is_function(value) and value.__module__ == module.__name__:
            required = _shape(value).required
            if _interface(value) and required[:1] in (["environ"], ["env"], ["scope"]):
                apps.append(name)
            elif re.search("app|factory|wsgi|asgi", name):
                factories.append(f"{name}({', '.join(map(repr, required))})")
    return [*apps, *sorted(factories, key=lambda one: "'" in one)][:8]


def _outermost(values: dict[_Name, Any]) -> list[_Name]:
    """Return the first name of each object, leaving out those that another is wrapped around."""
    seen = {id(layer) for value in values.values() for _, layer in _layers(value)[1:]}
    names = []
    for name, value in values.items():
        if id(value) not in seen:
            seen.add(id(value))
            names.append(name)
    return names


def _is_function(value: object) -> bool:
    return isinstance(value, (types.FunctionType, types.MethodType))


def _is_instance(value: object) -> bool:
    """Tell whether a value is certainly an app, touching nothing of it but its class.

    `flask.request` raises when it is touched outside a request; Typer and its like take anything.
    """
    call = inspect.getattr_static(type(value), "__call__", None)
    if isinstance(value, type) or _is_function(value) or not isinstance(call, types.FunctionType):
        return False
    return _shape(call).accepted < math.inf and _interface(value) is not None


class _Shape(NamedTuple):
    """The positional parameters of a callable."""

    required: list[str]
    accepted: float


def _shape(value: Any) -> _Shape:
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except Exception:  # a callable written in C has none, and a proxy raises what it likes
        return _Shape([], math.inf)
    positional = [
        one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    is_open = any(one.kind == one.VAR_POSITIONAL for one in parameters)
    required = [one.name for one in positional if one.default is one.empty]
    return _Shape(required, math.inf if is_open else len(positional))


def _is_async(app: Any) -> bool:
    return any(map(inspect.iscoroutinefunction, (app, type(app).__call__)))


def _interface(app: Any) -> str | None:
    """Return `wsgi` or `asgi` by what the callable takes, None if it can be neither.

    https://peps.python.org/pep-3333/#the-application-framework-side takes two positional arguments,
    https://asgi.readthedocs.io/en/latest/specs/main.html#applications three.
    """
    names, accepted = _shape(app)
    required = len(names)
    if inspect.isclass(app):
        # ASGI 2: the class takes the scope, its instance is what is awaited.
        call = inspect.getattr_static(app, "__call__", None)
        return "asgi" if required == 1 and inspect.iscoroutinefunction(call) else None
    if required == 3 or (_is_async(app) and required <= 3 <= accepted):
        return "asgi"
    if _is_async(app) or not required <= 2 <= accepted:
        return None
    # A function whose parameters have defaults is rather create_app(config=None, testing=False).
    is_vague = _is_function(app) and required < 2 and accepted < math.inf
    return None if is_vague else "wsgi"


def _why_not(app: Any, module: str, expression: str) -> str:
    """Say why what can be called is no app."""
    if inspect.isclass(app):
        return "an app is an instance of a class, not the class"
    required, accepted = _shape(app)
    if _is_function(app) and "(" not in expression and len(required) < 2 and not _is_async(app):
        words = ", ".join(map(repr, required))
        return f"it looks like a factory; to have it called, type  {module}:{expression}({words})"
    wanted = "an ASGI app 3" if _is_async(app) else "a WSGI app 2"
    return f"it takes {accepted} positional argument{'s' * (accepted != 1)}, {wanted}"


# -- what the app is -----------------------------------------------------------------------------

_FRAMEWORKS = {
    # Top-level package, which is also the distribution's name.
    "bottle": "Bottle",
    "django": "Django",
    "falcon": "Falcon",
    "fastapi": "FastAPI",
    "flask": "Flask",
    "quart": "Quart",
    "starlette": "Starlette",
}

_HARMLESS_WRAPPERS = ("flask_socketio", "werkzeug", "whitenoise")


def _facts(found: _Found, app: Any) -> dict[str, Any]:
    """Return the fields of outrider.facts.App."""
    layers = _layers(app)
    flasks = [(prefix, layer) for prefix, layer in layers if _is_flask(layer)]
    config = flasks[0][1].config if flasks else {}
    root = config.get("APPLICATION_ROOT")
    limits = [_whole(one.config.get("MAX_CONTENT_LENGTH")) for _, one in flasks]
    return {
        "target": found.target,
        "interface": _interface(app),
        "framework": _framework(layers) or str(_interface(app)).upper(),
        "import_root": found.import_root,
        "module_file": getattr(found.module, "__file__", None),
        "static": _static_folders(flasks),
        "media": _media_folders(flasks, layers),
        # Nginx has one limit for all: the widest, and none if one app has none.
        "max_content_length": max(filter(None, limits), default=None) if all(limits) else None,
        "application_root": None if root == "/" else root,
        "server_name": config.get("SERVER_NAME"),
        "trusted_hosts": list(config.get("TRUSTED_HOSTS") or ()),
        "static_max_age_s": _whole(config.get("SEND_FILE_MAX_AGE_DEFAULT")),
        "is_debug": any(bool(one.debug) for _, one in flasks),
        "has_debugger": any(type(one).__name__ == "DebuggedApplication" for _, one in layers),
        "rss_bytes": _resident_bytes(),
    }


def _layers(app: Any) -> list[tuple[str, Any]]:
    """List an app and what it is wrapped around, each with the URL prefix it is mounted at."""
    layers = [("", app)]
    seen = {id(app)}
    depths = [0]
    for (prefix, layer), depth in zip(layers, depths):  # both grow
        members: dict[str, Any] = {}
        with contextlib.suppress(Exception):  # no __dict__, or a proxy
            members = vars(layer) if depth < 6 and not isinstance(layer, type) else {}
        # ProxyFix and most others; Flask(...).wsgi_app when it was replaced; WhiteNoise; profilers.
        inner = [(prefix, members.get(one)) for one in ("app", "wsgi_app", "application", "_app")]
        if isinstance(layer, types.MethodType):
            inner.append((prefix, layer.__self__))
        mounts = members.get("mounts")  # werkzeug.middleware.dispatcher
        for mount, one in mounts.items() if isinstance(mounts, dict) else ():
            inner.append((f"{prefix}{mount}", one))
        for pair in inner:
            if callable(pair[1]) and id(pair[1]) not in seen:
                seen.add(id(pair[1]))
                layers.append(pair)
                depths.append(depth + 1)
    return sorted(layers, key=lambda pair: len(pair[0]))


def _is_flask(app: object) -> bool:
    return any(
        one.__name__ == "Flask" and one.__module__.startswith("flask.") for one in type(app).__mro__
    )


def _wrappers(prefix: str, layers: list[tuple[str, Any]]) -> list[str]:
    """Name what stands before the app at a prefix, and might answer in its place."""
    return [
        getattr(layer, "__qualname__", type(layer).__name__)
        for mount, layer in layers
        if prefix.startswith(mount)
        and not _is_flask(getattr(layer, "__self__", layer))
        and type(layer).__module__.partition(".")[0] not in _HARMLESS_WRAPPERS
    ]


def _framework(layers: list[tuple[str, Any]]) -> str | None:
    for _, layer in layers:
        for one in type(layer).__mro__:
            package = one.__module__.partition(".")[0]
            if package in _FRAMEWORKS:
                with contextlib.suppress(metadata.PackageNotFoundError):
                    return f"{_FRAMEWORKS[package]} {metadata.version(package)}"
                return _FRAMEWORKS[package]
    return None


def _whole(value: object) -> int | None:
    """Return bytes or seconds; older Flasks have a timedelta."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return int(value) if isinstance(value, (int, float)) else None


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()


# -- what Flask serves ---------------------------------------------------------------------------

_MEDIA_SETTINGS = ("UPLOAD_FOLDER", "MEDIA_ROOT", "MEDIA_FOLDER", "UPLOADS_DEFAULT_DEST")

_PLAIN_NAMES = {
    *("app", "config", "current_app", "flask", "get", "join", "os", "path", "root_path"),
    "send_from_directory",
}
"""What a view may use that does nothing but hand out a file of a folder."""

_PLAIN_KEYWORDS = {"directory", "filename", "path"}

_REQUEST_METHODS = (
    "__call__",
    "wsgi_app",
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
)
"""What a request goes through before the view; a subclass may ask for a password there."""


def _static_folders(flasks: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    folders: dict[str, dict[str, Any]] = {}
    for prefix, app in flasks:
        for rule in app.url_map.iter_rules():
            url = _folder_url(rule)
            scope, _, endpoint = rule.endpoint.rpartition(".")
            owner = app.blueprints.get(scope) if scope else app
            if not url or endpoint != "static" or owner is None or not owner.static_folder:
                continue
            view = app.view_functions.get(rule.endpoint)
            directory = os.path.normpath(owner.static_folder)
            if _is_flasks_own(view, type(owner).send_static_file) and Path(directory).is_absolute():
                default = Path(app.root_path, "static")
                folder = {
                    "url": prefix + url,
                    "directory": directory,
                    "source": f"blueprint {scope!r}" if scope else f"Flask app {app.name!r}",
                    "is_default": not scope and Path(directory) == default,
                }
                folders.setdefault(prefix + url, folder)
    return list(folders.values())


def _folder_url(rule: Any) -> str | None:
    """Return the prefix of a rule that ends in a file's name, unless it is for one host only."""
    match = re.fullmatch(r"([^<>]*/)<(?:(?:path|string|default):)?\w+>", rule.rule)
    if match and "GET" in (rule.methods or ()) and not rule.host and not rule.subdomain:
        return match[1]
    return None


def _is_flasks_own(*functions: Any) -> bool:
    """Look at the globals, because functools.wraps copies the name of the module."""
    names = [getattr(one, "__globals__", {}).get("__name__", "") for one in functions]
    return all(name.startswith("flask.") for name in names)


def _media_folders(
    flasks: list[tuple[str, Any]], layers: list[tuple[str, Any]]
) -> list[dict[str, Any]]:
    folders: dict[str, dict[str, Any]] = {}
    for prefix, app in flasks:
        wrappers = [f"wrapped in {name}" for name in _wrappers(prefix, layers)]
        for setting in _MEDIA_SETTINGS:
            directory = _folder(app, app.config.get(setting))
            if directory is None:
                continue
            # A route that is open to all stands for the others.
            routes = _media_routes(app, setting, directory)
            url, guard = min(routes, key=lambda route: bool(route[1]), default=(None, None))
            if url is not None:
                url, guard = prefix + url, guard or next(iter(wrappers), None)
            folder = {"directory": directory, "source": setting, "url": url, "guard": guard}
            folders.setdefault(directory, folder)
    return list(folders.values())


def _folder(app: Any, value: object) -> str | None:
    """Resolve a folder as send_from_directory does, from where the app's module lies.

    https://flask.palletsprojects.com/en/stable/api/#flask.send_from_directory
    """
    if isinstance(value, (str, os.PathLike)) and str(value):
        return os.path.normpath(Path(app.root_path, value))
    return None


def _media_routes(
    app: Any, setting: str, directory: str
) -> Iterator[tuple[str | None, str | None]]:
    """Yield the URL of each route that serves the folder, and what may guard it."""
    for rule in app.url_map.iter_rules():
        url = _folder_url(rule)
        view = inspect.unwrap(app.view_functions.get(rule.endpoint))
        code = getattr(view, "__code__", None)
        if url and code and "send_from_directory" in code.co_names:
            constant = _folder(app, view.__globals__.get(setting)) or directory
            if setting in code.co_consts or (setting in code.co_names and constant == directory):
                yield url, next(_guards(app, rule, url, setting), None)


def _guards(app: Any, rule: Any, url: str, setting: str) -> Iterator[str]:
    """Yield what may keep someone from a file that Nginx would give to everyone."""
    view = app.view_functions[rule.endpoint]
    if hasattr(view, "__wrapped__"):
        code = getattr(view, "__code__", None)
        # `login_required.<locals>.wrapper`; before Python 3.11 there is only the `wrapper`.
        name = getattr(code, "co_qualname", getattr(code, "co_name", type(view).__name__))
        yield f"decorated with {name.partition('.')[0]}"
    code = inspect.unwrap(view).__code__
    plain = {*_PLAIN_NAMES, setting}
    used = [name for name in (*code.co_names, *code.co_freevars) if name not in plain]
    if used:
        yield f"the view uses {', '.join(used)}"
    for constant in code.co_consts:
        is_keywords = isinstance(constant, tuple) and _PLAIN_KEYWORDS.issuperset(constant)
        if constant not in (None, setting, view.__doc__) and not is_keywords:
            yield "the view does more than send the file"
    for other in app.url_map.iter_rules():
        if other.rule.startswith(url) and other.endpoint != rule.endpoint:
            yield f"the app also routes {other.rule}"
    flask = next(one for one in type(app).__mro__ if one.__module__.startswith("flask."))
    for name in _REQUEST_METHODS:
        if getattr(type(app), name) is not getattr(flask, name):
            yield f"{type(app).__name__} has a {name} of its own"
    yield from _hooks(app, rule.endpoint)


def _hooks(app: Any, endpoint: str) -> Iterator[str]:
    """Yield what runs before the view, and might refuse the request."""
    blueprints = endpoint.split(".")[:-1]
    scopes = [None, *(".".join(blueprints[: n + 1]) for n in range(len(blueprints)))]
    for kind, hooks in (
        ("before_request", app.before_request_funcs),
        ("url_value_preprocessor", app.url_value_preprocessors),
    ):
        for scope in scopes:
            for hook in hooks.get(scope, ()):
                owner = f"blueprint {scope!r}" if scope else "app"
                yield f"{owner}.{kind} runs {getattr(hook, '__name__', type(hook).__name__)}"


if __name__ == "__main__":
    main()
