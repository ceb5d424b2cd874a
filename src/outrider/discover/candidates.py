"""Which modules the app could be in: what was named, or what a look at the files suggests.

Nothing is imported here; the probe imports what this file returns.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from outrider import errors
from outrider.discover import source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ROOT_FILES = (
    "wsgi.py", "app.py", "main.py", "application.py", "server.py", "run.py", "manage.py",
)  # fmt: skip
_PACKAGE_FILES = ("wsgi.py", "__init__.py", "app.py", "main.py")
_PASTE_FILES = ("production.ini", "development.ini")
_NO_APPS = (
    "build", "dist", "docs", "env", "migrations", "node_modules", "site-packages", "static",
    "templates", "test", "tests", "venv", "virtualenv",
)  # fmt: skip
_NO_SCRIPTS = ("conftest.py", "setup.py")  # a fixture of pytest is called `app` too

_MOST_ENTRIES = 1000  # names looked at in one folder
_MOST_FOLDERS = 100
_MOST_FILES = 50

_PASTE_APP = re.compile(r"^\[(app|application|composite|pipeline|filter-app)[:\]]", re.MULTILINE)
_FLASK_APP_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?FLASK_APP[ \t]*=[ \t]*
        (?:"(?P<double>[^"\n]*)" | '(?P<single>[^'\n]*)' | (?P<bare>[^\n]*?))
        [ \t]*(?:[ \t]\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A place that the probe is to look for the app in."""

    module: str
    attribute: str | None
    """What stands behind the colon, a name or a call; None: whatever in the module is an app."""
    import_root: str
    """Absolute path of the folder that the module is imported from."""
    label: str
    """Where it was found, as messages name it (`wsgi.py`, `FLASK_APP`, the target as typed)."""
    is_django: bool = False
    """`module` holds the settings; the application is found from there."""


class _Place(TypedDict):
    module: str
    attribute: str | None
    import_root: str


class _BadError(ValueError):
    """Why a target cannot be understood."""


def candidates(target: str | None, project: str, env: Mapping[str, str]) -> list[Candidate]:
    """Return where the app may be, the best first; empty when nothing looks like one.

    Args:
        target: what the user named (`module:app`, `module:create_app()`, `site/wsgi.py`), or None.
        project: absolute path of the project's directory.
        env: the environment; only FLASK_APP and DJANGO_SETTINGS_MODULE are read.

    Raises:
        OutriderError: the target is none of the forms that are understood.
    """
    if target is not None:
        return [_named(target, project, target)]
    flask_app = env.get("FLASK_APP", "").strip() or _flask_app_file(project)
    if flask_app:
        return [_named(flask_app, project, "FLASK_APP")]
    return _in_root(project) or _of_variable(project, env) or _in_packages(project)


def _named(target: str, project: str, label: str) -> Candidate:
    """Return the candidate of a target, split at the first colon."""
    place, colon, attribute = (part.strip() for part in target.partition(":"))
    try:
        if place.endswith(".ini") and not colon:
            return _paste(_file_of(place, project, ".ini"), project, label)
        if not place:
            raise _BadError("there is no module before the colon")
        if colon and not attribute:
            raise _BadError("there is nothing after the colon")
        if "/" in place or place.endswith(".py"):
            path = _file_of(place, project)
            settings = None if colon else source.settings_module(path)
            if settings:
                return _django(path, settings, label)
            root, module = _locate(path)
        elif source.MODULE.fullmatch(place):
            root, module = project, place
        else:
            raise _BadError(f"{place!r} is neither a module nor a path to a file")
    except _BadError as error:
        why = str(error) if label == target else f"{error} ({label} names it)"
        raise errors.bad_target(target, why) from None
    return Candidate(module=module, attribute=attribute or None, import_root=root, label=label)


def _file_of(place: str, project: str, suffix: str = ".py") -> Path:
    """Return the file or package that a path names."""
    # Links stay as they are: a release that is reached by a link `current` is found anew by it.
    path = Path(os.path.normpath(Path(project, place)))
    if os.path.isdir(path):  # noqa: PTH112 - never raises
        if not os.path.isfile(path / "__init__.py"):  # noqa: PTH113
            raise _BadError(f"{path} is a directory without __init__.py; name a file in it")
    elif not os.path.exists(path) and os.path.isfile(f"{path}.py"):  # noqa: PTH110, PTH113
        path = Path(f"{path}.py")  # Flask takes `src/hello` for src/hello.py
    elif not os.path.isfile(path):  # noqa: PTH113
        raise _BadError(f"there is no file {path}")
    elif path.suffix != suffix:
        raise _BadError(f"{path} does not end in .py")
    return path


def _locate(path: Path, ceiling: Path | None = None) -> tuple[str, str]:
    """Return the import root and the dotted name of a file or package.

    The root is the first folder upwards without `__init__.py`, as in Flask's `prepare_import`,
    unless the file imports its neighbours from that folder as from a package:
    https://github.com/pallets/flask/blob/main/src/flask/cli.py

    Args:
        path: the file, or the folder of a package.
        ceiling: a folder that is a root whatever it holds.
    """
    module = path.parent if path.name == "__init__.py" else path
    names = [module.stem if module.suffix == ".py" else module.name]
    root = module.parent
    while root not in (ceiling, root.parent) and (
        os.path.isfile(root / "__init__.py") or source.is_imported_from(path, root)  # noqa: PTH113
    ):
        names.insert(0, root.name)
        root = root.parent
    dotted = next((name for name in names if "." in name), None)
    if dotted is not None:
        raise _BadError(f"{dotted!r} has a dot in it, so that Python cannot import it: rename it")
    return str(root), ".".join(names)


def _flask_app_file(project: str) -> str:
    """Return FLASK_APP of `.env`, else of `.flaskenv`, in the order in which Flask reads them.

    https://flask.palletsprojects.com/en/stable/cli/#environment-variables-from-dotenv
    """
    for name in (".env", ".flaskenv"):
        found = list(_FLASK_APP_LINE.finditer(source.text_of(Path(project, name))))
        if found:
            value = found[-1]["double"] or found[-1]["single"] or found[-1]["bare"] or ""
            if value.strip():
                return value.strip()
    return ""


def _in_root(project: str) -> list[Candidate]:
    """Return the project's own files, those with usual names first.

    A file with another name counts only when it makes an app itself and no other does: a script
    such as seed.py imports the app to work on its data, and must not run because we looked at it.
    """
    root = Path(project)
    usual = [root / name for name in _ROOT_FILES]
    asgi = [root / "asgi.py"]  # only in place of the rest: beside an app.py it wraps the same app
    for found in (
        _suitable(usual, root) + _managed(root, root),
        _suitable(asgi, root),
        _pasted(root),
    ):
        if found:
            return found
    others = [
        root / name
        for name in _names(root)
        if name.endswith(".py") and name not in _NO_SCRIPTS and not _is_test(name)
    ]
    others = [one for one in others if one not in usual + asgi and "." not in one.stem]
    making = [one for one in others[:_MOST_FILES] if source.makes_app(one, itself=True)]
    if len(making) == 1:
        return [_candidate(making[0], root, root)]
    # A file that this Python cannot parse is better imported, which shows the error, than ignored.
    return [_candidate(one, root, root) for one in usual + asgi if source.makes_app(one) is None]


def _in_packages(project: str) -> list[Candidate]:
    """Return the files of folders one level below the project and below its `src`."""
    root = Path(project)
    found: list[Candidate] = []
    for base in (root, root / "src"):
        names = [name for name in _names(base) if not _is_skipped(base / name)]
        for name in names[:_MOST_FOLDERS]:
            folder = base / name
            found += (
                _managed(folder, root)
                or _startproject(folder, base, root)
                or _suitable([folder / file for file in _PACKAGE_FILES], root, base)
                or _suitable([folder / "asgi.py"], root, base)
                or _pyramid(folder / "__init__.py", root, base)
            )
    return found


# -- frameworks that say it elsewhere --------------------------------------------------------------


def _managed(folder: Path, project: Path) -> list[Candidate]:
    """Return the Django project of a manage.py."""
    path = folder / "manage.py"
    settings = source.settings_module(path)
    return [_django(path, settings, str(path.relative_to(project)))] if settings else []


def _startproject(folder: Path, base: Path, project: Path) -> list[Candidate]:
    """Return the Django project of a wsgi.py or asgi.py; with both, the settings choose one."""
    for path in (folder / "wsgi.py", folder / "asgi.py"):
        settings = source.settings_module(path) or ""
        if settings.partition(".")[0] == folder.name:
            label = str(path.relative_to(project))
            return [Candidate(**_place(settings, str(base)), label=label, is_django=True)]
    return []


def _of_variable(project: str, env: Mapping[str, str]) -> list[Candidate]:
    """Return the Django project of the environment, when its settings are in this project."""
    settings = env.get(source.SETTINGS_VARIABLE, "").strip()
    path = Path(project, *settings.split("."))
    if not source.MODULE.fullmatch(settings) or not any(
        os.path.isfile(one)  # noqa: PTH113 - never raises
        for one in (path.with_name(f"{path.name}.py"), path / "__init__.py")
    ):
        return []
    return [Candidate(**_place(settings, project), label=source.SETTINGS_VARIABLE, is_django=True)]


def _django(path: Path, settings: str, label: str) -> Candidate:
    return Candidate(**_place(settings, str(path.parent)), label=label, is_django=True)


def _place(module: str, import_root: str) -> _Place:
    return {"module": module, "attribute": None, "import_root": import_root}


def _pasted(root: Path) -> list[Candidate]:
    """Return the app that production.ini describes, else development.ini's."""
    for name in _PASTE_FILES:
        if _PASTE_APP.search(source.text_of(root / name)):
            return [_paste(root / name, str(root), name)]
    return []


def _paste(path: Path, project: str, label: str) -> Candidate:
    """Return the call that makes the app, which Gunicorn takes as it takes any factory.

    https://docs.pylonsproject.org/projects/pastedeploy/en/latest/#basic-usage
    """
    near = path.relative_to(project) if path.is_relative_to(project) else path
    call = f"loadapp({f'config:{near}'!r}, relative_to='.')"
    return Candidate(
        module="paste.deploy", attribute=call, import_root=project, label=label or path.name
    )


def _pyramid(path: Path, project: Path, base: Path) -> list[Candidate]:
    """Return the factory of a Pyramid package."""
    if not source.has_pyramid_main(path):
        return []
    return [replace(_candidate(path, project, base), attribute="main({})")]


# -- files and folders -----------------------------------------------------------------------------


def _suitable(files: Iterable[Path], project: Path, base: Path | None = None) -> list[Candidate]:
    return [_candidate(one, project, base or project) for one in files if source.makes_app(one)]


def _candidate(path: Path, project: Path, base: Path) -> Candidate:
    # A stray __init__.py beside manage.py or wsgi.py makes no package of the project.
    import_root, module = _locate(path, base)
    label = str(path.relative_to(project))
    return Candidate(module=module, attribute=None, import_root=import_root, label=label)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in islice(entries, _MOST_ENTRIES))
    except OSError:
        return []


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    return (
        name.startswith((".", "_"))
        or name in _NO_APPS
        or _is_test(name)
        or "." in name
        or os.path.isfile(folder / "pyvenv.cfg")  # noqa: PTH113 - never raises
    )


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name.endswith(("_test.py", "_tests", "_tests.py"))
