"""What a project says that it needs: which packages, from which file, on which Python."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider import errors
from outrider.discover.project_files import items, read_text, read_toml, table, tables
from outrider.discover.requirements import (
    Requirements,
    distinct,
    look_at_index,
    normal,
    read_requirements,
)
from outrider.facts import Dependencies, PackageIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
)


def look_at_dependencies(directory: str) -> Dependencies | None:
    """Return what the project needs, from the file that says it most exactly.

    A lock file counts before what it was made from, and requirements.txt before pyproject.toml.

    Args:
        directory: the project's, absolute.

    Returns:
        None when no file says anything.

    Raises:
        OutriderError: a file is there and cannot be read.
    """
    project = Path(directory)
    pyproject = read_toml(project, "pyproject.toml")
    for file, read in _READERS:
        if file is None or (project / file).is_file():
            found = read(project, pyproject)
            if found is not None:
                return found
    return None


def _uv(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    """https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile"""
    packages = tables(read_toml(project, "uv.lock"), "package")
    sources = [table(package, "source") for package in packages]
    indexes = [
        *_indexes(tables(pyproject, "tool", "uv", "index"), "pyproject.toml"),
        *(
            index
            for source in sources
            for index in look_at_index(str(source.get("registry", "")), "uv.lock")
        ),
    ]
    named = {index.host: index for index in reversed(indexes)}
    return Dependencies(
        tool="uv",
        files=("pyproject.toml", "uv.lock"),
        names=_reached(packages),
        is_locked=True,
        has_hashes=True,
        local=(*_local(sources), *_dynamic(pyproject)),
        is_from_git=any("git" in source for source in sources),
        indexes=tuple(named.values()),
        **_python(project, pyproject),
    )


def _reached(packages: list[Mapping[str, Any]]) -> frozenset[str]:
    """Return what the project needs of a uv.lock, which has its development tools as well."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for package in packages:
        by_name.setdefault(str(package.get("name")), []).append(package)
    found: set[tuple[str, str]] = set()
    waiting = [
        (str(package.get("name")), "")
        for package in packages
        if "." in (table(package, "source").get(kind) for kind in ("virtual", "editable"))
    ]
    roots = {name for name, _ in waiting}
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for package in by_name.get(name, ()):
            wanted = tables(package, "optional-dependencies", extra) if extra else []
            for one in [*wanted, *tables(package, "dependencies")]:
                waiting += [(str(one.get("name")), str(e)) for e in ("", *items(one, "extra"))]
    if not roots:  # a lock file whose project has another place
        return frozenset(map(normal, by_name))
    return frozenset(normal(name) for name, _ in found if name not in roots)


def _poetry(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    """https://python-poetry.org/docs/repositories/#project-configuration"""
    packages = [
        package
        for package in tables(read_toml(project, "poetry.lock"), "package")
        if "main" in package.get("groups", ["main"])
        and package.get("category", "main") == "main"
        and not package.get("optional")
    ]
    sources = [table(package, "source") for package in packages]
    return Dependencies(
        tool="poetry",
        files=("pyproject.toml", "poetry.lock"),
        names=_names(package.get("name") for package in packages),
        is_locked=True,
        has_hashes=True,
        local=tuple(
            f"./{source.get('url')}"
            for source in sources
            if source.get("type") in ("directory", "file")
        ),
        is_from_git=any(source.get("type") == "git" for source in sources),
        indexes=_poetry_indexes(pyproject),
        **_python(project, pyproject),
    )


def _poetry_without_lock(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    wanted = table(pyproject, "tool", "poetry", "dependencies")
    names = [name for name in wanted if name != "python"]
    if not names:
        return None
    values = [wanted[name] for name in names if isinstance(wanted[name], Mapping)]
    return Dependencies(
        tool="poetry",
        files=("pyproject.toml",),
        names=_names(names),
        extras=_extras(wanted),
        is_locked=False,
        loose=tuple(names),
        local=tuple(f"./{one['path']}" for one in values if "path" in one),
        is_from_git=any("git" in one for one in values),
        indexes=_poetry_indexes(pyproject),
        **_python(project, pyproject),
    )


def _poetry_indexes(pyproject: Mapping[str, Any]) -> tuple[PackageIndex, ...]:
    return distinct(_indexes(tables(pyproject, "tool", "poetry", "source"), "pyproject.toml"))


def _pipenv(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    """https://pipenv.pypa.io/en/latest/pipfile.html"""
    try:
        lock = json.loads(read_text(project, "Pipfile.lock"))
    except ValueError as error:
        raise errors.bad_dependencies("Pipfile.lock", str(error)) from None
    if not isinstance(lock, Mapping):
        raise errors.bad_dependencies("Pipfile.lock", "it is not a table")
    wanted = table(lock, "default")
    return Dependencies(
        tool="pipenv",
        files=("Pipfile", "Pipfile.lock"),
        names=_names(wanted),
        extras=_extras(wanted),
        is_locked=True,
        has_hashes=True,
        **_of_pipfile(wanted),
        indexes=distinct(_indexes(tables(lock, "_meta", "sources"), "Pipfile")),
        **_python(project, pyproject, pipfile=table(lock, "_meta", "requires")),
    )


def _pipenv_without_lock(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    pipfile = read_toml(project, "Pipfile")
    wanted = table(pipfile, "packages")
    return Dependencies(
        tool="pipenv",
        files=("Pipfile",),
        names=_names(wanted),
        extras=_extras(wanted),
        is_locked=False,
        loose=tuple(wanted),
        **_of_pipfile(wanted),
        indexes=distinct(_indexes(tables(pipfile, "source"), "Pipfile")),
        **_python(project, pyproject, pipfile=table(pipfile, "requires")),
    )


def _of_pipfile(wanted: Mapping[str, Any]) -> dict[str, Any]:
    values = [one for one in wanted.values() if isinstance(one, Mapping)]
    return {
        "local": tuple(str(one.get("path")) for one in values if "path" in one),
        "is_from_git": any("git" in one for one in values),
    }


def _pip(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    """https://pip.pypa.io/en/stable/reference/requirements-file-format/"""
    name = next((name for name in REQUIREMENTS if (project / name).is_file()), None)
    if name is None:
        return None
    return _of_requirements("pip", read_requirements(project, name), project, pyproject)


def _pyproject(project: Path, pyproject: Mapping[str, Any]) -> Dependencies | None:
    """https://packaging.python.org/en/latest/specifications/pyproject-toml/"""
    if not isinstance(table(pyproject, "project").get("dependencies"), list):
        return None
    found = Requirements(files={"pyproject.toml": None})
    for text in items(pyproject, "project", "dependencies"):
        if isinstance(text, str):
            found.add(text)
    return _of_requirements("pyproject", found, project, pyproject)


def _of_requirements(
    tool: str, found: Requirements, project: Path, pyproject: Mapping[str, Any]
) -> Dependencies:
    return Dependencies(
        tool=tool,
        files=tuple(found.files),
        names=frozenset(found.names),
        extras=frozenset(found.extras),
        is_locked=not found.unpinned,
        has_hashes=found.has_hashes,
        loose=found.unpinned,
        local=tuple(found.local),
        is_from_git=found.is_from_git,
        indexes=distinct(found.indexes),
        **_python(project, pyproject),
    )


_READERS: tuple[
    tuple[str | None, Callable[[Path, Mapping[str, Any]], Dependencies | None]], ...
] = (
    ("uv.lock", _uv),
    ("poetry.lock", _poetry),
    ("Pipfile.lock", _pipenv),
    (None, _pip),
    (None, _pyproject),
    ("pyproject.toml", _poetry_without_lock),
    ("Pipfile", _pipenv_without_lock),
)


# -- which Python ----------------------------------------------------------------------------------


def _python(
    project: Path, pyproject: Mapping[str, Any], pipfile: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return which Python the project asks for, and where; the narrowest file first."""
    for name in (".python-version", "runtime.txt"):
        text = _version_in(read_text(project, name)) if (project / name).is_file() else ""
        if text:
            return {"python": text, "python_source": name}
    asked = (
        ((pipfile or {}).get("python_full_version"), "Pipfile"),
        ((pipfile or {}).get("python_version"), "Pipfile"),
        (table(pyproject, "project").get("requires-python"), "requires-python in pyproject.toml"),
        (
            table(pyproject, "tool", "poetry", "dependencies").get("python"),
            "[tool.poetry.dependencies] in pyproject.toml",
        ),
    )
    found = ((text, source) for text, source in asked if isinstance(text, str) and text.strip())
    text, source = next(found, ("", ""))
    return {"python": text.strip(), "python_source": source}


def _version_in(text: str) -> str:
    """Return the first version in a file of pyenv, uv or Heroku, or another implementation.

    https://github.com/pyenv/pyenv#choose-a-python-version; the name of a virtual environment of
    pyenv's says nothing.
    """
    for line in text.splitlines():
        word = line.partition("#")[0].strip()
        match = re.match(r"(?:c?python[-@]?)?(\d+(?:\.\d+)*)", word)
        if match:
            return match[1]
        if re.match(r"(pypy|graalpy|jython|stackless|miniconda|anaconda)", word):
            return word
    return ""


# -- what several files have -----------------------------------------------------------------------


def _names(found: Iterable[object]) -> frozenset[str]:
    return frozenset(normal(name) for name in found if isinstance(name, str) and name)


def _extras(wanted: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        f"{normal(name)}[{normal(extra)}]"
        for name, value in wanted.items()
        if isinstance(value, Mapping)
        for extra in items(value, "extras")
        if isinstance(extra, str)
    )


def _local(sources: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the places in the project that packages of a uv.lock come from, less itself."""
    places = (
        str(source[kind])
        for source in sources
        for kind in ("editable", "directory", "virtual", "path")
        if kind in source
    )
    return tuple(dict.fromkeys(f"./{place}" for place in places if place != "."))


def _dynamic(pyproject: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the project itself when only its own code can tell what it needs."""
    return (".",) if "dependencies" in items(pyproject, "project", "dynamic") else ()


def _indexes(sources: Iterable[Mapping[str, Any]], file: str) -> list[PackageIndex]:
    return [
        index
        for source in sources
        for index in look_at_index(
            str(source.get("url", "")), file, name=str(source.get("name", ""))
        )
    ]
