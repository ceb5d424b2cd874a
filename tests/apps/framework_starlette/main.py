from pathlib import Path

from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.wsgi import WSGIMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent


class Gate:
    """Asks for a password."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


class Special(StaticFiles):
    async def get_response(self, path, scope):
        return await super().get_response(path, scope)


async def answer(request):
    return PlainTextResponse("of the app")


flask = Flask("old")
flask.config["MAX_CONTENT_LENGTH"] = 1000
files = HERE / "files"

routes = [
    Route("/static/version.txt", answer),
    Mount("/static", StaticFiles(directory=files)),
    Mount("/docs", StaticFiles(directory=files, html=True)),
    Mount("/plain", StaticFiles(directory=str(files))),
    Mount("/deep", routes=[Mount("/deeper", routes=[Mount("/files", StaticFiles(directory=files))])]),
    Mount("/private", Gate(StaticFiles(directory=files))),
    Mount("/members", StaticFiles(directory=files), middleware=[Middleware(Gate)]),
    Mount("/special", Special(directory=files)),
    Mount("/users/{name}/files", StaticFiles(directory=files)),
    Mount("/old", WSGIMiddleware(flask)),
    Host("files.example", Router([Mount("/", StaticFiles(directory=files))])),
]

app = Starlette(routes=routes, middleware=[Middleware(GZipMiddleware)])


async def check(request, call_next):
    return await call_next(request)


guarded = Starlette(
    debug=True,
    routes=[Mount("/", StaticFiles(directory=files))],
    middleware=[Middleware(BaseHTTPMiddleware, dispatch=check)],
)

limited = Starlette(max_body_size=5000)
wrapped = Gate(limited)
