"""Import a candidate's module and find in it what the server would serve."""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import django
from .failure import Failure, describe
from .interface import interface_of, is_function, is_instance, shape_of, why_not
from .layer import is_a
from .layers import framework_of, layers_of, outermost

if TYPE_CHECKING:
    from types import ModuleType

    from .importer import Importer


NOT_INSTALLED = ("PackageNotFoundError", "DistributionNotFound")


class Found(NamedTuple):
    """A candidate's app, or the factory that will make it."""

    module: ModuleType
    expression: str
    """What stands behind the colon."""
    value: Any
    is_factory: bool
    import_root: str
    label: str

    @property
    def target(self) -> str:
        return f"{self.module.__name__}:{self.expression}"


def find(candidate: dict[str, Any], importer: Importer) -> Found:
    """Return what a candidate names; a factory is not called yet.

    Raises:
        Failure: it gives no app.
    """
    root = candidate["import_root"]
    if sys.path[0] != root:
        sys.path.insert(0, root)
    if candidate.get("is_django"):
        module = _import_django(candidate["module"], root)
    else:
        module = _import(candidate["module"], root)
    expression = (candidate["attribute"] or _choose(module)).strip()
    name, arguments = _parse(expression)
    is_factory = arguments is not None and hasattr(module, name)
    if is_factory:
        expression = f"{name}({arguments})"
        value = getattr(module, name)
    else:
        value = resolve(module, expression, importer)
    return Found(module, expression, value, is_factory, root, candidate["label"])


def resolve(module: ModuleType, expression: str, importer: Importer) -> Any:
    """Return the app that the server would serve.

    Its own function finds it, so that what is looked at cannot differ from what is served.

    Raises:
        Failure: there is none, or it is no app.
    """
    try:
        app = importer.import_app(f"{module.__name__}:{expression}")
    except BaseException as exc:
        failure = _refusal(exc, module, expression, importer.error)
        raise failure from None
    if is_a(app, "aiohttp", "Application"):
        raise Failure("aiohttp", module=module.__name__, attribute=expression)
    if not interface_of(app):
        raise _not_an_app(module, expression, app, why_not(app, module.__name__, expression))
    return app


# -- the module ----------------------------------------------------------------------------------


def _import(name: str, root: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BaseException as exc:  # SystemExit too
        failure = _import_failure(exc, name, root)
    raise failure


def _import_failure(exc: BaseException, name: str, root: str) -> Failure:
    told = describe(exc)
    raised = {"exception": told.line, "traceback": told.traceback}
    settings = django.settings_failure(exc)
    if settings is not None:
        return Failure("django-settings", **raised, **settings)
    missing = exc.name if isinstance(exc, ModuleNotFoundError) else None
    if missing is None:
        return Failure("import-raised", **raised)
    # The module itself or a package above it, and nothing of the user's has run: else it is the
    # user's own import of a name that happens to be the same.
    if not told.has_frames and f"{name}.".startswith(f"{missing}."):
        return Failure("no-module", module=name, near=_near(missing, root))
    return Failure("missing-dependency", name=missing, traceback=told.traceback)


def _import_django(settings_module: str, root: str) -> ModuleType:
    """Import the wsgi.py of a project, or its asgi.py when the project needs ASGI.

    The first sets DJANGO_SETTINGS_MODULE as it will when the site runs, which need not be what
    manage.py sets.
    """
    found = django.entries(settings_module, root)
    if not found:
        try:
            found = django.named_in_settings(settings_module)
        except Failure:
            raise
        except BaseException as exc:
            failure = _import_failure(exc, settings_module, root)
            raise failure from None
    module = _import(found.get("wsgi") or found["asgi"], root)
    if "wsgi" in found and "asgi" in found and django.wants_asgi():
        module = _import(found["asgi"], root)
    return module


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


# -- what stands behind the colon ----------------------------------------------------------------


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


def _refusal(
    exc: BaseException, module: ModuleType, expression: str, not_found: type[Exception]
) -> Failure:
    """Say what import_app has against an expression."""
    name, arguments = _parse(expression)
    where: dict[str, Any] = {"module": module.__name__, "attribute": expression}
    if not name:
        return Failure("bad-attribute", message=str(exc), **where)
    if not hasattr(module, name):
        return Failure("no-attribute", names=_offers(module), **where)
    value = getattr(module, name)
    if not callable(value):
        return _not_an_app(module, expression, value, "it cannot be called")
    if isinstance(exc, (not_found, AttributeError)) and isinstance(exc.__context__, TypeError):
        # import_app asks for the __code__ of what it has called, which a class does not have.
        exc = exc.__context__
    elif isinstance(exc, not_found):
        if inspect.iscoroutinefunction(value) and "aiohttp" in sys.modules:
            # https://docs.aiohttp.org/en/stable/deployment.html#start-gunicorn
            return Failure("aiohttp", module=module.__name__, attribute=name)
        return _not_an_app(module, expression, None, f"{name}() returned no app")
    told = describe(exc)
    settings = django.settings_failure(exc)
    if settings is not None:
        return _import_failure(exc, name, "")
    if module.__name__ == "paste.deploy" and type(exc).__name__ in NOT_INSTALLED:
        return Failure("not-installed", name=str(getattr(exc, "name", None) or exc))
    if isinstance(exc, TypeError) and not told.has_frames:
        with contextlib.suppress(TypeError, ValueError):
            arguments = str(inspect.signature(value))
        return Failure(
            "factory-arguments",
            module=module.__name__,
            factory=name,
            signature=arguments,
            message=str(exc),
        )
    return Failure("factory-raised", exception=told.line, traceback=told.traceback)


def _not_an_app(module: ModuleType, attribute: str, value: object, why: str) -> Failure:
    kind = f"of type {type(value).__name__}"
    if value is None:
        kind = "None"
    elif isinstance(value, type):
        kind = f"the class {value.__name__}"
    return Failure("not-an-app", module=module.__name__, attribute=attribute, type=kind, why=why)


# -- when nothing does ---------------------------------------------------------------------------


def _choose(module: ModuleType) -> str:
    members = vars(module)
    for name in ("app", "application"):
        value = members.get(name)
        if is_instance(value) or (is_function(value) and interface_of(value)):
            return name
    instances = {name: one for name, one in members.items() if is_instance(one)}
    aiohttp = [name for name, one in members.items() if is_a(one, "aiohttp", "Application")]
    known = {name: one for name, one in instances.items() if framework_of(layers_of(one))}
    factories = [name for name in ("create_app", "make_app") if callable(members.get(name))]
    # Many a thing can be called with two arguments, a validator of WTForms for one.
    names = outermost(known or ({} if factories else instances))
    if len(names) > 1:
        raise Failure("several-in-module", module=module.__name__, names=names)
    if names:
        return names[0]
    if not factories and aiohttp:
        raise Failure("aiohttp", module=module.__name__, attribute=aiohttp[0])
    if not factories:
        raise Failure("no-app", module=module.__name__, names=_offers(module))
    # One that needs arguments is called all the same: import_app then says which.
    return min(factories, key=lambda name: len(shape_of(members[name]).required)) + "()"


def _offers(module: ModuleType) -> list[str]:
    """List what may be meant, as it would be typed, those that need arguments last."""
    apps: list[str] = []
    factories: list[str] = []
    for name, value in vars(module).items():
        if is_instance(value):
            apps.append(name)
        elif is_function(value) and value.__module__ == module.__name__:
            required = shape_of(value).required
            if interface_of(value) and required[:1] in (["environ"], ["env"], ["scope"]):
                apps.append(name)
            elif re.search("app|factory|wsgi|asgi", name):
                factories.append(f"{name}({', '.join(map(repr, required))})")
    return [*apps, *sorted(factories, key=lambda one: "'" in one)][:8]
