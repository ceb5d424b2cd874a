"""Which environment variables a project reads, by the names in its source."""

from __future__ import annotations

import re
from pathlib import Path

_READ = re.compile(
    r"""(?:environ(?:\.get|\.pop|\.setdefault)?\s*[\[(]|getenv\s*\(|\b(?:env|config)(?:\.\w+)?\s*\()"""
    r"""\s*["']([A-Z][A-Z0-9_]{1,63})["']"""
)
_LISTED = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]{1,63})\s*=", re.MULTILINE)
_EXAMPLES = (".env.example", ".env.sample", ".env.dist", ".env.template", "env.example")
_ELSEWHERE = {"node_modules", "site-packages", "tests", "test", "build", "dist", "venv", "env"}
_MOST_FILES, _MOST_BYTES = 2000, 1_000_000


def look_at_variables(directory: str) -> frozenset[str]:
    """Return the variables that the source names, and those that an example file lists.

    `os.environ`, `os.getenv`, and the `env(...)` and `config(...)` of environs, django-environ and
    python-decouple are understood.

    Args:
        directory: the project's, absolute.
    """
    project, found = Path(directory), set()
    for path in _sources(project):
        found.update(_READ.findall(_text(path)))
    for name in _EXAMPLES:
        found.update(_LISTED.findall(_text(project / name)))
    return frozenset(found)


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
