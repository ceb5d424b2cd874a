"""Requests as Nginx sends them: from bytes to the WSGI environment.

What is parsed here is a part of what Gunicorn would accept, and is understood alike. None of the
rest is judged: it is left to Gunicorn.
"""

from __future__ import annotations

import functools
import io
import re
from typing import TYPE_CHECKING, Any, Dict, NamedTuple
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from .connections import Connection

Environ = Dict[str, Any]

_METHOD = re.compile(r"[A-Z-]{3,20}")
# https://www.rfc-editor.org/rfc/rfc9110#name-tokens without the underscore, which would look like
# a hyphen to the app.
_NAME = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_ODD = frozenset({"TRANSFER-ENCODING", "EXPECT", "UPGRADE", "HTTP2-SETTINGS"})
"""What asks for more than an answer."""
_CONTROLS = bytes([*range(9), *range(10, 32), 127])
"""All but the tab."""
_NOT_HERE = ""
_REMEMBERED_AT_MOST = 512
_LENGTH_DIGITS = 18


class _Keys(Dict[str, str]):
    """The environment's name for each header's, learnt as they come; bounded."""

    def __missing__(self, name: str) -> str:
        upper = name.upper()
        if upper in _ODD or not _NAME.fullmatch(name):
            return _NOT_HERE
        key = upper.replace("-", "_")
        if upper not in ("CONTENT-TYPE", "CONTENT-LENGTH"):
            key = "HTTP_" + key
        if len(self) < _REMEMBERED_AT_MOST:
            self[name] = key
        return key


_KEYS = _Keys()
_SINGLE = frozenset({"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH"})


class Rules(NamedTuple):
    """What is parsed here, of Gunicorn's settings."""

    head_bytes: int
    fields: int
    schemes: tuple[tuple[str, str], ...] = ()
    """`secure_scheme_headers`, by their names in the environment."""


class Request(NamedTuple):
    """A request whose head has been read."""

    method: str
    scheme: str
    target: str
    path: str
    query: str
    headers: Environ
    """By their names in the environment."""
    length: int
    """Of the body, in bytes."""
    begun: bytes
    """What has been read beyond the head."""


def parse(data: bytes, rules: Rules) -> Request | None:
    """Return the request that the bytes begin with, or None when it is to be Gunicorn's.

    Args:
        data: what was read of a connection in one go.
        rules: what may be parsed.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0 or end > rules.head_bytes:  # not found, or long
        return None
    head = data[:end]
    line, *fields = head.decode("latin-1").split("\r\n")
    # Two for the end of each line, and no other control.
    if len(head) - len(head.translate(None, _CONTROLS)) != 2 * len(fields):
        return None
    if len(fields) > rules.fields:
        return None
    try:
        method, target, version = line.split(" ")
        named = [field.split(":", 1) for field in fields]
        headers = {_KEYS[name]: value.strip(" \t") for name, value in named}
    except ValueError:
        return None
    if len(headers) != len(fields):
        repeated = _joined(named, rules)
        if repeated is None:
            return None
        headers = repeated
    length = headers.get("CONTENT_LENGTH", "0")
    scheme = _scheme(headers, rules)
    if (
        version != "HTTP/1.1"
        or _NOT_HERE in headers
        or not scheme
        or not _is_length(length)
        or not _is_method(method)
        or not _is_target(target)
    ):
        return None
    path, _, query = target.partition("?")
    if "%" in path:
        path = unquote_to_bytes(path).decode("latin-1")
    return Request(method, scheme, target, path, query, headers, int(length), data[end + 4 :])


def _joined(fields: list[list[str]], rules: Rules) -> Environ | None:
    """Return the headers, those of one name in one; None when they may not be repeated."""
    headers: Environ = {}
    for name, text in fields:
        key, value = _KEYS[name], text.strip(" \t")
        if key not in headers:
            headers[key] = value
        elif key in _SINGLE or any(key == one for one, _ in rules.schemes):
            return None
        else:
            headers[key] += "," + value
    return headers


def _scheme(headers: Environ, rules: Rules) -> str:
    """Return the scheme that the client has used; empty when several headers tell."""
    told = [headers[key] == secure for key, secure in rules.schemes if key in headers]
    if len(told) > 1:
        return ""
    return "https" if told and told[0] else "http"


_USUAL = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _is_method(text: str) -> bool:
    return text in _USUAL or _METHOD.fullmatch(text) is not None


def _is_target(text: str) -> bool:
    """Tell whether it is a path and a query, which Gunicorn splits alike."""
    return text.startswith("/") and "#" not in text and text.isascii()


def _is_length(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= _LENGTH_DIGITS


@functools.lru_cache(maxsize=256)
def server_of(host: str | None, scheme: str) -> tuple[str, str]:
    """Return SERVER_NAME and SERVER_PORT behind a Unix socket, as Gunicorn has them."""
    if not host:
        return "", ""
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


def body_of(connection: Connection, request: Request) -> tuple[Any, Body | None]:
    """Return the `wsgi.input` of a request, and what is behind it if there is more to come."""
    if request.length <= len(request.begun):
        return io.BytesIO(request.begun[: request.length]), None
    body = Body(connection, request.begun, request.length)
    return io.BufferedReader(body, _BUFFER_BYTES), body


_BUFFER_BYTES = 64 * 1024
