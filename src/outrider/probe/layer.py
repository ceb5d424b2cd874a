"""One app of those that a request passes through, and how the folders it serves are told."""

from __future__ import annotations

import os
from typing import Any, NamedTuple


class Layer(NamedTuple):
    """An app or a middleware."""

    prefix: str
    """The URL prefix that it is mounted at, without a closing slash."""
    app: Any
    behind: tuple[Any, ...] = ()
    """What a request passes before it, the outermost first."""


def is_a(value: object, package: str, *names: str) -> bool:
    """Tell whether a class of that name and package is among a value's; nothing is imported."""
    return any(
        one.__name__ in names and one.__module__.partition(".")[0] == package
        for one in type(value).__mro__
    )


def absolute(path: object) -> str:
    """Return a path as it is found from here; links stay as they are."""
    return os.path.abspath(str(path))  # noqa: PTH100


def folder(url: str, directory: object, source: str, **more: object) -> dict[str, Any]:
    """Return the fields of outrider.facts.StaticFolder."""
    return {
        "url": url if url.endswith("/") else f"{url}/",
        "directory": absolute(directory),
        "source": source,
        "hook": None,
        "guard": None,
        "is_default": False,
        "falls_back": url in ("", "/"),
        "ignores_prefix": False,
        **more,
    }
