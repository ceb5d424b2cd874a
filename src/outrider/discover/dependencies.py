"""What a project says that it needs: which packages, from which file, on which Python."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from outrider import errors
from outrider.facts import Dependencies

_REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


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
    table = _toml(project, "pyproject.toml")
    for read in (_uv, _poetry, _pipenv, _pip, _pyproject):
        found = read(project, table)
        if found is not None:
            return found
    return None


def _uv(project: Path, table: Mapping[str, Any]) -> Dependencies | None:
    """https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile"""
    if not (project / "uv.lock").is_file():
        return None
    lock = _toml(project, "uv.lock")
    sources = _tables(table, "tool", "uv", "index")
    return Dependencies(
        tool="uv",
        files=("uv.lock", "pyproject.toml"),
        names=_names(package.get("name") for package in _tables(lock, "package")),
        is_locked=True,
        has_hashes=True,
        indexes=_private(str(source.get("url", "")) for source in sources),
        **_python(project, table),
    )


def _poetry(project: Path, table: Mapping[str, Any]) -> Dependencies | None:
    """https://python-poetry.org/docs/repositories/#project-configuration"""
    if not (project / "poetry.lock").is_file():
        return None
    lock = _toml(project, "poetry.lock")
    sources = _tables(table, "tool", "poetry", "source")
    return Dependencies(
        tool="poetry",
        files=("poetry.lock", "pyproject.toml"),
        names=_names(package.get("name") for package in _tables(lock, "package")),
        is_locked=True,
        has_hashes=True,
        indexes=_private(str(source.get("url", "")) for source in sources),
        **_python(project, table),
    )


def _pipenv(project: Path, table: Mapping[str, Any]) -> Dependencies | None:
    """https://pipenv.pypa.io/en/stable/pipfile.html"""
    if not (project / "Pipfile.lock").is_file():
        return None
    try:
        lock = json.loads(_text(project / "Pipfile.lock"))
    except ValueError as error:
        raise errors.bad_dependencies("Pipfile.lock", str(error)) from None
    sources = _tables(lock, "_meta", "sources")
    return Dependencies(
        tool="pipenv",
        files=("Pipfile.lock", "Pipfile"),
        names=_names(_table(lock, "default")),
        is_locked=True,
        has_hashes=True,
        indexes=_private(str(source.get("url", "")) for source in sources),
        **_python(project, table, pipfile=_table(lock, "_meta", "requires")),
    )


def _pip(project: Path, table: Mapping[str, Any]) -> Dependencies | None:
    """https://pip.pypa.io/en/stable/reference/requirements-file-format/"""
    name = next((name for name in _REQUIREMENTS if (project / name).is_file()), None)
    if name is None:
        return None
    files = dict.fromkeys([name])
    lines = [words for path in [name] for words in _lines(project, path, files)]
    wanted = [words for words in lines if not words[0].startswith("-")]
    loose = [words[0] for words in wanted if not _is_pinned(words)]
    return Dependencies(
        tool="pip",
        files=tuple(files),
        names=_names(_NAME.match(words[0])[0] for words in wanted),  # type: ignore[index]
        is_locked=not loose,
        has_hashes=any(word.startswith("--hash") for words in wanted for word in words),
        loose=tuple(loose),
        indexes=_private(_options(lines)),
        **_python(project, table),
    )


def _pyproject(project: Path, table: Mapping[str, Any]) -> Dependencies | None:
    """https://packaging.python.org/en/latest/specifications/pyproject-toml/"""
    wanted = _table(table, "project").get("dependencies")
    if not isinstance(wanted, list):
        return None
    texts = [text for text in wanted if isinstance(text, str) and _NAME.match(text)]
    loose = [text for text in texts if "==" not in text and "@" not in text]
    return Dependencies(
        tool="pyproject",
        files=("pyproject.toml",),
        names=_names(_NAME.match(text)[0] for text in texts),  # type: ignore[index]
        is_locked=not loose,
        loose=tuple(loose),
        **_python(project, table),
    )


# -- requirements.txt ------------------------------------------------------------------------------


def _lines(project: Path, name: str, files: dict[str, None]) -> Iterator[list[str]]:
    """Yield the words of each line, those of included files too, and note which these are."""
    text = re.sub(r"\\\r?\n", " ", _text(project / name))
    for line in text.splitlines():
        words = _words(name, re.sub(r"(^|\s)#.*", "", line).strip())
        if not words:
            continue
        option, equals, value = words[0].partition("=")
        if option in ("-r", "--requirement", "-c", "--constraint"):
            path = _beside(project, name, value if equals else " ".join(words[1:]))
            if path not in files:
                files[path] = None
                # A constraint says which version, not that the package is wanted.
                found = list(_lines(project, path, files))
                yield from found if option in ("-r", "--requirement") else ()
        elif words[0].startswith("-") or _NAME.match(words[0]):
            yield words


def _words(name: str, line: str) -> list[str]:
    if line.startswith(("-", "--")):
        try:
            return shlex.split(line)
        except ValueError as error:
            raise errors.bad_dependencies(name, f"{line}: {error}") from None
    requirement, *options = re.split(r"\s+(?=--)", line)
    return [requirement, *options] if requirement else []


def _beside(project: Path, name: str, value: str) -> str:
    path = (project / name).parent / value.strip()
    try:
        return str(path.resolve().relative_to(project.resolve()))
    except ValueError:
        raise errors.bad_dependencies(name, f"{value} is outside the project") from None


def _is_pinned(words: list[str]) -> bool:
    return bool(re.search(r"===?\s*[^*\s]+(\s*(;|$))", words[0])) or " @ " in words[0]


def _options(lines: Iterable[list[str]]) -> Iterator[str]:
    for words in lines:
        option, equals, value = words[0].partition("=")
        if option in ("-i", "--index-url", "--extra-index-url"):
            yield value if equals else " ".join(words[1:])


# -- which Python ----------------------------------------------------------------------------------


def _python(
    project: Path, table: Mapping[str, Any], pipfile: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return which Python the project asks for, and where; the narrowest file first."""
    for name in (".python-version", "runtime.txt"):
        lines = _text(project / name).split() if (project / name).is_file() else []
        if lines:
            return {"python": lines[0].removeprefix("python-"), "python_source": name}
    asked = (
        ((pipfile or {}).get("python_full_version"), "Pipfile"),
        ((pipfile or {}).get("python_version"), "Pipfile"),
        (_table(table, "project").get("requires-python"), "requires-python"),
        (_table(table, "tool", "poetry", "dependencies").get("python"), "tool.poetry"),
    )
    found = ((text, source) for text, source in asked if isinstance(text, str) and text.strip())
    text, source = next(found, ("", ""))
    return {"python": text.strip(), "python_source": source}


# -- files -----------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.bad_dependencies(path.name, str(error)) from None


def _toml(project: Path, name: str) -> Mapping[str, Any]:
    if not (project / name).is_file():
        return {}
    try:
        return tomllib.loads(_text(project / name))
    except tomllib.TOMLDecodeError as error:
        raise errors.bad_dependencies(name, str(error)) from None


def _table(of: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return a table, an empty one where there is none."""
    for key in keys:
        found = of.get(key)
        of = found if isinstance(found, Mapping) else {}
    return of


def _tables(of: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    found = _table(of, *keys[:-1]).get(keys[-1])
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _names(found: Iterable[object]) -> frozenset[str]:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return frozenset(
        re.sub(r"[-_.]+", "-", name).lower() for name in found if isinstance(name, str) and name
    )


def _private(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts of package indexes that are not the public one; never a password."""
    hosts = (urlsplit(url).hostname or "" for url in urls)
    return tuple(
        dict.fromkeys(host for host in hosts if host and host.split(".")[-2:-1] != ["pypi"])
    )
