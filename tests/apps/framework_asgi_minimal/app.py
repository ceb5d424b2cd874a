import asyncio
from pathlib import Path

FINISHED = Path(__file__).with_name("finished")
crew = {}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await talk(scope, receive, send)
    elif path_of(scope) == "/events":
        await events(send)
    else:
        status, kind, body = page(scope)
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


def path_of(scope):
    """https://asgi.readthedocs.io/en/latest/specs/www.html: `path` includes `root_path`."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def page(scope):
    path = path_of(scope)
    if path == "/":
        return 200, b"text/html", "<h1>The inn</h1>"
    if path == "/horses/7":
        return 200, b"text/plain", "horse 7"
    if path == "/crew":
        return 200, b"text/plain", crew["state"]
    if path == "/share":
        host = dict(scope["headers"])[b"host"].decode()
        url = f"{scope['scheme']}://{host}{scope.get('root_path', '')}/horses/7"
        return 200, b"text/plain", url
    if path == "/whoami":
        return 200, b"text/plain", f"{scope['client'][0]} {scope['scheme']}"
    if path == "/fails":
        raise RuntimeError("a wheel came off")
    if path == "/finish":
        FINISHED.touch()
        return 200, b"text/plain", "finished"
    return 404, b"text/plain", "There is no such room"


async def events(send):
    FINISHED.unlink(missing_ok=True)
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: departed\n\n", "more_body": True})
    for _ in range(600):
        if FINISHED.exists():
            await send(
                {"type": "http.response.body", "body": b"data: arrived\n\n", "more_body": True}
            )
            break
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b""})


async def talk(scope, receive, send):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"hello {scope['client'][0]}"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"echo {message['text']}"})


async def lifespan(receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            crew["state"] = "all aboard"
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            print("the crew went home")
            await send({"type": "lifespan.shutdown.complete"})
            return
