"""The app as servers other than Gunicorn call it.

Gunicorn makes some things right before the shim is asked: the scheme, the path, an answer for an
app that raises. They are made right here, so that the app sees the same behind every server.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, Sequence
from urllib.parse import unquote_to_bytes

from .asgi import AsgiFront
from .lines import REQUEST_ID, tag_lines
from .ready import NOT_LOADED, NOT_STARTED, tell_failed, tell_ready
from .scoreboard import in_environment
from .target import import_app
from .wsgi import WsgiFront

if TYPE_CHECKING:
    from .scoreboard import Scoreboard

Environ = Dict[str, Any]
Roots = Iterable["tuple[str, str]"]

_PAGE = (
    b"<!doctype html><title>Internal Server Error</title><h1>Internal Server Error</h1>"
    b"<p>The app failed on this request.</p>\n"
)
# What makes the server's own master stop, instead of trying again: uvicorn/config.py
# STARTUP_FAILURE, uWSGI's UWSGI_FAILED_APP_CODE.
_GIVE_UP = {"uvicorn": 3, "uwsgi": 22}
_CHUNK_BYTES = 256 * 1024
_IN_MEMORY_BYTES = 1024 * 1024


def wsgi(target: str, server: str, prefix: str, roots: Roots) -> WsgiEntry:
    """Import a WSGI app, and say that it is there.

    Args:
        target: `module:attribute` or `module:factory(...)`.
        server: the name of the server that this is done in.
        prefix: where the app is mounted, without a closing slash.
        roots: the folders whose files Nginx may send in the app's place.
    """
    board = in_environment(os.environ)
    entry = WsgiEntry(WsgiFront(_load(target, server), prefix, roots, board), board)
    tell_ready()
    return entry


def asgi(target: str, server: str, prefix: str, roots: Roots) -> AsgiEntry:
    """Import an ASGI app; once its lifespan has begun it says that it is there."""
    board = in_environment(os.environ)
    return AsgiEntry(AsgiFront(_load(target, server), prefix, roots, tell_ready, board))


def _load(target: str, server: str) -> Any:
    tag_lines()
    try:
        with _mortal() if server == "uwsgi" else contextlib.nullcontext():
            return import_app(target)
    except BaseException:  # noqa: BLE001 - SystemExit too, and nothing goes on
        traceback.print_exc()
        sys.stderr.flush()
        tell_failed(NOT_LOADED)
        os._exit(_GIVE_UP.get(server, NOT_LOADED))


@contextlib.contextmanager
def _mortal() -> Iterator[None]:
    """Let the order to stop end a worker of uWSGI that is still importing the app.

    uWSGI would forget an order that comes then. Its handler is not Python's, so that the `signal`
    module could not put it back.
    """
    handle = ctypes.CDLL(None).signal
    handle.restype = ctypes.c_void_p
    own = handle(signal.SIGHUP, None)  # None: the default action
    try:
        yield
    finally:
        handle(signal.SIGHUP, ctypes.c_void_p(own))


# -- WSGI ------------------------------------------------------------------------------------------


class WsgiEntry:
    """A WSGI app that completes what the server has made of the request, and answers failures."""

    def __init__(
        self, app: Callable[..., Iterable[bytes]], board: Scoreboard | None = None
    ) -> None:
        self.app = app
        self.board = board

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Call the app, and look at its first bytes before the server sends anything."""
        _complete(environ)
        request = environ["wsgi.input"] = _Request(environ["wsgi.input"])
        answer = _Answer(start_response)
        body: Any = None
        try:
            body = self.app(environ, answer)
            chunks = iter(body)
            # An app may start its answer as late as in its first step.
            first = next((chunk for chunk in chunks if chunk), b"")
            request.take_over()
            answer.release()
        except Exception:  # noqa: BLE001 - as a server does
            traceback.print_exc()
            _close(body)
            request.take_over()
            request.close()
            if self.board is not None:
                self.board.leave()
            page = [("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE)))]
            start_response("500 Internal Server Error", page)
            return [_PAGE]
        ends: list[Callable[[], object]] = [partial(_close, body), request.close]
        if self.board is not None:
            ends.append(partial(self.board.end, self.board.take_along()))
        return _Body([*answer.written, first], chunks, ends, environ)


class _Request:
    """The `wsgi.input` that the app reads.

    Nginx sends no more of a request once the answer begins, and answers 502 when the server closes
    the connection with some of it unread. So what the app has left is taken before.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._own: Any = None

    def read(self, size: int | None = -1) -> bytes:
        """Return bytes, all without a size."""
        is_all = size is None or size < 0
        data: bytes = self._stream.read() if is_all else self._stream.read(size)
        return data

    def readline(self, size: int | None = -1) -> bytes:
        """Return a line, or a part of it."""
        is_all = size is None or size < 0
        line: bytes = self._stream.readline() if is_all else self._stream.readline(size)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:  # noqa: ARG002 - it may be ignored
        """Return all lines: https://peps.python.org/pep-3333/#input-and-error-streams."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def take_over(self) -> None:
        """Keep what is unread; Nginx has the whole of it, so that nobody is waited for."""
        with contextlib.suppress(Exception):  # the client is gone
            data = self._stream.read(_CHUNK_BYTES)
            if not data:
                return
            rest = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - the app's
            while data:
                rest.write(data)
                data = self._stream.read(_CHUNK_BYTES)
            rest.seek(0)
            self._stream = self._own = rest

    def close(self) -> None:
        """The request is over."""
        if self._own is not None:
            self._own.close()


class _Answer:
    """The `start_response` that the app calls: the server hears it when the first bytes are there.

    Granian asks for the status as soon as the app has returned.
    """

    def __init__(self, start_response: Callable[..., Any]) -> None:
        self._start_response = start_response
        self._arguments: tuple[Any, ...] = ()
        self._is_released = False
        self.written: list[bytes] = []

    def __call__(self, *arguments: Any) -> Callable[[bytes], object]:
        if self._is_released and len(arguments) > 2 and arguments[2]:
            # https://peps.python.org/pep-3333/#the-start-response-callable
            raise arguments[2][1].with_traceback(arguments[2][2])
        self._arguments = arguments
        return self.written.append

    def release(self) -> None:
        if not self._arguments:
            msg = "the app did not call start_response"
            raise RuntimeError(msg)
        self._is_released = True
        self._start_response(*self._arguments[:2])


class _Body:
    """What the app answers, beginning with what has been looked at already."""

    def __init__(
        self,
        first: Sequence[bytes],
        rest: Iterator[bytes],
        ends: Sequence[Callable[[], object]],
        environ: Environ,
    ) -> None:
        self._first = [chunk for chunk in first if chunk]
        self._rest = rest
        self._ends = ends
        self._environ = environ

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        if self._first:
            return self._first.pop(0)
        # Granian takes each step in whichever thread is free.
        REQUEST_ID.set(self._environ.get("HTTP_X_REQUEST_ID", ""))
        return next(self._rest)

    def close(self) -> None:
        # All of them, whatever one raises.
        with contextlib.ExitStack() as stack:
            for end in reversed(self._ends):
                stack.callback(end)


def _complete(environ: Environ) -> None:
    is_secure = environ.get("HTTP_X_FORWARDED_PROTO") == "https"
    environ["wsgi.url_scheme"] = "https" if is_secure else "http"
    environ["wsgi.errors"] = sys.stderr
    # The shim takes the client's from Nginx when the server leaves it empty, as Gunicorn does.
    environ["REMOTE_ADDR"] = environ["SCRIPT_NAME"] = ""
    for name in ("REMOTE_HOST", "REMOTE_PORT", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
        environ.pop(name, None)
    # uWSGI is told a path that Nginx has already made tidy, and Waitress makes `//` tidy itself.
    uri = environ.get("REQUEST_URI", "")
    if uri.startswith("/"):
        path = unquote_to_bytes(uri.partition("?")[0].encode("latin-1"))
        environ["PATH_INFO"] = path.decode("latin-1")


def _close(body: Any) -> None:
    if hasattr(body, "close"):
        body.close()


# -- ASGI ------------------------------------------------------------------------------------------


class AsgiEntry:
    """An ASGI app that reads each request to its end, and whose failed start is heard of."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass everything on."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        said = ""

        async def tell(message: Any) -> None:
            nonlocal said
            said = message["type"]
            await send(message)  # the server logs why
            if said == "lifespan.startup.failed":
                tell_failed(NOT_STARTED)

        try:
            await self.app(scope, receive, tell)
        except Exception:
            if said:
                raise
            # Granian would go on without.
            traceback.print_exc()
            await tell({"type": "lifespan.startup.failed", "message": ""})

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        request = _Messages(receive)
        has_body = any(
            name == b"content-length" and value != b"0" for name, value in scope["headers"]
        )

        async def tell(message: Any) -> None:
            if has_body and message["type"] == "http.response.start":
                await request.take_over()
            await send(message)

        try:
            await self.app(scope, request, tell)
        finally:
            request.close()


class _Messages:
    """The `receive` that the app calls; as with `_Request`, what it has left is taken before."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._is_read = False
        self._rest: Any = None
        self._own: Any = None

    async def __call__(self) -> Any:
        if self._rest is None:
            message = await self._receive()
            self._is_read = not message.get("more_body")
            return message
        body = self._rest.read(_CHUNK_BYTES)
        if len(body) < _CHUNK_BYTES:
            self._rest = None
        return {"type": "http.request", "body": body, "more_body": self._rest is not None}

    async def take_over(self) -> None:
        if self._is_read:
            return
        rest = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - the app's
        is_more = True
        while is_more:
            message = await self()
            rest.write(message.get("body", b""))
            is_more = message.get("more_body", False)
        rest.seek(0)
        self._rest = self._own = rest

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
