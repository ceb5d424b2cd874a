"""The ASGI app that the server calls: it corrects the scope, and hands files to Nginx.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, Iterable, Sequence

from . import frameworks, offload, seen
from .lines import REQUEST_ID

if TYPE_CHECKING:
    from .scoreboard import Scoreboard

Scope = Dict[str, Any]
Message = Dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH_SEND = "http.response.pathsend"
_READ_BYTES = 256 * 1024
_NGINX_OPENS_WITHIN_S = 5


class AsgiFront:
    """An ASGI app that puts the client's view of the request into the scope.

    Args:
        app: the ASGI app.
        prefix: where the app is mounted, without a closing slash; empty for the root.
        roots: the folders whose files Nginx may send in the app's place, each with its internal
            URL.
        tell_ready: called when the app has started.
        board: where what is done stands.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        prefix: str = "",
        roots: Iterable[tuple[str, str]] = (),
        tell_ready: Callable[[], None] | None = None,
        board: Scoreboard | None = None,
    ) -> None:
        frameworks.prepare(app, prefix)
        self.app = app
        self.prefix = prefix
        self.cut = len(prefix) if frameworks.wants_path_without_prefix(app) else 0
        self.roots = offload.existing(roots)
        self.tell_ready = tell_ready
        self.board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Correct the scope and pass the request on."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        REQUEST_ID.set(headers.get(b"x-request-id", ""))
        if self.board is None:
            await self._serve(scope, headers, receive, send, None)
            return
        request_id, method = headers.get(b"x-request-id", ""), scope.get("method", "WEBSOCKET")
        slot = self.board.begin(f"{request_id} {method} {scope['path']}".encode("utf-8", "replace"))
        try:
            await self._serve(
                scope, headers, receive, send, functools.partial(self.board.mark_stream, slot)
            )
        finally:
            self.board.end(slot)

    async def _serve(
        self,
        scope: Scope,
        headers: dict[bytes, str],
        receive: Receive,
        send: Send,
        mark_stream: Callable[[], None] | None,
    ) -> None:
        scope = self._seen(scope, headers)
        if scope["type"] != "http":
            if mark_stream:
                mark_stream()

            async def tell(message: Message) -> None:
                await send(_unable_to_steer(message))

            await self.app(scope, receive, tell)
            return
        patient = _PatientReceive(receive)
        answer = _Answer(scope, headers, patient, send, self.roots, mark_stream)
        try:
            await self.app(scope, patient, answer.send)
            await answer.release()
        finally:
            patient.close()

    def _seen(self, scope: Scope, headers: dict[bytes, str]) -> Scope:
        """Return the scope as the client sees the request."""
        secure = headers.get(b"x-forwarded-proto") == "https"
        scheme = "https" if secure else "http"
        host, name, port = seen.host_and_port(
            headers.get(b"host", ""),
            headers.get(b"x-forwarded-host", ""),
            headers.get(b"x-forwarded-port", ""),
            scheme,
        )
        outer = seen.outer_prefix(headers.get(b"x-forwarded-prefix", ""))
        corrected = {b"host": host, b"x-forwarded-host": host, b"x-forwarded-port": port}
        if outer or self.prefix:
            corrected[b"x-forwarded-prefix"] = outer + self.prefix
        scope = {
            **scope,
            "scheme": ("wss" if secure else "ws") if scope["type"] == "websocket" else scheme,
            "server": (name, int(port) if port.isdigit() else None),
            "headers": [
                *(pair for pair in scope["headers"] if pair[0] not in corrected),
                *((key, value.encode("latin-1")) for key, value in corrected.items()),
            ],
        }
        client = headers.get(b"x-real-ip")
        if client:
            scope["client"] = (client, int(headers.get(b"x-real-port") or 0))
        # The path keeps the prefix: https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
        scope["root_path"] = outer + self.prefix
        if self.prefix and scope["path"].startswith("//"):
            # Nginx chooses as if there was one slash at the start, and passes on what was sent.
            scope["path"] = "/" + scope["path"].lstrip("/")
            scope["raw_path"] = b"/" + (scope.get("raw_path") or b"").lstrip(b"/")
        if self.cut:
            scope["path"] = scope["path"][self.cut :]
        elif outer:
            scope["path"] = outer + scope["path"]
            scope["raw_path"] = outer.encode("latin-1") + (scope.get("raw_path") or b"")
        if scope["type"] == "http" and self.roots:
            scope["extensions"] = {**(scope.get("extensions") or {}), PATH_SEND: {}}
        return scope

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app's lifespan; an app that has none is started all the same.

        https://asgi.readthedocs.io/en/latest/specs/lifespan.html
        """
        has_asked = has_told = False

        async def ask() -> Message:
            nonlocal has_asked
            has_asked = True
            return await receive()

        async def tell(message: Message) -> None:
            nonlocal has_told
            if not message["type"].startswith("lifespan."):
                raise _NoLifespanError
            has_told = True
            await send(message)
            if message["type"] == "lifespan.startup.complete" and self.tell_ready:
                self.tell_ready()

        try:
            await self.app(scope, ask, tell)
        except _NoLifespanError:
            pass
        except Exception:
            # Raising before it has asked is how an app says that it knows no lifespan.
            if has_asked:
                raise
        if not has_told:
            if not has_asked:
                await receive()
            await tell({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})


class _NoLifespanError(Exception):
    """The app takes a lifespan for a request."""


class _PatientReceive:
    """The `receive` that the app calls: may be given up, and asked again, by several at once.

    Starlette's `is_disconnected()` gives each of its calls up. Gunicorn's own worker takes that for
    the client's leaving, and so does Granian when another call is waiting. So one call of the
    server's is made at a time and never cancelled, and whoever asks next has what it brings.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._call: asyncio.Future[Message] | None = None

    async def __call__(self) -> Message:
        while True:
            call = self._call = self._call or asyncio.ensure_future(self._receive())
            # Who gives up at once, as `is_disconnected()` does, has what is there already.
            if not call.done():
                await asyncio.wait({call})
            message = call.result()
            if message["type"] == "http.disconnect":
                return message  # to everyone who asks: it is the last one
            if self._call is call:  # else somebody else has taken it
                self._call = None
                return message

    def close(self) -> None:
        """Stop waiting: the app has returned."""
        if self._call is not None:
            self._call.cancel()


def _unable_to_steer(message: Message) -> Message:
    """Return a message without the headers that steer Nginx: it obeys 101 and refusals too."""
    if "headers" not in message:
        return message
    return {**message, "headers": offload.cleaned(list(message["headers"] or ()))}


class _Answer:
    """The `send` that the app calls: holds the start until the body is known."""

    def __init__(
        self,
        scope: Scope,
        request: dict[bytes, str],
        receive: Receive,
        send: Send,
        roots: Sequence[offload.Root],
        mark_stream: Callable[[], None] | None,
    ) -> None:
        self._mark_stream = mark_stream
        self._method = scope.get("method", "GET")
        self._request = request
        self._receive = receive
        self._send = send
        self._roots = roots
        self._start: Message | None = None
        self._has_started = False

    async def send(self, message: Message) -> None:
        """Pass a message on, with what the headers must not or should have."""
        if message["type"] == "http.response.start":
            if self._has_started:
                raise RuntimeError("http.response.start was sent twice")
            self._has_started = True
            headers = offload.cleaned(list(message.get("headers", ())))
            self._start = {**message, "headers": headers}
            is_stream = offload.is_event_stream(headers)
            if is_stream and self._mark_stream:
                self._mark_stream()
            # Who reads events learns at once that it may; the first event may come hours later.
            if not self._roots or is_stream:
                await self.release()
        elif message["type"] == PATH_SEND:
            await self._send_path(message["path"])
        elif message["type"] == "http.response.informational":
            pass  # Nginx drops it (newer versions), or takes it for the answer and obeys it
        else:
            if self._start is not None:
                await self.release()
            await self._send(message)

    async def release(self) -> None:
        """Tell the server what is held."""
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)

    async def _send_path(self, path: str) -> None:
        start = self._start
        place = offload.place_of(path, self._roots)
        simple = start is not None and offload.is_simple(
            str(start["status"]),
            start["headers"],
            self._method,
            lambda name: self._request.get(name.encode()),
        )
        if start is None or place is None or not simple:
            await self.release()
            await self._send_file(path)
            return
        start["headers"] = [
            *offload.without_length(start["headers"]),
            (offload.REDIRECT.lower().encode(), place.encode()),
        ]
        await self.release()
        # Nginx reads no further than the headers. It closes the connection and opens the file, and
        # only then may the app go on: it may be about to delete what it has sent.
        await self._send({"type": "http.response.body", "body": b" ", "more_body": True})
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._until_closed(), _NGINX_OPENS_WITHIN_S)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_closed(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        await asyncio.sleep(0.05)

    async def _send_file(self, path: str) -> None:
        loop = asyncio.get_event_loop()
        with await loop.run_in_executor(None, open, path, "rb") as file:
            while True:
                data = await loop.run_in_executor(None, file.read, _READ_BYTES)
                await self._send(
                    {"type": "http.response.body", "body": data, "more_body": bool(data)}
                )
                if not data:
                    return
