"""An ASGI app that shows what its server does, with no framework to make anything right.

The file `refuse` beside it makes it raise when it is loaded, `never-start` when it starts; with
`one-by-one`, only the first of its processes gets through the door.
"""

import asyncio
import json
import os
import time
from pathlib import Path

HERE = Path(__file__).parent

if (HERE / "refuse").exists() and "OUTRIDER_NOTIFY_FD" in os.environ:
    raise LookupError("the shop is closed today")
if "OUTRIDER_NOTIFY_FD" in os.environ:
    try:
        (HERE / "one-by-one").rename(HERE / "others-wait")
    except FileNotFoundError:
        if (HERE / "others-wait").exists():
            print("waits at the door", flush=True)
            time.sleep(600)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await live(receive, send)
    if scope["type"] == "websocket":
        return await echo(receive, send)
    # https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
    page = PAGES.get(scope["path"][len(scope["root_path"]) :], missing)
    return await page(scope, receive, send)


async def live(receive, send):
    await receive()
    if (HERE / "never-start").exists():
        raise LookupError("the shop has no till")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("the shop is closed", flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"] + "!"})


async def answer(send, body, status=200, kind=b"text/plain"):
    headers = [(b"content-type", kind)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def home(scope, receive, send):
    await answer(send, b"hello\n")


async def missing(scope, receive, send):
    headers = dict(scope["headers"])
    said = {
        "REMOTE_ADDR": scope["client"][0],
        "SCRIPT_NAME": scope["root_path"],
        "PATH_INFO": scope["path"][len(scope["root_path"]) :],
        "QUERY_STRING": scope["query_string"].decode(),
        "HTTP_HOST": headers[b"host"].decode(),
        "SERVER_PORT": str(scope["server"][1]),
        "scheme": scope["scheme"],
        "proxies": [
            value.decode() if value else None
            for value in (headers.get(b"proxy"), headers.get(b"x-forwarded-for"))
        ],
    }
    await answer(send, json.dumps(said).encode(), 404)


async def fails(scope, receive, send):
    raise ZeroDivisionError("divided by the number of customers")


async def upload(scope, receive, send):
    size, is_more = 0, True
    while is_more:
        message = await receive()
        size, is_more = size + len(message.get("body", b"")), message.get("more_body", False)
    await answer(send, str(size).encode())


async def unread(scope, receive, send):
    await answer(send, b"z" * 300_000)


async def download(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(160):
        await send({"type": "http.response.body", "body": b"y" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def late(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    body = (await receive())["body"]
    await send({"type": "http.response.body", "body": body[:5]})


async def events(scope, receive, send):
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: one\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def slow(scope, receive, send):
    print("slow begins", flush=True)
    for _ in range(600):
        if (HERE / "go-on").exists():
            break
        await asyncio.sleep(0.05)
    await answer(send, b"at last")


async def file(scope, receive, send):
    # https://asgi.readthedocs.io/en/latest/extensions.html#path-send
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.pathsend", "path": str(HERE / "static" / "style.css")})


async def who(scope, receive, send):
    await answer(send, json.dumps([os.getpid(), os.getppid()]).encode())


PAGES = {
    "/": home,
    "/fails": fails,
    "/upload": upload,
    "/unread": unread,
    "/download": download,
    "/late": late,
    "/events": events,
    "/slow": slow,
    "/who": who,
    "/file": file,
}
