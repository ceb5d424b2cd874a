import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar, MediaType, Request, WebSocket, get, post, websocket
from litestar.response import ServerSentEvent

FINISHED = Path(__file__).with_name("finished")


@asynccontextmanager
async def lifespan(app):
    app.state.crew = "all aboard"
    yield
    print("the crew went home")


@get("/", media_type=MediaType.HTML)
async def home() -> str:
    return "<h1>The inn</h1>"


@get("/crew")
async def crew(request: Request) -> str:
    return request.app.state.crew


@get("/horses/{number:int}", name="horse")
async def horse(number: int) -> str:
    return f"horse {number}"


@get("/share")
async def share(request: Request) -> str:
    return request.url_for("horse", number=7)


@get("/whoami")
async def whoami(request: Request) -> str:
    return f"{request.client.host} {request.url.scheme}"


@get("/fails")
async def fails() -> None:
    raise RuntimeError("a wheel came off")


@get("/events")
async def events() -> ServerSentEvent:
    async def stream():
        FINISHED.unlink(missing_ok=True)
        yield "departed"
        for _ in range(600):
            if FINISHED.exists():
                yield "arrived"
                break
            await asyncio.sleep(0.05)

    return ServerSentEvent(stream())


@post("/finish")
async def finish() -> str:
    FINISHED.touch()
    return "finished"


@websocket("/ws")
async def ws(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(f"hello {socket.client.host}")
    async for text in socket.iter_data():
        await socket.send_text(f"echo {text}")


app = Litestar(
    [home, crew, horse, share, whoami, fails, events, finish, ws], lifespan=[lifespan]
)
