"""What a thin layer around the app can repair: the measured model of Outrider's ASGI shim.

`wrap(worker)` in `post_worker_init`. Standard library and Gunicorn only.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback

STARTED, STREAMING, DONE = 1, 2, 3
_MARGIN_S = 2  # of graceful_timeout, for what comes after the requests


def before_fork(worker):
    """Let a uvicorn worker end as any other; in `pre_fork`.

    Uvicorn puts back the handler that it found and sends itself the signal again: with Gunicorn's
    SIG_DFL that kills the process, and `worker_exit` and atexit do not run.
    """
    if not hasattr(worker, "config"):
        return
    import signal

    init_signals = worker.init_signals

    def end(number, frame):
        if not getattr(worker, "has_served", False):
            raise SystemExit(0)  # it came before Uvicorn listened

    def init():
        init_signals()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)

    worker.init_signals = init


def wrap(worker):
    attribute = "asgi" if hasattr(worker, "asgi") else "wsgi"
    setattr(worker, attribute, Front(getattr(worker, attribute), worker))
    graceful = max(1, worker.cfg.graceful_timeout - _MARGIN_S)
    if hasattr(worker, "config"):  # uvicorn-worker
        worker.config.timeout_graceful_shutdown = graceful
        worker.config.lifespan = "on"
    else:
        # In this process only; the master keeps its own, and kills when that is over.
        worker.cfg.set("graceful_timeout", graceful)
        worker.cfg.set("asgi_lifespan", "on")
        from gunicorn.asgi.websocket import WebSocketProtocol

        if hasattr(WebSocketProtocol, "_unmask"):
            WebSocketProtocol._unmask = unmask


class Front:
    def __init__(self, app, worker):
        self.app = app
        self.worker = worker
        self.own = hasattr(worker, "asgi")
        self.calls = set()
        self.sockets = set()

    async def __call__(self, scope, receive, send):
        kind = scope["type"]
        if kind == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        correct(scope)
        if kind == "websocket":
            await self.websocket(scope, receive, send)
        elif self.own:
            scope["asgi"] = {**scope["asgi"], "spec_version": "2.3"}
            await self.http(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    # -- HTTP under Gunicorn's own worker --------------------------------------------

    async def http(self, scope, receive, send):
        state = 0

        async def watched_send(message):
            nonlocal state
            kind = message["type"]
            if kind == "http.response.start":
                if state:
                    raise RuntimeError("http.response.start was sent twice")
                state = STARTED
            elif kind == "http.response.body":
                if state == DONE:
                    raise RuntimeError("http.response.body after the last one")
                state = STREAMING if message.get("more_body") else DONE
            await send(message)

        messages = Messages(receive)
        call = asyncio.ensure_future(self.app(scope, messages, watched_send))
        self.calls.add(call)
        call.add_done_callback(self.calls.discard)
        try:
            await asyncio.shield(call)
        except asyncio.CancelledError:
            if call.done():
                raise
            # The client has gone: a stream ends, work goes on.
            if state == STREAMING:
                call.cancel()
                with contextlib.suppress(BaseException):
                    await call
                raise
            call.add_done_callback(self.complain)
            raise
        finally:
            messages.end()

    def complain(self, call):
        if not call.cancelled() and call.exception():
            self.worker.log.error("".join(traceback.format_exception(call.exception())))

    # -- WebSocket ---------------------------------------------------------------------

    async def websocket(self, scope, receive, send):
        socket = Socket(receive, send)
        self.sockets.add(socket)
        try:
            await self.app(scope, socket.receive, socket.send)
            if socket.open and self.own:
                await send({"type": "websocket.close", "code": 1000})
        finally:
            self.sockets.discard(socket)
            socket.end()

    # -- lifespan ----------------------------------------------------------------------

    async def lifespan(self, scope, receive, send):
        self.worker.has_served = True
        asked = started = False
        done = asyncio.Event()

        async def inner_receive():
            nonlocal asked
            message = await receive()
            asked = True
            if message["type"] == "lifespan.shutdown":
                await self.settle()
            return message

        async def inner_send(message):
            nonlocal started
            if message["type"] == "lifespan.startup.complete":
                started = True
            elif message["type"] == "lifespan.shutdown.failed":
                self.worker.log.error("lifespan.shutdown failed: %s", message.get("message") or "no reason given")
            elif message["type"] == "lifespan.startup.failed" and self.own:
                self.worker.log.error("%s", message.get("message") or "lifespan.startup.failed, no reason given")
            done.set()
            await send(message)

        call = asyncio.ensure_future(self.app(scope, inner_receive, inner_send))
        call.add_done_callback(lambda _: done.set())
        waited = 0
        while not done.is_set():
            self.worker.notify()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), 0.5)
            waited += 0.5
            if not done.is_set() and waited >= (self.worker.cfg.timeout or 30) - 1:
                call.cancel()
                await send({"type": "lifespan.startup.failed", "message": "startup did not end"})
                return
        if call.done() and not started:
            error = call.exception() if not call.cancelled() else None
            if error and asked:
                self.worker.log.error("".join(traceback.format_exception(error)))
                await send({"type": "lifespan.startup.failed", "message": repr(error)})
                return
            # The app has no lifespan: it would be no use to tell it anything.
            if not asked:
                await receive()
            await send({"type": "lifespan.startup.complete"})
            call = None
        elif not started:
            await call
            return
        watch = asyncio.ensure_future(self.watch())
        try:
            if call:
                try:
                    await call
                except Exception as error:
                    self.worker.log.error("".join(traceback.format_exception(error)))
                    raise
            else:
                await receive()
                await self.settle()
                await send({"type": "lifespan.shutdown.complete"})
        finally:
            watch.cancel()

    async def watch(self):
        """Repair the backlog, and tell WebSockets when Gunicorn stops."""
        if not self.own:
            return
        pause = 0.01
        while self.worker.alive:
            await asyncio.sleep(pause)
            # create_server() sets it to 100 for all workers; each new one does it again.
            for listener in self.worker.sockets:
                listener.sock.listen(self.worker.cfg.backlog)
            pause = min(pause * 2, 0.3)
        for socket in list(self.sockets):
            asyncio.ensure_future(socket.close(1012))

    async def settle(self):
        """Wait for what goes on without a client."""
        if self.calls:
            await asyncio.wait(self.calls, timeout=self.worker.cfg.graceful_timeout)


class Messages:
    """receive() that can be given up and asked again, by several at once."""

    def __init__(self, receive):
        self.receive = receive
        self.complete = False
        self.task = None

    async def __call__(self):
        if not self.complete:
            message = await self.receive()
            self.complete = not message.get("more_body")
            return message
        if self.task is None:
            self.task = asyncio.ensure_future(self.receive())
        await asyncio.wait({self.task})
        return {"type": "http.disconnect"}

    def end(self):
        if self.task is not None:
            self.task.cancel()


class Socket:
    def __init__(self, receive, send):
        self.inner_receive, self.inner_send = receive, send
        self.accepted = self.ended = False
        self.told = None
        self.stopping = asyncio.Event()
        self.task = None

    @property
    def open(self):
        return self.accepted and not self.ended

    async def receive(self):
        if self.stopping.is_set():
            return self.told
        if self.task is None:
            self.task = asyncio.ensure_future(self.inner_receive())
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({self.task, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
        if not self.task.done():
            return self.told
        message, self.task = self.task.result(), None
        if message["type"] == "websocket.disconnect":
            self.ended = True
        return message

    async def send(self, message):
        if message["type"] == "websocket.accept":
            self.accepted = True
        elif message["type"] == "websocket.close":
            self.ended = True
        await self.inner_send(message)

    async def close(self, code):
        if self.open:
            self.ended = True
            self.told = {"type": "websocket.disconnect", "code": code}
            self.stopping.set()
            await self.inner_send({"type": "websocket.close", "code": code})

    def end(self):
        if self.task is not None:
            self.task.cancel()


def unmask(_, payload, key):
    """In one go: byte by byte in Python, a message of 15 MB stops the worker for seconds."""
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(mask, "little")).to_bytes(size, "little")


def correct(scope):
    """Put the client's view of the connection into the scope."""
    found = dict(scope["headers"])
    scheme = found.get(b"x-forwarded-proto", b"").decode("latin-1")
    if scheme in ("http", "https"):
        scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
    secure = scope["scheme"] in ("https", "wss")
    host = found.get(b"host", b"").decode("latin-1")
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    scope["server"] = (name, int(port or (443 if secure else 80)))
    client, port = found.get(b"x-real-ip", b"").decode("latin-1"), found.get(b"x-real-port", b"0")
    scope["client"] = (client, int(port)) if client else None
