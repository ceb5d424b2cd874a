"""Requests as Nginx sends them: from bytes to the WSGI environment.

What is parsed here is a part of what Gunicorn would accept, and is understood alike. None of the
rest is judged: it is left to Gunicorn.
"""

from __future__ import annotations

import functools
import io
import re
import sys
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from .connections import Connection

Environ = Dict[str, Any]

_METHOD = re.compile(r"[A-Z-]{3,20}")
_USUAL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# https://www.rfc-editor.org/rfc/rfc9110#name-tokens without the underscore, which would look like
# a hyphen to the app.
_NAME = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_ODD = frozenset({"TRANSFER-ENCODING", "EXPECT", "UPGRADE", "HTTP2-SETTINGS"})
"""What asks for more than an answer."""
_NOT_REMEMBERED = frozenset({"COOKIE", "AUTHORIZATION", "X-REQUEST-ID"})
"""Secrets, and what is never the same twice."""
_REMEMBERED_AT_MOST, _REMEMBERED_BYTES = 512, 256
_LENGTH_DIGITS = 18
_BUFFER_BYTES = 64 * 1024


class _NotSimpleError(ValueError):
    """This line is Gunicorn's to judge."""


class _Fields(Dict[bytes, Tuple[str, str]]):
    """Of each line of a header, its name in the environment and its value.

    Most lines have been seen before: a browser sends the same with each request, and so do many
    browsers. It is bounded, and begins anew when it is full.
    """

    def __missing__(self, field: bytes) -> tuple[str, str]:
        text = field.decode("latin-1")
        name, colon, value = text.partition(": ")
        upper = name.upper()
        if (
            not colon
            or upper in _ODD
            or not _NAME.fullmatch(name)
            # No control, no tab, no space that is no blank; those that begin or end a value are
            # none of it.
            or not text.isprintable()
            or value[:1] == " "
            or text[-1] == " "
        ):
            raise _NotSimpleError
        key = upper.replace("-", "_")
        if upper not in ("CONTENT-TYPE", "CONTENT-LENGTH"):
            key = "HTTP_" + key
        pair = sys.intern(key), value
        if upper not in _NOT_REMEMBERED:
            _remember(self, field, pair)
        return pair


class _Lines(Dict[bytes, Tuple[str, str, str, str]]):
    """Of each request line, the method, the target, its path and its query; bounded as well."""

    def __missing__(self, line: bytes) -> tuple[str, str, str, str]:
        # Another number of words is a ValueError as well.
        method, target, version = line.decode("latin-1").split(" ")
        if (
            version != "HTTP/1.1"
            or not (method in _USUAL_METHODS or _METHOD.fullmatch(method))
            or target[:1] != "/"
            or "#" in target
            or not target.isascii()
            or not target.isprintable()
        ):
            raise _NotSimpleError
        path, _, query = target.partition("?")
        if "%" in path:
            path = unquote_to_bytes(path).decode("latin-1")
        parts = method, target, path, query
        _remember(self, line, parts)
        return parts


def _remember(known: dict[bytes, Any], line: bytes, found: object) -> None:
    if len(line) <= _REMEMBERED_BYTES:
        if len(known) >= _REMEMBERED_AT_MOST:
            known.clear()
        known[line] = found


_FIELDS, _LINES = _Fields(), _Lines()
_SINGLE = frozenset({"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH"})


class Rules(NamedTuple):
    """What is parsed here, of Gunicorn's settings, and what each environment begins as."""

    head_bytes: int
    fields: int
    schemes: tuple[tuple[str, str], ...]
    """`secure_scheme_headers`, by their names in the environment."""
    base: Environ


def rules(cfg: Any, base: Environ, read_bytes: int) -> Rules:
    """Return the rules of Gunicorn's settings.

    Args:
        cfg: the settings.
        base: what is the same in each environment.
        read_bytes: what is read of a connection in one go.
    """
    # A head too short for any of its lines to be too long.
    lines = [read_bytes, *filter(None, (cfg.limit_request_line, cfg.limit_request_field_size))]
    return Rules(
        head_bytes=min(lines),
        fields=cfg.limit_request_fields,
        schemes=tuple(
            ("HTTP_" + name.upper().replace("-", "_"), secure)
            for name, secure in cfg.secure_scheme_headers.items()
        ),
        # All that each request has, so that there is room for it in the copy.
        base={
            **base,
            "REQUEST_METHOD": "",
            "RAW_URI": "",
            "SCRIPT_NAME": "",
            "PATH_INFO": "",
            "QUERY_STRING": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "",
            "SERVER_PORT": "",
            "REMOTE_ADDR": "",
            "wsgi.url_scheme": "http",
            "wsgi.input": None,
        },
    )


def parse(data: bytes, by: Rules) -> tuple[Environ, bytes] | None:
    """Return the environment that a request begins with, and what follows its head.

    It is one piece, because what stands here is done for each request.

    Args:
        data: what was read of a connection in one go.
        by: what may be parsed.

    Returns:
        None when the request is to be Gunicorn's.
    """
    head, end, begun = data.partition(b"\r\n\r\n")
    if not end or len(head) > by.head_bytes:
        return None
    line, *fields = head.split(b"\r\n")
    if len(fields) > by.fields:
        return None
    environ = by.base.copy()
    count = len(environ) + len(fields)
    try:
        method, target, path, query = _LINES[line]
        for field in fields:
            key, value = _FIELDS[field]
            environ[key] = value
    except ValueError:
        return None
    if len(environ) != count and not _join(environ, fields, by):
        return None
    environ["REQUEST_METHOD"] = method
    environ["RAW_URI"] = target
    environ["PATH_INFO"] = path
    environ["QUERY_STRING"] = query
    told = ""
    for key, secure in by.schemes:
        if key in environ:
            if told:
                return None  # twice, and perhaps not the same
            told = environ["wsgi.url_scheme"] = "https" if environ[key] == secure else "http"
    return environ, begun


def _join(environ: Environ, fields: list[bytes], by: Rules) -> bool:
    """Put the headers of one name into one; False when one of them may not be repeated."""
    pairs = [_FIELDS[field] for field in fields]
    for key in {key for key, _ in pairs}:
        del environ[key]
    for key, value in pairs:
        if key not in environ:
            environ[key] = value
        elif key in _SINGLE or any(key == one for one, _ in by.schemes):
            return False
        else:
            environ[key] += "," + value
    return True


def length_of(environ: Environ) -> int | None:
    """Return the length of a body in bytes; None when that is Gunicorn's to judge."""
    text = environ.get("CONTENT_LENGTH")
    if text is None:
        return 0
    if text.isdecimal() and text.isascii() and len(text) <= _LENGTH_DIGITS:
        return int(text)
    return None


@functools.lru_cache(maxsize=256)
def server_of(host: str | None, scheme: str, path: str) -> tuple[str, str]:
    """Return SERVER_NAME and SERVER_PORT behind a Unix socket, as Gunicorn has them.

    Args:
        host: the header Host.
        scheme: `http` or `https`.
        path: the socket's, of which nobody has typed a host.
    """
    if not host:
        return path, ""
    parts = host.split(":")
    if len(parts) == 1:
        return host, "80" if scheme == "http" else "443"
    return parts[0], parts[1]


class Body(io.RawIOBase):
    """A request's body: what was read with the head, then what the connection has, up to its end.

    Args:
        connection: where the rest comes from; it stays open.
        begun: the bytes of it that have been read.
        length: of the whole body.
    """

    def __init__(self, connection: Connection, begun: bytes, length: int) -> None:
        super().__init__()
        self._connection = connection
        self._begun = memoryview(begun)[:length]
        self.left = length
        """Bytes that nobody has read."""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one read does; 0 at the end, or when the client has gone."""
        view = memoryview(buffer)[: self.left]
        if not view:
            return 0
        if self._begun:
            count = min(len(view), len(self._begun))
            view[:count] = self._begun[:count]
            self._begun = self._begun[count:]
        else:
            count = self._connection.recv_into(view)
        self.left -= count
        if count == 0:
            self.left = 0
        return count

    def stream(self) -> io.BufferedReader:
        """Return the `wsgi.input` that reads it."""
        return io.BufferedReader(self, _BUFFER_BYTES)
