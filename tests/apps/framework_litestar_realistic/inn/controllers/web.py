from litestar import Controller, Request, WebSocket, get, websocket
from litestar.response import Template


class WebController(Controller):
    @get("/")
    async def home(self, request: Request) -> Template:
        style = request.url_for("static", file_path="style.css")
        return Template("index.html", context={"style": style})

    @get("/crew")
    async def crew(self, request: Request) -> str:
        return request.app.state.crew

    @get("/share")
    async def share(self, request: Request) -> str:
        return request.url_for("horse", number=7)

    @get("/whoami")
    async def whoami(self, request: Request) -> str:
        return f"{request.client.host} {request.url.scheme}"

    @get("/fails")
    async def fails(self) -> None:
        raise RuntimeError("a wheel came off")


@websocket("/ws")
async def ws(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(f"hello {socket.client.host}")
    async for text in socket.iter_data():
        await socket.send_text(f"echo {text}")
