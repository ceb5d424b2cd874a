import falcon


class Lifespan:
    def __init__(self, config):
        self.config = config

    async def process_startup(self, scope, event):
        self.config.crew = "all aboard"

    async def process_shutdown(self, scope, event):
        print("the crew went home")


class Home:
    async def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = '<link rel="stylesheet" href="static/style.css"><h1>The inn</h1>'


class Crew:
    def __init__(self, config):
        self.config = config

    async def on_get(self, req, resp):
        resp.text = self.config.crew


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
