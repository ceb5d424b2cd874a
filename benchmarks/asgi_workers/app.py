"""The ASGI apps that `compare.py` serves. What they see is appended to the file JOURNAL."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import time

JOURNAL = os.environ.get("JOURNAL", os.devnull)
CHUNK = b"x" * 65536
MEGABYTE = b"x" * (1 << 20)


def note(**event):
    """Append one line to the journal."""
    line = json.dumps({"pid": os.getpid(), **event}) + "\n"
    descriptor = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


atexit.register(note, at="atexit")


async def start(send, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def body(send, data=b"", *, more=False):
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def answer(send, value, status=200):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    await start(send, status, [(b"content-length", str(len(data)).encode())])
    await body(send, data)


async def whole(receive):
    """Return the request's messages up to the last of the body."""
    messages = []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            return messages


# -- HTTP: one coroutine a path ------------------------------------------------


async def hello(scope, receive, send):
    await answer(send, b"hello")


async def pid(scope, receive, send):
    await asyncio.sleep(0.005)
    await answer(send, os.getpid())


async def scope_(scope, receive, send):
    plain = {k: v for k, v in scope.items() if k not in ("headers", "state", "app")}
    plain["state"] = (
        {k: str(v) for k, v in scope.get("state", {}).items()} if "state" in scope else None
    )
    scope.get("state", {})["mine"] = 1
    plain["headers"] = [[k.decode(), v.decode()] for k, v in scope["headers"]]
    await answer(send, json.dumps(plain, default=repr).encode())


async def polled(scope, receive, send):
    """What Starlette's request.is_disconnected() does, five times."""
    from starlette.requests import Request

    request = Request(scope, receive, send)
    await answer(send, [await request.is_disconnected() for _ in range(5)])


async def cancelled_receive(scope, receive, send):
    """Wait for the client to go, give up after a moment, ask again."""
    await whole(receive)
    seen = []
    for _ in range(3):
        try:
            seen.append((await asyncio.wait_for(receive(), 0.05))["type"])
        except TimeoutError:
            seen.append("waiting")
    await answer(send, seen)


async def watch(scope, receive, send):
    await whole(receive)
    note(at="watch", event="waiting")
    began = time.monotonic()
    try:
        message = await asyncio.wait_for(receive(), 10)
        note(at="watch", event=message["type"], after=round(time.monotonic() - began, 2))
    except TimeoutError:
        note(at="watch", event="timeout")
    except asyncio.CancelledError:
        note(at="watch", event="cancelled", after=round(time.monotonic() - began, 2))
        raise
    await answer(send, b"seen")


async def two_watchers(scope, receive, send):
    await whole(receive)
    note(at="two", event="waiting")
    done, pending = await asyncio.wait(
        [asyncio.ensure_future(receive()), asyncio.ensure_future(receive())], timeout=2.5
    )
    note(at="two", event="done", count=len(done))
    for task in pending:
        task.cancel()


async def endless(scope, receive, send):
    """Send until told to stop, as a spec 2.4 app does that only looks at send()."""
    await start(send)
    began = time.monotonic()
    note(at="endless", event="started")
    how = "nothing after 8 s"
    try:
        while time.monotonic() - began < 8:
            await body(send, b"tick\n", more=True)
            await asyncio.sleep(0.05)
    except OSError:
        how = "OSError from send"
    except asyncio.CancelledError:
        how = "cancelled"
        raise
    finally:
        note(at="endless", event=how, after=round(time.monotonic() - began, 2))


async def starlette_endless(scope, receive, send):
    from starlette.responses import StreamingResponse

    began = time.monotonic()

    async def ticks():
        try:
            while time.monotonic() - began < 8:
                yield b"tick\n"
                await asyncio.sleep(0.05)
            note(at="stream", event="nothing after 8 s")
        except BaseException as error:
            note(at="stream", event=type(error).__name__, after=round(time.monotonic() - began, 2))
            raise

    note(at="stream", event="started")
    await StreamingResponse(ticks())(scope, receive, send)


async def polled_stream(scope, receive, send):
    """The usual way to write server-sent events."""
    from starlette.requests import Request
    from starlette.responses import StreamingResponse

    request = Request(scope, receive, send)

    async def events():
        for number in range(8):
            if await request.is_disconnected():
                break
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.02)

    await StreamingResponse(events(), media_type="text/event-stream")(scope, receive, send)


async def commit(scope, receive, send):
    """Work that must not be torn apart because the client has gone."""
    await whole(receive)
    note(at="commit", event="started")
    try:
        await asyncio.sleep(4.5)
        note(at="commit", event="committed")
    except asyncio.CancelledError:
        note(at="commit", event="cancelled")
        raise
    await answer(send, b"done")


async def background(scope, receive, send):
    from starlette.background import BackgroundTask
    from starlette.responses import PlainTextResponse

    async def task():
        note(at="background", event="started")
        try:
            await asyncio.sleep(4.5)
            note(at="background", event="finished")
        except asyncio.CancelledError:
            note(at="background", event="cancelled")
            raise

    await PlainTextResponse("sent", background=BackgroundTask(task))(scope, receive, send)


async def slow_chunks(scope, receive, send):
    await start(send)
    for number in range(20):
        await body(send, b"%02d\n" % number, more=True)
        await asyncio.sleep(0.05)
    await body(send)


async def flood(scope, receive, send):
    await start(send)
    for _ in range(200 * 16):
        await body(send, CHUNK, more=True)
    await body(send)


async def swallow(scope, receive, send):
    total = largest = count = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            note(at="swallow", event=message["type"], total=total)
            return
        count += 1
        if count == 2:
            await asyncio.sleep(2)  # the reader is slow
        total += len(message["body"])
        largest = max(largest, len(message["body"]))
        if not message.get("more_body"):
            break
    await answer(send, {"total": total, "largest": largest, "count": count})


async def messages(scope, receive, send):
    await answer(
        send,
        [[m["type"], len(m.get("body", b"")), m.get("more_body")] for m in await whole(receive)],
    )


async def with_length(scope, receive, send):
    await answer(send, b"12345")


async def no_content(scope, receive, send):
    await start(send, 204)
    await body(send)


async def not_modified(scope, receive, send):
    await start(send, 304, [(b"etag", b'"a"')])
    await body(send, b"must not be sent")


async def refuse_body(scope, receive, send):
    await answer(send, b"no", 413)


async def error_before(scope, receive, send):
    raise ValueError("before")


async def error_after_length(scope, receive, send):
    await start(send, 200, [(b"content-length", b"100")])
    await body(send, b"part", more=True)
    await asyncio.sleep(0.1)
    raise ValueError("after")


async def error_after_chunk(scope, receive, send):
    await start(send)
    await body(send, b"part", more=True)
    await asyncio.sleep(0.1)
    raise ValueError("after")


async def error_after_start(scope, receive, send):
    await start(send)
    raise ValueError("after")


async def silent(scope, receive, send):
    return


async def unfinished(scope, receive, send):
    await start(send)
    await body(send, b"part", more=True)


async def twice(scope, receive, send):
    await start(send)
    await start(send, 404)
    await body(send, b"body")


async def injected(scope, receive, send):
    await start(send, 200, [(b"x-echo", b"a\r\nset-cookie: evil=1")])
    await body(send, b"x")


async def too_short(scope, receive, send):
    await start(send, 200, [(b"content-length", b"10")])
    await body(send, b"12345")


async def too_long(scope, receive, send):
    await start(send, 200, [(b"content-length", b"5")])
    await body(send, b"12345678")


async def sleep2(scope, receive, send):
    await asyncio.sleep(2)
    note(at="sleep2", event="answering")
    await answer(send, b"slept")


async def sleep15(scope, receive, send):
    await asyncio.sleep(15)
    await answer(send, b"slept")


async def block(scope, receive, send):
    time.sleep(12)
    await answer(send, b"blocked")


async def megabyte(scope, receive, send):
    await start(send, 200, [(b"content-type", b"application/octet-stream")])
    for _ in range(16):
        await body(send, CHUNK, more=True)
    await body(send)


async def file(scope, receive, send):
    from starlette.responses import FileResponse

    await FileResponse(os.environ["FILE"])(scope, receive, send)


# -- WebSocket -----------------------------------------------------------------


async def ws_echo(scope, receive, send):
    await receive()
    offered = scope["subprotocols"]
    await send(
        {
            "type": "websocket.accept",
            "subprotocol": offered[-1] if offered else None,
            "headers": [(b"x-mine", b"yes")],
        }
    )
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            note(at="ws", event="disconnect", code=message.get("code"))
            return
        text, data = message.get("text"), message.get("bytes")
        if text == "close":
            await send({"type": "websocket.close", "code": 4002, "reason": "bye"})
            return
        if text == "return":
            return
        if text == "raise":
            raise ValueError("in a socket")
        if data is not None and len(data) > 1000:
            await send({"type": "websocket.send", "text": str(len(data))})
        elif text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": data})


async def ws_reject(scope, receive, send):
    await receive()
    await send({"type": "websocket.close"})


async def ws_deny(scope, receive, send):
    await receive()
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    await send(
        {
            "type": "websocket.http.response.start",
            "status": 401,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"6")],
        }
    )
    await send({"type": "websocket.http.response.body", "body": b"denied"})


async def ws_sender(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    try:
        for _ in range(160):
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(0.05)
        note(at="ws_sender", event="nothing after 8 s")
    except asyncio.CancelledError:
        note(at="ws_sender", event="cancelled")
        raise
    except Exception as error:
        note(
            at="ws_sender", event="OSError" if isinstance(error, OSError) else type(error).__name__
        )


HTTP = {
    "/" + name.rstrip("_").replace("_", "-"): coroutine
    for name, coroutine in list(globals().items())
    if asyncio.iscoroutinefunction(coroutine) and not name.startswith(("ws_", "answer", "whole"))
}
SOCKETS = {
    "/ws-echo": ws_echo,
    "/ws-reject": ws_reject,
    "/ws-deny": ws_deny,
    "/ws-sender": ws_sender,
}


async def lifespan(scope, receive, send):
    if "state" in scope:
        scope["state"]["shared"] = "yes"
    while True:
        message = await receive()
        note(at="lifespan", event=message["type"])
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await asyncio.sleep(0.2)
            note(at="lifespan", event="shut down")
            await send({"type": "lifespan.shutdown.complete"})
            return


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    elif scope["type"] == "websocket":
        await SOCKETS[scope["path"]](scope, receive, send)
    else:
        path = "/scope" if scope["path"].startswith("/scope") else scope["path"]
        await HTTP.get(path, hello)(scope, receive, send)


# -- lifespans that go wrong ------------------------------------------------------


def with_lifespan(function):
    async def variant(scope, receive, send):
        if scope["type"] == "lifespan":
            await function(scope, receive, send)
        else:
            await app(scope, receive, send)

    return variant


@with_lifespan
async def failed_message(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database here"})


@with_lifespan
async def failed_silent(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed"})


@with_lifespan
async def raises(scope, receive, send):
    await receive()
    raise RuntimeError("no database here")


@with_lifespan
async def unsupported(scope, receive, send):
    raise AssertionError("only http")


@with_lifespan
async def returns(scope, receive, send):
    return


@with_lifespan
async def never(scope, receive, send):
    await receive()
    await asyncio.Event().wait()


@with_lifespan
async def shutdown_fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise RuntimeError("cannot close the database")


def make_fastapi():
    from fastapi import FastAPI

    api = FastAPI()

    @api.get("/json")
    async def read():
        return {"message": "hello", "number": 42}

    return api


if os.environ.get("WITH_FASTAPI"):
    fastapi_app = make_fastapi()

    async def both(scope, receive, send):
        chosen = fastapi_app if scope["type"] == "http" and scope["path"] == "/json" else app
        await chosen(scope, receive, send)
