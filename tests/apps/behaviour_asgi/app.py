"""An ASGI app without a framework, with what goes wrong when a server is not right."""

import asyncio
import json
import os
import sys
import time

gate = asyncio.Event()


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        page = PAGES.get(scope["path"].rpartition("/")[2], index)
        await page(scope, receive, send)


async def lifespan(receive, send):
    await receive()
    how = os.environ.get("LIFESPAN")
    if how == "fails":
        await send({"type": "lifespan.startup.failed", "message": "the database is away"})
        return
    if how == "raises":
        raise ConnectionError("the database is away")
    if how == "hangs":
        print("hanging")
        try:
            await asyncio.sleep(3600)
        finally:
            print("tidied up")
    print("started")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("ended")
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send, body, status=200, kind=b"application/json"):
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def begin(send, kind):
    headers = [(b"content-type", kind)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def more(send, body):
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def index(scope, receive, send):
    seen = {name: scope[name] for name in ("path", "root_path", "scheme", "client", "server")}
    seen["headers"] = {name.decode(): value.decode() for name, value in scope["headers"]}
    await answer(send, json.dumps(seen).encode())


async def upload(scope, receive, send):
    size, more_body = 0, True
    while more_body:
        message = await receive()
        size += len(message["body"])
        more_body = message["more_body"]
    await answer(send, str(size).encode())


async def events(scope, receive, send):
    await begin(send, b"text/event-stream")
    await more(send, b"data: first\n\n")
    await gate.wait()
    await send({"type": "http.response.body", "body": b"data: last\n\n"})


async def endless(scope, receive, send):
    await begin(send, b"text/event-stream")
    await more(send, b"data: first\n\n")
    await asyncio.sleep(3600)


async def opens(scope, receive, send):
    gate.set()
    await answer(send, b"open")


async def polls(scope, receive, send):
    """As Starlette's `is_disconnected()`, again and again."""
    await receive()
    await begin(send, b"text/plain")
    for number in range(5):
        asked = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        asked.cancel()
        if not asked.cancelled() and asked.done():
            print("the client has gone, it says")
            return
        await more(send, str(number).encode())
    await send({"type": "http.response.body", "body": b"."})


async def works(scope, receive, send):
    """Go on after the client has gone, for longer than Gunicorn gives it."""
    await receive()
    print("working")
    await receive()
    await asyncio.sleep(4)
    print("the work is done")


async def blocks(scope, receive, send):
    """Keep the event loop from everybody."""
    time.sleep(60)


async def fails(scope, receive, send):
    """As frameworks do: the page first, then the exception."""
    await answer(send, b"sorry", status=500, kind=b"text/plain")
    raise ValueError("the engine is cold")


async def breaks(scope, receive, send):
    await begin(send, b"text/plain")
    await more(send, b"half")
    raise ValueError("broke in the middle")


async def nothing(scope, receive, send):
    await receive()


async def websocket(scope, receive, send):
    await receive()
    if scope["path"].endswith("/refused"):
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.accept"})
    seen = [scope["scheme"], scope["client"][0], scope["path"], scope["root_path"]]
    await send({"type": "websocket.send", "text": json.dumps(seen)})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            print("left with", message["code"], file=sys.stderr)
            return
        if message.get("text") == "bye":
            return
        await send({"type": "websocket.send", "text": (message.get("text") or "").upper()})


PAGES = {
    "upload": upload,
    "events": events,
    "endless": endless,
    "opens": opens,
    "polls": polls,
    "works": works,
    "blocks": blocks,
    "fails": fails,
    "breaks": breaks,
    "nothing": nothing,
}
