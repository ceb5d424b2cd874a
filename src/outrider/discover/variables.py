"""Which environment variables a project reads, by the names in its source, and its `.env`."""

from __future__ import annotations

import re
from pathlib import Path

from outrider import envfile
from outrider.facts import Variables

_NAME = r"""\s*["'](?P<name>[A-Z][A-Z0-9_]{1,63})["']\s*"""
_READ = (
    # `os.environ["X"]`, which is not an assignment.
    re.compile(rf"\bos\.environ\s*\[{_NAME}(?P<alone>\])(?!\s*=[^=])"),
    re.compile(rf"\b(?:os\.environ\.(?:get|pop|setdefault)|getenv)\s*\({_NAME}"),
    # environs, django-environ and python-decouple; the latter's `config("X", default=...)`.
    re.compile(rf"\b(?:env|config)(?:\.\w+)?\s*\({_NAME}(?P<alone>\))?"),
)
# WSGI has an `environ` of its own, and so has each request.
_IMPORTED = re.compile(r"^\s*from os import .*\benviron\b", re.MULTILINE)
_LISTED = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]{1,63})\s*=", re.MULTILINE)
_EXAMPLES = (".env.example", ".env.sample", ".env.dist", ".env.template", "env.example")
_ELSEWHERE = {"node_modules", "site-packages", "tests", "test", "build", "dist", "venv", "env"}
_MOST_FILES, _MOST_BYTES = 2000, 1_000_000


def look_at_variables(directory: str) -> Variables:
    """Return the variables that the source names, those that an example file lists, and `.env`.

    Args:
        directory: the project's, absolute.
    """
    project = Path(directory)
    named, required = set(), set()
    for path in _sources(project):
        text = _text(path)
        if _IMPORTED.search(text):
            text = re.sub(r"(?<![\w.])environ\b", "os.environ", text)
        for pattern in _READ:
            for match in pattern.finditer(text):
                named.add(match["name"])
                # `env.get("X")` is that of a mapping, and may find nothing.
                if match.groupdict().get("alone") and ".get" not in match[0]:
                    required.add(match["name"])
    for name in _EXAMPLES:
        named.update(_LISTED.findall(_text(project / name)))
    dotenv = project / ".env"
    text = _text(dotenv)
    return Variables(
        named=frozenset(named),
        required=frozenset(required),
        dotenv=envfile.readable(text) if dotenv.is_file() else None,
        altered=envfile.altered_by_compose(text),
    )


def _sources(project: Path) -> list[Path]:
    paths: list[Path] = []
    folders = [project]
    while folders and len(paths) < _MOST_FILES:
        try:
            entries = sorted(folders.pop().iterdir())
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _ELSEWHERE or entry.is_symlink():
                continue
            if entry.is_dir() and not (entry / "pyvenv.cfg").exists():
                folders.append(entry)
            elif entry.suffix == ".py":
                paths.append(entry)
    return paths[:_MOST_FILES]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""
