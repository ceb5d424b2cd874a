import settings
from contextlib import asynccontextmanager
from horses.routes import routes as horses
from resources import templates
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles


@asynccontextmanager
async def lifespan(app):
    yield {"crew": "all aboard"}
    print("the crew went home")


async def homepage(request):
    return templates.TemplateResponse(request, "index.html")


async def crew(request):
    return PlainTextResponse(request.state.crew)


async def share(request):
    return PlainTextResponse(str(request.url_for("horses:horse", number=7)))


async def whoami(request):
    return PlainTextResponse(f"{request.client.host} {request.url.scheme}")


async def fails(request):
    raise RuntimeError("a wheel came off")


async def not_found(request, exc):
    return templates.TemplateResponse(request, "404.html", status_code=404)


async def ws(websocket):
    await websocket.accept()
    await websocket.send_text(f"hello {websocket.client.host}")
    async for text in websocket.iter_text():
        await websocket.send_text(f"echo {text}")


app = Starlette(
    debug=settings.DEBUG,
    routes=[
        Route("/", homepage, name="home"),
        Route("/crew", crew),
        Mount("/horses", routes=horses, name="horses"),
        Route("/share", share),
        Route("/whoami", whoami),
        Route("/fails", fails),
        WebSocketRoute("/ws", ws),
        Mount("/static", StaticFiles(directory="statics"), name="static"),
    ],
    middleware=[Middleware(GZipMiddleware)],
    exception_handlers={404: not_found},
    lifespan=lifespan,
)
