"""Answers of a WSGI app, as bytes to Nginx: https://peps.python.org/pep-3333/.

They differ from Gunicorn's in what Nginx does not pass on (Server, Date) and in the number of
writes, for each of which Nginx would wake up.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Callable, Dict, Sequence

if TYPE_CHECKING:
    from .connections import Connection

Headers = Sequence["tuple[str, str]"]

_STATUS = re.compile(r"[0-9]{3}(?: [ \t\x21-\x7e\x80-\xff]*)?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")

# https://www.rfc-editor.org/rfc/rfc9110#name-connection, and what Nginx writes itself.
_NOT_PASSED_ON = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailers", "transfer-encoding", "upgrade", "server", "date"),
    )
)
_PASSED_ON, _DROPPED, _LENGTH = range(3)
_REMEMBERED_AT_MOST = 512
_JOINED_BYTES = 16 * 1024
"""A body larger than that is not copied behind its header."""
_SENDFILE_BYTES = 0x7FFFF000
"""https://man7.org/linux/man-pages/man2/sendfile.2.html#NOTES"""


class ClientGoneError(ConnectionError):
    """Nginx has closed the connection, as it does when its client has."""


class _Names(Dict[str, int]):
    """What becomes of a header, by its name; bounded."""

    def __missing__(self, name: Any) -> int:
        if not isinstance(name, str):
            msg = f"{name!r} is not a string"
            raise TypeError(msg)
        if not _NAME.fullmatch(name):
            msg = f"invalid name of a header: {name!r}"
            raise ValueError(msg)
        lower = name.lower()
        if lower == "content-length":
            found = _LENGTH
        else:
            found = _DROPPED if lower in _NOT_PASSED_ON else _PASSED_ON
        if len(self) < _REMEMBERED_AT_MOST:
            self[name] = found
        return found


class _Statuses(Dict[str, int]):
    """The code of each status line; bounded."""

    def __missing__(self, status: Any) -> int:
        if not isinstance(status, str):
            msg = f"{status!r} is not a string"
            raise TypeError(msg)
        if not _STATUS.fullmatch(status):
            msg = f"invalid status {status!r}"
            raise ValueError(msg)
        code = int(status[:3])
        if len(self) < _REMEMBERED_AT_MOST:
            self[status] = code
        return code


_NAMES = _Names()
_STATUSES = _Statuses()


class Response:
    """One answer.

    Args:
        connection: one whose writes block.
        is_head: the request's method is HEAD.
    """

    __slots__ = (
        "_connection",
        "_head",
        "_is_head",
        "_left",
        "_omits_body",
        "is_begun",
        "is_chunked",
    )

    def __init__(self, connection: Connection, is_head: bool) -> None:
        self._connection = connection
        self._is_head = is_head
        self._head: str | None = None
        self._left: int | None = None  # of the promised length
        self._omits_body = False
        self.is_begun = False
        """Some of it has been sent, so that nothing else can be said any more."""
        self.is_chunked = False

    def start_response(
        self, status: str, headers: Headers, exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """Take status and headers: https://peps.python.org/pep-3333/#the-start-response-callable."""
        if exc_info:
            try:
                if self.is_begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._head is not None:
            msg = "Response headers already set!"
            raise AssertionError(msg)
        code = _STATUSES[status]
        length = None
        lines = []
        for name, value in headers:
            kind = _NAMES[name]
            if kind == _DROPPED:
                continue
            if kind == _LENGTH:
                length = int(value)
                if length < 0:
                    msg = f"invalid length {value!r}"
                    raise ValueError(msg)
                if code < 200 or code == 204:  # RFC 9110, 8.6
                    length = None
                    continue
            if not (value.isprintable() and value.isascii()):
                _check(name, value)
            lines.append(name + ": " + value + "\r\n")
        # RFC 9110, 6.4.1: these have no body, whatever the app sends.
        self._omits_body = self._is_head or code in (204, 304) or code < 200
        self.is_chunked = length is None and not self._omits_body
        self._left = length
        framing = "Transfer-Encoding: chunked\r\n" if self.is_chunked else ""
        block = "".join(lines)
        self._head = f"HTTP/1.1 {status}\r\nConnection: close\r\n{framing}{block}\r\n"
        return self.write

    def write(self, data: Any) -> None:
        """Send a part of the body, and before the first the headers.

        Raises:
            ClientGoneError: there is nobody to send it to.
        """
        if not isinstance(data, bytes):
            msg = f"{data!r} is not a byte"
            raise TypeError(msg)
        if self._omits_body:
            data = b""
        elif self._left is not None:
            data = data[: self._left] if len(data) > self._left else data
            self._left -= len(data)
        elif data:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        if self.is_begun:
            if data:
                self._send(data)
            return
        if self._head is None:
            msg = "the app did not call start_response"
            raise AssertionError(msg)
        self.is_begun = True
        head = self._head.encode("latin-1")
        if len(data) <= _JOINED_BYTES:
            self._send(head + data)
        else:
            self._send_both(head, data)

    def finish(self) -> None:
        """Send what is left to say: the headers of an empty answer, the end of a chunked one."""
        if not self.is_begun:
            self.write(b"")
        if self.is_chunked:
            self._send(b"0\r\n\r\n")

    def send_file(self, file: Any) -> bool:
        """Send an open file from where it stands, without reading it; False: that cannot be.

        Args:
            file: what the app gave to `wsgi.file_wrapper`.
        """
        try:
            descriptor = file.fileno()
            offset = os.lseek(descriptor, 0, os.SEEK_CUR)
            left = os.fstat(descriptor).st_size - offset if self._left is None else self._left
        except (AttributeError, OSError, ValueError):  # io.UnsupportedOperation is both
            return False
        self.write(b"")
        if self._omits_body or left <= 0:
            return True
        if self.is_chunked:
            self._send(b"%X\r\n" % left)
        self._send_range(descriptor, offset, left)
        if self.is_chunked:
            self._send(b"\r\n")
        return True

    def send_early_hints(self, headers: Headers) -> None:
        """Send 103 before the answer: https://www.rfc-editor.org/rfc/rfc8297."""
        if self.is_begun:
            return
        lines = []
        for name, value in ((_text(name), _text(value)) for name, value in headers):
            if _NAMES[name] != _DROPPED:
                _check(name, value)
                lines.append(f"{name}: {value}\r\n")
        block = "".join(lines)
        self._send(f"HTTP/1.1 103 Early Hints\r\n{block}\r\n".encode("latin-1"))

    def _send(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ClientGoneError(error.errno, error.strerror) from None

    def _send_both(self, head: bytes, data: bytes) -> None:
        try:
            sent = self._connection.sendmsg([head, data])
        except OSError as error:
            raise ClientGoneError(error.errno, error.strerror) from None
        if sent < len(head) + len(data):
            self._send((head + data)[sent:])

    def _send_range(self, descriptor: int, offset: int, left: int) -> None:
        while left > 0:
            try:
                sent = os.sendfile(
                    self._connection.fileno(), descriptor, offset, min(left, _SENDFILE_BYTES)
                )
            except OSError as error:
                raise ClientGoneError(error.errno, error.strerror) from None
            if sent == 0:  # the file is shorter than what was promised: the client sees the cut
                msg = f"the file ends {left} bytes before the length that was promised"
                raise EOFError(msg)
            offset += sent
            left -= sent


def _check(name: str, value: Any) -> None:
    if not isinstance(value, str):
        msg = f"{value!r} is not a string"
        raise TypeError(msg)
    if not _VALUE.fullmatch(value):
        # The name alone: the value may be a secret.
        msg = f"invalid value of the header {name!r}"
        raise ValueError(msg)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
