"""Repairs what Gunicorn's own ASGI worker does otherwise than apps expect.

Each was found by comparing it with Uvicorn's: docs/explanation/asgi-workers.md. It was version
27.0.1; gunicorn/asgi/protocol.py and gunicorn/workers/gasgi.py are where to look.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from typing import TYPE_CHECKING, Any, Callable

from .lifespan import Lifespan
from .lines import REQUEST_ID
from .offload import is_event_stream
from .ready import is_told_of_end, when_end_is_near

if TYPE_CHECKING:
    from .asgi import AsgiFront, Message, Receive, Scope, Send

_LOOK_INTERVAL_S = 0.5
_MARGIN_S = 2
"""Of graceful_timeout, for the lifespan's end: the master kills a worker when all of it is over."""
SERVICE_RESTART = 1012
"""https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number"""


def repair(worker: Any, front: AsgiFront) -> None:
    """Start the app, and put the repairs between it and the worker."""
    lifespan = Lifespan(front, worker.state)
    repaired = Repaired(front, worker, lifespan)
    worker.asgi = repaired
    # asgi_lifespan is off, so that the worker only ends what is started here.
    worker.lifespan = repaired
    # In this process only: the master keeps its own limit.
    worker.cfg.set("graceful_timeout", max(1, worker.cfg.graceful_timeout - _MARGIN_S))
    worker.loop.run_until_complete(lifespan.startup(lambda: bool(worker.alive)))
    repaired.watching = worker.loop.create_task(repaired.watch())
    when_end_is_near(worker.loop, repaired.leave)


class Repaired:
    """The ASGI app that the worker calls for each request."""

    def __init__(self, app: AsgiFront, worker: Any, lifespan: Lifespan) -> None:
        self.app = app
        self.worker = worker
        self.watching: asyncio.Task[None] | None = None
        self._lifespan = lifespan
        self._ends_at: float | None = None
        self._calls: set[asyncio.Future[None]] = set()
        self._sockets: set[_Socket] = set()
        self._streams: set[asyncio.Future[None]] = set()
        self._is_leaving = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # Also for what the worker itself logs of it.
        REQUEST_ID.set(dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1"))
        if scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
        else:
            await self._serve_http(scope, receive, send)

    async def watch(self) -> None:
        """Restore the length of the queue, and tell WebSockets when the worker stops."""
        while not self.worker.servers:  # noqa: ASYNC110 - Gunicorn tells nobody
            await asyncio.sleep(0)  # before the first client comes
        for listener in self.worker.sockets:
            # asyncio has set it to 100: on a busy site the rest were told 502.
            listener.sock.listen(self.worker.cfg.backlog)
        while self.worker.alive:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_INTERVAL_S)
        self._ends_at = self.worker.loop.time() + self.worker.cfg.graceful_timeout
        # Others serve on after a reload: what is open here may last until the supervisor, where
        # there is one, foretells the end.
        while (  # noqa: ASYNC110
            is_told_of_end()
            and not self._is_leaving
            and self.worker.loop.time() < self._ends_at - _MARGIN_S
        ):
            await asyncio.sleep(_LOOK_INTERVAL_S)
        self.leave()

    def leave(self) -> None:
        """End what would never end: who has a WebSocket or reads events is to come again."""
        self._is_leaving = True
        for socket in list(self._sockets):
            # Kept until it is done: https://docs.python.org/3/library/asyncio-task.html#creating-tasks
            self._calls.add(call := asyncio.ensure_future(socket.leave(SERVICE_RESTART)))
            call.add_done_callback(self._forget)
        for stream in list(self._streams):
            stream.cancel()

    async def shutdown(self) -> None:
        """Let what goes on without a client finish, then the app's lifespan."""
        if self.watching:
            self.watching.cancel()
        now = self.worker.loop.time()
        left = self.worker.cfg.graceful_timeout if self._ends_at is None else self._ends_at - now
        if self._calls and left > 0:
            await asyncio.wait(self._calls, timeout=left)
        await self._lifespan.shutdown()

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        # It says 2.4, where `send` raises when the client has gone; its own does not, and only up
        # to 2.3 does Starlette look for the client itself.
        scope = {**scope, "asgi": {**scope["asgi"], "spec_version": "2.3"}}
        exchange = _Exchange(receive, send)
        call = asyncio.ensure_future(self.app(scope, exchange.receive, exchange.send))
        exchange.on_events = lambda: self._end_with_the_site(call)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            await asyncio.shield(call)
            if not (exchange.has_begun or exchange.has_left):
                self.worker.log.error("The app returned without an answer")
        except asyncio.CancelledError:
            if self._is_leaving and call.cancelled():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            # Three seconds after the client has gone. What it was to be sent is pointless; what is
            # being done, as a background task or the storing of an order, is not.
            if call.done() or exchange.is_streaming:
                call.cancel()
                await asyncio.wait({call})
            else:
                call.add_done_callback(self._forget)
            raise
        except Exception:
            # Frameworks raise after they have sent a page that says 500; it hides that.
            if exchange.is_complete and not exchange.has_left:
                self.worker.log.exception("Error in the app, after its answer")
            raise

    def _end_with_the_site(self, call: asyncio.Future[None]) -> None:
        self._streams.add(call)
        call.add_done_callback(self._streams.discard)

    def _forget(self, call: asyncio.Future[None]) -> None:
        self._calls.discard(call)
        error = None if call.cancelled() else call.exception()
        if error is not None:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            self.worker.log.error("%s", "".join(lines).rstrip())

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = _Socket(receive, send)
        self._sockets.add(socket)
        try:
            await self.app(scope, socket.receive, socket.send)
            # An app that just returns is done; it would be told that the app has failed.
            await socket.leave(1000)
        finally:
            self._sockets.discard(socket)
            socket.close()


class _Exchange:
    """One request and its answer, as far as they have come."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.on_events: Callable[[], None] = lambda: None
        self.has_left = False
        """The client has gone, and the app was told so."""
        self.has_begun = False
        self.is_streaming = False
        self.is_complete = False

    async def receive(self) -> Message:
        """Pass on what the worker says."""
        message = await self._receive()
        self.has_left |= message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the app says."""
        await self._send(message)
        self.has_begun = True
        if message["type"] == "http.response.body":
            self.is_streaming = bool(message.get("more_body"))
            self.is_complete = not self.is_streaming
        elif is_event_stream(message.get("headers", ())):
            self.on_events()


class _Socket:
    """A WebSocket that can be closed from here as well as by the app."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_open = False
        self._left: asyncio.Future[Message] = asyncio.get_event_loop().create_future()
        self._next: asyncio.Future[Message] | None = None

    async def receive(self) -> Message:
        """Return what the client sends, or that it is over."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._receive())
        await asyncio.wait({self._next, self._left}, return_when=asyncio.FIRST_COMPLETED)
        if self._left.done():
            return self._left.result()
        message, self._next = self._next.result(), None
        self._is_open &= message["type"] != "websocket.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the app sends, as long as there is somebody."""
        if self._left.done():
            return
        if message["type"] == "websocket.accept":
            self._is_open = True
        elif message["type"] == "websocket.close":
            self._is_open = False
        await self._send(message)

    async def leave(self, code: int) -> None:
        """Close it, and let the app hear of that as of a client that has gone."""
        if not self._is_open:
            return
        self._is_open = False
        with contextlib.suppress(OSError):
            await self._send({"type": "websocket.close", "code": code})
        # After it: the worker cuts off an app that returns before it is closed.
        if not self._left.done():
            self._left.set_result({"type": "websocket.disconnect", "code": code})

    def close(self) -> None:
        """Stop waiting: the app has returned."""
        if self._next is not None:
            self._next.cancel()
