"""Facts from WhiteNoise: the folders whose files it holds.

https://whitenoise.readthedocs.io/en/stable/base.html
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        if is_a(layer.app, "whitenoise", "WhiteNoise"):
            for url, directory in _folders(layer.app):
                yield folder(layer.prefix + url, directory, "WhiteNoise", falls_back=True)


def _folders(noise: Any) -> Iterator[tuple[str, str]]:
    """Yield the URL and the folder of each root.

    With `autorefresh` it keeps its roots, else only its files, from which they are concluded.
    """
    yield from ((url, root) for root, url in noise.directories)
    groups: dict[tuple[str, str], list[str]] = {}
    for url, file in noise.files.items():
        path = _path(file)
        rest = _common_end(url, path) if path is not None else ""
        if path is not None and rest:
            groups.setdefault((url[: -len(rest)], path[: -len(rest)]), []).append(rest)
    for (url, directory), rests in groups.items():
        # As deep as all the files are, so that nothing beside them is served.
        below = os.path.commonpath([rest.rpartition("/")[0] or "/" for rest in rests])
        below = below.lstrip("/")
        yield f"{url}/{below}".rstrip("/") + "/", f"{directory}/{below}".rstrip("/")


def _path(file: Any) -> str | None:
    """Return where a file lies, uncompressed; a redirect lies nowhere."""
    alternatives = getattr(file, "alternatives", ())
    return os.fspath(alternatives[-1][1]) if alternatives else None


def _common_end(url: str, path: str) -> str:
    """Return the end that both have in common, from a slash on."""
    mine, theirs = url.split("/"), path.split("/")
    count = 0
    while count < min(len(mine), len(theirs)) and mine[-1 - count] == theirs[-1 - count]:
        count += 1
    # The first part of both is what is before the first slash, nothing.
    count = min(count, len(mine) - 1, len(theirs) - 1)
    return "".join(f"/{one}" for one in mine[len(mine) - count :]) if count else ""
