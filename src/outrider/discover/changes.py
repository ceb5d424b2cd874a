"""When the files of a project change, as their dates tell."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_WATCHED = frozenset(
    (
        *(".py", ".pyx", ".so", ".html", ".htm", ".jinja", ".jinja2", ".j2", ".mako", ".xml"),
        *(".txt", ".mo", ".graphql", ".sql", ".toml", ".ini", ".cfg", ".conf", ".yaml", ".yml"),
        ".env",
    )
)
"""What an app reads when it starts. Not what it writes: databases, logs, JSON, uploads."""
_NOT_ENTERED = frozenset(("__pycache__", "node_modules", "venv", "env", "site-packages"))
_MOST_FILES = 20_000
_MOST_FOLDERS = 5_000


def look(folders: Iterable[str], without: Iterable[str]) -> dict[str, int]:
    """Return the date of each file that an app may read when it starts, in nanoseconds.

    Where there are more than anyone edits, it is the first that are found.

    Args:
        folders: absolute.
        without: folders that are not looked into, absolute: static files, uploads.
    """
    unwanted = frozenset(without)
    found: dict[str, int] = {}
    for folder in dict.fromkeys(folders):
        for name, date in _files(folder, unwanted):
            found[name] = date
            if len(found) >= _MOST_FILES:
                return found
    return found


def _files(folder: str, unwanted: frozenset[str]) -> Iterator[tuple[str, int]]:
    left, entered = [folder], 0
    while left and entered < _MOST_FOLDERS:
        entered += 1
        # What is there now may be gone in a moment.
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if _is_entered(entry, unwanted):
                        left.append(entry.path)
                elif entry.name == ".env" or os.path.splitext(entry.name)[1] in _WATCHED:  # noqa: PTH122 - thousands
                    yield entry.path, entry.stat().st_mtime_ns


def _is_entered(entry: os.DirEntry[str], unwanted: frozenset[str]) -> bool:
    return not (
        entry.name.startswith(".") or entry.name in _NOT_ENTERED or entry.path in unwanted
    ) and not os.path.exists(f"{entry.path}/pyvenv.cfg")  # noqa: PTH110 - thousands


def settled(
    seen: dict[str, int], look_again: Callable[[], dict[str, int]], wait: Callable[[], None]
) -> dict[str, int]:
    """Return what is there once nothing changes any more: `git checkout` writes for a while."""
    for _ in range(20):
        wait()
        again = look_again()
        if again == seen:
            break
        seen = again
    return seen
