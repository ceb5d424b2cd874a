import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

FINISHED = Path(__file__).with_name("finished")


@asynccontextmanager
async def lifespan(app):
    app.state.crew = "all aboard"
    yield
    print("the crew went home")


async def home(request):
    return HTMLResponse("<h1>The inn</h1>")


async def crew(request):
    return PlainTextResponse(request.app.state.crew)


async def horse(request):
    return PlainTextResponse(f"horse {request.path_params['number']}")


async def share(request):
    return PlainTextResponse(str(request.url_for("horse", number=7)))


async def whoami(request):
    return PlainTextResponse(f"{request.client.host} {request.url.scheme}")


async def fails(request):
    raise RuntimeError("a wheel came off")


async def events(request):
    async def stream():
        FINISHED.unlink(missing_ok=True)
        yield "data: departed\n\n"
        try:
            for _ in range(600):
                if await request.is_disconnected():
                    break
                if FINISHED.exists():
                    yield "data: arrived\n\n"
                    return
                await asyncio.sleep(0.05)
            else:
                print("nobody has come")
                return
        except asyncio.CancelledError:
            print("a listener has left")
            raise
        print("a listener has left")

    return StreamingResponse(stream(), media_type="text/event-stream")


async def finish(request):
    FINISHED.touch()
    return PlainTextResponse("finished")


async def ws(websocket):
    await websocket.accept()
    await websocket.send_text(f"hello {websocket.client.host}")
    async for text in websocket.iter_text():
        await websocket.send_text(f"echo {text}")


app = Starlette(
    routes=[
        Route("/", home),
        Route("/crew", crew),
        Route("/horses/{number:int}", horse, name="horse"),
        Route("/share", share),
        Route("/whoami", whoami),
        Route("/fails", fails),
        Route("/events", events),
        Route("/finish", finish, methods=["POST"]),
        WebSocketRoute("/ws", ws),
    ],
    lifespan=lifespan,
)
