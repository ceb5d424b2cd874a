"""Requirements in pip's own words: https://pip.pypa.io/en/stable/reference/requirements-file-format/."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider import errors
from outrider.discover.project_files import read_text
from outrider.facts import PackageIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^]]*)\])?"
)
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tar\.bz2|tgz)(\s|;|$)")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_INDEX = ("-i", "--index-url", "--extra-index-url")
_INCLUDE = {"-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c"}


@dataclass
class Requirements:
    """What one or several lists of requirements say."""

    files: dict[str, None] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    extras: set[str] = field(default_factory=set)
    loose: list[str] = field(default_factory=list)
    local: list[str] = field(default_factory=list)
    indexes: list[PackageIndex] = field(default_factory=list)
    has_hashes: bool = False
    is_from_git: bool = False
    pinned: set[str] = field(default_factory=set)
    """By a constraint."""

    def add(self, text: str) -> None:
        """Take in one requirement: a name with its versions, a URL or a path."""
        wanted = re.split(r"\s;" if "://" in text else ";", text)[0].strip()
        self.is_from_git |= "git+" in wanted
        match = _NAME.match(wanted)
        if _is_place(wanted):
            self._add_place(wanted)
        elif match is not None:
            name = normal(match["name"])
            self.names.add(name)
            for extra in filter(None, (match["extras"] or "").split(",")):
                self.extras.add(f"{name}[{normal(extra.strip())}]")
            if not _is_pinned(wanted):
                self.loose.append(wanted)

    def _add_place(self, wanted: str) -> None:
        egg = _EGG.search(wanted)
        if egg is not None:
            self.names.add(normal(egg[1]))
        elif (match := re.match(r"([\w.-]+)\s*@", wanted)) is not None:
            self.names.add(normal(match[1]))
        if "://" not in wanted or "file:" in wanted:
            self.local.append(wanted)
        elif "git+" in wanted and not re.search(r"\.git@|@[0-9a-f]{7,40}\b|@v?\d", wanted):
            self.loose.append(wanted)

    @property
    def unpinned(self) -> tuple[str, ...]:
        """Requirements that neither they themselves nor a constraint holds to one version."""
        return tuple(
            text
            for text in self.loose
            if (match := _NAME.match(text)) is None or normal(match["name"]) not in self.pinned
        )


def normal(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(project: Path, name: str) -> Requirements:
    """Return what requirements.txt says, and the files that it names.

    Raises:
        OutriderError: one of them is broken, missing or outside the project.
    """
    found = Requirements(files={name: None})
    for line in _lines(project, name, found, "-r"):
        found.add(line)
    return found


def _lines(project: Path, name: str, found: Requirements, how: str) -> Iterator[str]:
    """Yield the requirements of a file and of those that it includes; note the rest."""
    text = re.sub(r"\\\r?\n", " ", read_text(project, name))
    for raw in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not line:
            continue
        if not line.startswith("-"):
            requirement, *options = re.split(r"\s+(?=--)", line)
            found.has_hashes |= any(word.startswith("--hash") for word in options)
            if how == "-r":
                yield requirement
            elif (match := _NAME.match(requirement)) is not None and _is_pinned(requirement):
                found.pinned.add(normal(match["name"]))
            continue
        option, value = _option(name, line)
        if option in _INCLUDE:
            path = _beside(project, name, value)
            if path not in found.files:
                found.files[path] = None
                # A constraint says which version, not that the package is wanted.
                inner = "-c" if how == "-c" else _INCLUDE[option]
                yield from _lines(project, path, found, inner)
        elif option in ("-e", "--editable"):
            yield value if "://" in value else _place(value)
        elif option in _INDEX:
            found.indexes += look_at_index(value, name)


def _option(name: str, line: str) -> tuple[str, str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise errors.bad_dependencies(name, f"{_hidden(line)}: {error}") from None
    option, equals, value = words[0].partition("=")
    if not option.startswith("--") and len(option) > 2:  # -rbase.txt
        return option[:2], words[0][2:]
    return option, value if equals else " ".join(words[1:])


def _place(path: str) -> str:
    return path if path.startswith((".", "/")) else f"./{path}"


def _beside(project: Path, name: str, value: str) -> str:
    if "://" in value:
        raise errors.bad_dependencies(
            name, "it includes a file from elsewhere; put a copy beside it"
        )
    path = (project / name).parent / value.strip()
    try:
        return path.resolve().relative_to(project.resolve()).as_posix()
    except ValueError:
        raise errors.bad_dependencies(name, f"{value} is outside the project") from None


def _is_place(wanted: str) -> bool:
    head = re.split(r"\s@\s|\s", wanted)[0]
    is_named = re.search(r"\s@\s", wanted) is not None or re.match(r"[\w.-]+(\[.*\])?@\S", wanted)
    if is_named:
        return "file:" in wanted
    return head == "." or "/" in head.partition("[")[0] or bool(_ARCHIVE.search(head))


def _is_pinned(wanted: str) -> bool:
    if "@" in wanted:
        return True
    return bool(re.search(r"===?\s*[^*,\s]+\s*(,|$)", wanted.partition(";")[0].strip()))


# -- package indexes -------------------------------------------------------------------------------


def look_at_index(url: str, file: str, name: str = "") -> list[PackageIndex]:
    """Return what may be told of a package index, nothing for the public one; never a password."""
    variables = tuple(dict.fromkeys(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?", url)))
    plain = re.sub(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?", "", url)
    try:
        parts = urlsplit(plain)
        host = parts.hostname or ""
    except ValueError:
        raise errors.bad_dependencies(file, "the URL of a package index in it is none") from None
    if not host or host.split(".")[-2:] == ["pypi", "org"]:
        return []
    has_password = bool(parts.password or (parts.username and not variables))
    return [
        PackageIndex(
            host=host, name=name, variables=variables, password_in=file if has_password else ""
        )
    ]


def distinct(indexes: Iterable[PackageIndex]) -> tuple[PackageIndex, ...]:
    """Return each host once."""
    return tuple({index.host: index for index in indexes}.values())


def _hidden(line: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", line)
