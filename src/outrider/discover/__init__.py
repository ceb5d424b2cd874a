"""Look: what the app is, and what the project and this machine have.

Decides nothing and imports none of the user's code: that is the probe's, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider import envfile, errors, plan, process
from outrider.discover import candidates as candidate_files
from outrider.discover import directories, host, interpreter, nginx
from outrider.discover.error_pages import look_at_error_pages
from outrider.facts import App, Collect, Directory, Facts, MediaFolder, Project, StaticFolder
from outrider.servers import DEFAULT, SERVERS
from outrider.settings import TomlSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from outrider.discover.candidates import Candidate
    from outrider.facts import Account, Host, Interpreter
    from outrider.servers import Server
    from outrider.settings import Settings

PYTHON_FLOOR = (3, 8)
"""Of the app's interpreter: what probe/ and app/ are written for."""
BOOT_TIMEOUT_S = 60


def find_configuration(directory: str) -> TomlSource | None:
    """Return the table of outrider.toml, or `[tool.outrider]` of pyproject.toml.

    Raises:
        OutriderError: a file is not TOML, or both files have settings.
    """
    own = _read_toml(Path(directory, "outrider.toml"))
    shared = _read_toml(Path(directory, "pyproject.toml"))
    tool = shared.get("tool", {}) if shared else {}
    table = tool.get("outrider") if isinstance(tool, dict) else None
    if own is not None and table is not None:
        raise errors.two_configurations(directory)
    if own is not None:
        return TomlSource(name="outrider.toml", directory=directory, table=own)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise errors.bad_toml(
            str(Path(directory, "pyproject.toml")), "[tool.outrider] is not a table"
        )
    return TomlSource(name="pyproject.toml [tool.outrider]", directory=directory, table=table)


def _read_toml(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise errors.bad_toml(str(path), str(error)) from None


def read_env_file(settings: Settings) -> dict[str, str]:
    """Return the variables of the environment file, if one is named.

    Raises:
        OutriderError: it cannot be read, or a line of it is not KEY=VALUE.
    """
    given = settings.get("env_file")
    if given is None:
        return {}
    return envfile.parse(str(given.value), _read(str(given.value), given.origin))


def _read(path: str, origin: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise errors.file_missing(path, origin) from None


def discover_all(
    settings: Sequence[Settings], envs: Sequence[Mapping[str, str]], cwd: str
) -> list[Facts]:
    """Return the facts of each of several sites, most often one.

    Args:
        settings: of each site.
        envs: the environment that each app will have.
        cwd: the directory of a site that names none, absolute.

    Raises:
        OutriderError: as for `discover`; it says of which site.
    """
    directories = [directory_of(one, cwd) for one in settings]
    found = []
    for one, env, directory in zip(settings, envs, directories, strict=True):
        try:
            found.append(discover(one, env, directory, directories))
        except errors.OutriderError as error:
            if len(settings) == 1:
                raise
            raise error.of_site(one.label) from None
    return found


def directory_of(settings: Settings, cwd: str) -> str:
    """Return the project's directory, absolute.

    Raises:
        OutriderError: there is no such directory.
    """
    given = settings.get("directory")
    if given is None:
        return cwd
    if not os.path.isdir(given.value):  # noqa: PTH112 - never raises
        raise errors.no_directory(given.value, given.origin)
    return str(given.value)


def discover(
    settings: Settings,
    env: Mapping[str, str],
    directory: str,
    together: Sequence[str] = (),
) -> Facts:
    """Return everything that `plan` may know of a site.

    Args:
        settings: what the user named (target, python, nginx, user, folders).
        env: the environment that the app will have.
        directory: the project's, absolute.
        together: the directories of all sites; as root, one user must be able to enter them.

    Raises:
        OutriderError: something that is needed is missing, or the app cannot be imported.
    """
    is_elsewhere = settings.get("directory") is not None
    snippet = settings.get("nginx_snippet")
    if snippet is not None:
        _read(snippet.value, snippet.origin)
    project = _look_at_project(directory, env, is_elsewhere=is_elsewhere)
    found_nginx = nginx.find_nginx(settings.value("nginx"), env)
    if found_nginx is None:
        raise errors.no_nginx()
    path, origin = interpreter.find_interpreter(
        settings.value("python"),
        directory,
        env,
        sys.executable,
        sys.prefix,
        is_elsewhere=is_elsewhere,
    )
    machine = _with_accounts(
        host.look_at_host(env),
        settings,
        Path(together[0]).stat().st_uid if together else project.owner_uid,
        (directory, path, found_nginx[0], *together),
    )
    named = machine.candidates[0] if settings.get("user") and machine.candidates else None
    account, _, _ = plan.choose_account(machine, settings, named)
    server = SERVERS[settings.value("server") or DEFAULT]
    python = _look_at_python(path, origin, env, account, server)
    target = settings.value("target")
    places = candidate_files.candidates(target, directory, env)
    if not places:
        raise errors.nothing_found(directory)
    timeout_s = settings.value("boot_timeout") or BOOT_TIMEOUT_S
    with ThreadPoolExecutor(1) as beside:
        # While the app is imported.
        looking = beside.submit(nginx.look_at_nginx, *found_nginx, env)
        app = _probe(places, python, account, env, directory, timeout_s, server)
    return Facts(
        app=app,
        interpreter=python,
        project=project,
        host=machine,
        nginx=looking.result(),
        directories=_look_at_directories(app, settings, account, directory),
        programs=_look_at_programs(settings, python, env, directory),
        error_pages=look_at_error_pages(settings),
        variables=frozenset(
            name for one in settings.value("processes") or () if env.get(name := one.unless or "")
        ),
    )


def _look_at_project(directory: str, env: Mapping[str, str], *, is_elsewhere: bool) -> Project:
    conf = Path(directory, "gunicorn.conf.py")
    own = Path(directory, "outrider.toml")
    found = Path(directory).stat()
    owner = host.account_named(str(found.st_uid))
    return Project(
        directory=directory,
        owner_uid=found.st_uid,
        owner=owner.name if owner else None,
        gunicorn_conf=str(conf) if conf.is_file() else None,
        unread=str(own) if is_elsewhere and own.is_file() else None,
        gunicorn_cmd_args=env.get("GUNICORN_CMD_ARGS") or None,
    )


def _look_at_python(
    path: str, origin: str, env: Mapping[str, str], account: Account, server: Server
) -> Interpreter:
    python = interpreter.look_at_interpreter(path, origin, env, account=account)
    if python.version[:2] < PYTHON_FLOOR:
        version, floor = (".".join(map(str, v)) for v in (python.version, PYTHON_FLOOR))
        why = f"it is Python {version}; {floor} or newer is needed"
        raise errors.interpreter_unusable(path, origin, why)
    found = python.version_of(server.name)
    # The probe needs it. Another server is asked for when it is known what it would serve.
    if server.name == DEFAULT and not server.is_safe(found):
        raise errors.no_server(server, path, origin, found)
    return python


def _with_accounts(
    machine: Host, settings: Settings, owner_uid: int | None, needed: Sequence[str]
) -> Host:
    """Add whom the children could run as, and what keeps each of them from what they need."""
    given = settings.value("user")
    if given is not None:
        named = host.account_named(given)
        return replace(machine, candidates=(named,) if named else ())
    if machine.uid != 0:
        return machine
    # A virtual environment's python is a link, and the library lies behind it.
    needed = [*needed, *map(os.path.realpath, needed), probe_path()]
    return replace(
        machine,
        candidates=tuple(
            replace(account, blocked_by=_blocked(account, needed))
            for account in host.accounts(owner_uid)
        ),
    )


def _blocked(account: Account, needed: Sequence[str]) -> str | None:
    reasons = (directories.reachable(path, account) for path in needed)
    return next((reason for reason in reasons if reason), None)


def _look_at_directories(
    app: App, settings: Settings, account: Account, directory: str
) -> dict[str, Directory]:
    given = [pair.directory for name in ("static", "media") for pair in settings.value(name) or ()]
    spa, roots = settings.value("spa"), settings.value("file_roots") or ()
    folders = [
        *([spa] if spa else []),
        *roots,
        *(folder.directory for folder in app.static),
        *(folder.directory for folder in app.media),
        *given,
    ]
    return {
        path: directories.look_at_directory(path, account, directory, app.import_root)
        for path in dict.fromkeys(filter(None, folders))
    }


def _look_at_programs(
    settings: Settings, python: Interpreter, env: Mapping[str, str], directory: str
) -> dict[str, str | None]:
    """Look for the programs of the extra processes, beside the app's interpreter first."""
    path = interpreter.search_path(python.path, env)
    found: dict[str, str | None] = {}
    commands = [command.words for command in settings.value("processes") or ()]
    commands += [settings.value("release")] if settings.get("release") else []
    for word, *_ in commands:
        if word in interpreter.NAMES:
            found[word] = python.path
        else:
            named = os.path.join(directory, word) if "/" in word else word  # noqa: PTH118 - a text
            found[word] = shutil.which(named, path=path)
    return found


# -- the probe -------------------------------------------------------------------------------------


def probe_path() -> str:
    """Return the path of the file that is run in the app's interpreter."""
    return str(resources.files("outrider").joinpath("probe", "__main__.py"))


def _probe(
    places: Sequence[Candidate],
    python: Interpreter,
    account: Account,
    env: Mapping[str, str],
    directory: str,
    timeout_s: float,
    server: Server,
) -> App:
    label = ", ".join(dict.fromkeys(place.label for place in places))
    request = {
        "cwd": directory,
        "server": server.name,
        "candidates": [asdict(place) for place in places],
    }
    try:
        finished = process.run(
            [python.path, probe_path(), json.dumps(request)],
            env={**env, "PYTHONUNBUFFERED": "1"},
            cwd=directory,
            timeout_s=timeout_s,
            account=account,
            report=True,
        )
    except OSError as error:
        raise errors.interpreter_unusable(python.path, python.origin, str(error)) from None
    tail = "\n".join(finished.output.strip().splitlines()[-20:])
    if finished.code is None and not finished.report:
        raise errors.import_takes_too_long(label, timeout_s, tail)
    try:
        answer = json.loads(finished.report)
    except json.JSONDecodeError:
        code = finished.code or 0
        how = f"exit code {code}" if code >= 0 else process.signal_name(-code)
        raise errors.import_ended(label, how, tail, python.path, places[0].module) from None
    if "error" in answer:
        raise probe_error(answer["error"], label, python, places)
    return app_from(answer["app"])


def app_from(answer: dict[str, Any]) -> App:
    """Return the probe's answer as facts."""
    tuples = {
        "static": tuple(StaticFolder(**folder) for folder in answer.get("static", ())),
        "media": tuple(MediaFolder(**folder) for folder in answer.get("media", ())),
        "trusted_hosts": tuple(answer.get("trusted_hosts", ())),
    }
    collect = answer.get("collect")
    return App(**{**answer, **tuples, "collect": Collect(**collect) if collect else None})


@dataclass(frozen=True)
class _Asked:
    """What the probe was asked, for the messages."""

    label: str
    python: Interpreter
    places: Sequence[Candidate]


def probe_error(
    error: Mapping[str, Any], label: str, python: Interpreter, places: Sequence[Candidate]
) -> errors.OutriderError:
    """Return the error to show for what the probe reported."""
    return _MEANINGS[error["kind"]](error, _Asked(label, python, places))


def _named(error: Mapping[str, Any]) -> str:
    return f"{error['module']}:{error['attribute']}" if error.get("attribute") else error["module"]


_MEANINGS: dict[str, Callable[[Mapping[str, Any], _Asked], errors.OutriderError]] = {
    "no-gunicorn": lambda _, asked: errors.no_server(
        SERVERS[DEFAULT], asked.python.path, asked.python.origin, None
    ),
    "old-gunicorn": lambda error, asked: errors.no_server(
        SERVERS[DEFAULT], asked.python.path, asked.python.origin, error["version"]
    ),
    "no-module": lambda error, asked: errors.no_module(
        error["module"], asked.places[0].import_root, error["near"], asked.label
    ),
    "missing-dependency": lambda error, asked: errors.missing_dependency(
        asked.label,
        error["name"],
        asked.python.path,
        asked.python.origin,
        error["traceback"].rstrip(),
    ),
    "import-raised": lambda error, asked: errors.import_raised(
        asked.label, error["exception"], error["traceback"].rstrip()
    ),
    "factory-raised": lambda error, asked: errors.import_raised(
        asked.label, error["exception"], error["traceback"].rstrip()
    ),
    "django-settings": lambda error, _: errors.django_settings(
        error["module"],
        error["exception"],
        error["traceback"].rstrip(),
        error["variable"],
        is_missing=error["is_missing"],
    ),
    "no-django-application": lambda error, asked: errors.no_django_application(
        error["settings"], asked.label
    ),
    "not-installed": lambda error, asked: errors.not_installed(
        asked.label, error["name"], asked.python.path, asked.python.origin
    ),
    "aiohttp": lambda error, _: errors.aiohttp_app(_named(error)),
    "starts-server": lambda error, asked: errors.starts_server(
        asked.label, error["file"], error["line"], error["code"]
    ),
    "no-attribute": lambda error, _: errors.no_attribute(
        error["module"], error["attribute"], error["names"]
    ),
    "no-app": lambda error, _: errors.no_app_in_module(error["module"], error["names"]),
    "several-in-module": lambda error, _: errors.several_candidates(
        [f"{error['module']}:{name}" for name in error["names"]]
    ),
    "several": lambda error, _: errors.several_candidates(error["targets"]),
    "bad-attribute": lambda error, _: errors.bad_target(_named(error), error["message"]),
    "factory-arguments": lambda error, _: errors.factory_arguments(
        error["module"], error["factory"], error["signature"], error["message"]
    ),
    "not-an-app": lambda error, _: errors.not_an_app(
        _named(error), error["type"], *error["why"].split("; to have it called, type  ")
    ),
}
