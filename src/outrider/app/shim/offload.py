"""Which file Nginx may send in the app's place, so that no worker waits for the client to read it.

The app says what it always says (`send_file`, `FileResponse`, `wsgi.file_wrapper`, a path send);
only then X-Accel-Redirect is set, here and by nobody else: what an app sends under that name, for
one because it echoes what a client sent, is dropped.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers
"""

from __future__ import annotations

import io
import os
import stat
import time
from typing import Any, Callable, Dict, Iterable, NamedTuple, Sequence
from urllib.parse import quote

REDIRECT = "X-Accel-Redirect"
UNBUFFERED = ("X-Accel-Buffering", "no")

_NOT_THE_APPS = frozenset(
    {"x-accel-redirect", "x-accel-charset", "x-accel-expires", "x-accel-limit-rate"}
)
BY_ADD_HEADER = (
    *("Access-Control-Allow-Credentials", "Access-Control-Allow-Origin"),
    *("Access-Control-Expose-Headers", "Content-Encoding", "Content-Language", "Content-Location"),
    *("Content-Security-Policy", "Content-Security-Policy-Report-Only"),
    *("Cross-Origin-Embedder-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"),
    *("ETag", "Last-Modified", "Link", "Permissions-Policy", "Referrer-Policy"),
    *("Strict-Transport-Security", "Timing-Allow-Origin", "Vary", "X-Content-Type-Options"),
    *("X-Frame-Options", "X-Robots-Tag", "X-XSS-Protection"),
)
"""The app's headers that nginx.conf names in the location that files are sent from."""
_BY_NGINX = (
    # https://nginx.org/en/docs/http/ngx_http_core_module.html#internal
    "accept-ranges cache-control content-disposition content-length content-type date expires"
    " server set-cookie connection content-range x-accel-buffering x-request-id"
)
CARRIED = frozenset([*_BY_NGINX.split(), *(name.lower() for name in BY_ADD_HEADER)])
"""The headers that arrive at the client although Nginx sends the file."""
_MAY_REPEAT = frozenset({"set-cookie", "cache-control"})
_YOUNG_S = 60
"""A file that has just been made may be gone as soon as the app has answered."""


class Root(NamedTuple):
    """A folder, links resolved, and the internal URL under which Nginx sends its files."""

    directory: str
    url: str


def existing(roots: Iterable[tuple[str, str]]) -> list[Root]:
    """Return the folders with their links resolved, the deepest first."""
    resolved = [Root(os.path.realpath(directory), url) for directory, url in roots]
    return sorted(resolved, key=lambda root: -len(root.directory))


class _Kinds(Dict[Any, int]):
    """What a header means here, by its name as apps write it; bounded."""

    def __missing__(self, name: Any) -> int:
        lower = _text(name).lower()
        if lower in _NOT_THE_APPS:
            kind = _STEERS
        else:
            kind = {"content-type": _TYPE, "x-accel-buffering": _BUFFERS}.get(lower, _OTHER)
        if len(self) < _NAMES_AT_MOST:
            self[name] = kind
        return kind


_OTHER, _STEERS, _TYPE, _BUFFERS = range(4)
_NAMES_AT_MOST = 512
_KINDS = _Kinds()


def cleaned(headers: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return an app's headers without those that steer Nginx, which is not to buffer events."""
    kept = []
    is_stream = is_told = False
    for pair in headers:
        kind = _KINDS[pair[0]]
        if kind == _STEERS:
            continue
        if kind == _TYPE:
            is_stream = _is_event_stream(_text(pair[1]))
        elif kind == _BUFFERS:
            is_told = True
        kept.append(pair)
    if is_stream and not is_told:
        kept.append(_like(headers, UNBUFFERED))
    return kept


def is_event_stream(headers: Iterable[tuple[Any, Any]]) -> bool:
    """Tell whether an answer is a stream of events.

    https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    types = [_text(value) for name, value in headers if _text(name).lower() == "content-type"]
    return any(map(_is_event_stream, types))


def _is_event_stream(content_type: str) -> bool:
    # The first question is quick.
    return "/event-s" in content_type.lower() and _names_event_stream(content_type)


def _names_event_stream(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def is_simple(
    status: str,
    headers: Sequence[tuple[Any, Any]],
    method: str,
    asked: Callable[[str], str | None],
) -> bool:
    """Tell whether Nginx would answer alike: nothing is lost, and no condition is left to it.

    Args:
        status: three digits.
        headers: the app's.
        method: the request's.
        asked: returns a header of the request by its name in lower case, or None.
    """
    names = [_text(name).lower() for name, _ in headers]
    repeated = {name for name in names if names.count(name) > 1}
    has_validator = "etag" in names or "last-modified" in names
    return (
        status in ("200", "206")
        and CARRIED.issuperset(names)
        and _MAY_REPEAT.issuperset(repeated)
        # Nginx would compare them with an ETag and a time of its own.
        and not any(map(asked, ("if-match", "if-unmodified-since")))
        and (has_validator or not any(map(asked, ("if-none-match", "if-modified-since"))))
        and (method in ("GET", "HEAD") or not asked("range"))
    )


def is_read_as_stored(file: Any) -> bool:
    """Tell whether reading a file gives the bytes that its descriptor has.

    A GzipFile has the name and the descriptor of what it unpacks; so may one that decrypts.
    """
    # Those that keep the file that they stand for: NamedTemporaryFile, Django's File.
    while type(file).__module__.startswith(("tempfile", "django.")) and hasattr(file, "file"):
        file = file.file
    if type(file) is io.TextIOWrapper:
        file = file.buffer
    if type(file) in (io.BufferedReader, io.BufferedRandom):
        file = file.raw
    return type(file) is io.FileIO


def is_whole(file: Any, headers: Sequence[tuple[Any, Any]]) -> bool:
    """Tell whether the body is the file from its first byte to its last."""
    try:
        size = os.fstat(file.fileno()).st_size
        if file.tell() != 0:
            return False
    except (AttributeError, OSError, ValueError):
        return False
    lengths = [_text(value) for name, value in headers if _text(name).lower() == "content-length"]
    return lengths in ([], [str(size)])


def place_of(file: Any, roots: Sequence[Root], now: float | None = None) -> str | None:
    """Return the internal URL of an open file, or None when Nginx is not to send it.

    Args:
        file: an open file, or a path.
        roots: the folders that Nginx may send from.
        now: seconds since the epoch.
    """
    try:
        # The name of a pathlib.Path is only its last part.
        path = os.fspath(file if isinstance(file, os.PathLike) else getattr(file, "name", file))
        if not isinstance(path, str) or not os.path.isabs(path):
            path = os.path.abspath(os.fsdecode(path))
        path = os.path.realpath(path)
        found = os.stat(path)
        if file is not path and hasattr(file, "fileno"):
            opened = os.fstat(file.fileno())
            if (opened.st_dev, opened.st_ino) != (found.st_dev, found.st_ino):
                return None
    except (TypeError, ValueError, OSError):
        return None
    is_young = (time.time() if now is None else now) - found.st_mtime < _YOUNG_S
    if not stat.S_ISREG(found.st_mode) or is_young:
        return None
    for root in roots:
        inside = path[len(root.directory) :]  # below "/" it has no slash: no root may be that wide
        if path.startswith(root.directory) and inside.startswith("/"):
            return quote(root.url.encode() + os.fsencode(inside[1:]))
    return None


def without_length(headers: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return the headers without those that describe a body which is not sent here."""
    gone = ("accept-ranges", "content-length", "content-range", "x-accel-buffering")
    return [pair for pair in headers if _text(pair[0]).lower() not in gone]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _like(headers: Sequence[tuple[Any, Any]], pair: tuple[str, str]) -> tuple[Any, Any]:
    """Return a pair of text or of bytes, as ASGI wants them."""
    if headers and isinstance(headers[0][0], bytes):
        return pair[0].lower().encode(), pair[1].encode()
    return pair
