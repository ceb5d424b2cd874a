import asyncio
from pathlib import Path

import falcon
import falcon.asgi

FINISHED = Path(__file__).with_name("finished")


class Lifespan:
    crew = ""

    async def process_startup(self, scope, event):
        Lifespan.crew = "all aboard"

    async def process_shutdown(self, scope, event):
        print("the crew went home")


class Home:
    async def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = "<h1>The inn</h1>"


class Crew:
    async def on_get(self, req, resp):
        resp.text = Lifespan.crew


class Horse:
    async def on_get(self, req, resp, number):
        resp.text = f"horse {number}"


class Share:
    async def on_get(self, req, resp):
        resp.text = f"{req.prefix}/horses/7"


class WhoAmI:
    async def on_get(self, req, resp):
        resp.text = f"{req.remote_addr} {req.scheme}"


class Fails:
    async def on_get(self, req, resp):
        raise RuntimeError("a wheel came off")


class Events:
    async def on_get(self, req, resp):
        resp.sse = self.stream()

    async def stream(self):
        FINISHED.unlink(missing_ok=True)
        yield falcon.asgi.SSEvent(text="departed")
        for _ in range(600):
            if FINISHED.exists():
                yield falcon.asgi.SSEvent(text="arrived")
                break
            await asyncio.sleep(0.05)


class Finish:
    async def on_post(self, req, resp):
        FINISHED.touch()


class Socket:
    async def on_websocket(self, req, ws):
        await ws.accept()
        await ws.send_text(f"hello {req.remote_addr}")
        while True:
            try:
                text = await ws.receive_text()
            except falcon.WebSocketDisconnected:
                return
            await ws.send_text(f"echo {text}")


app = falcon.asgi.App(middleware=[Lifespan()])
app.add_route("/", Home())
app.add_route("/crew", Crew())
app.add_route("/horses/{number:int}", Horse())
app.add_route("/share", Share())
app.add_route("/whoami", WhoAmI())
app.add_route("/fails", Fails())
app.add_route("/events", Events())
app.add_route("/finish", Finish())
app.add_route("/ws", Socket())
