from pathlib import Path

from litestar import Litestar, get, post
from litestar.static_files import create_static_files_router

FILES = Path(__file__).parent / "files"


@get("/")
async def home() -> str:
    return "home"


async def gate(request):
    return None


@post("/upload", request_max_body_size=50_000_000)
async def upload() -> str:
    return "stored"


uploads = Litestar([home, upload, create_static_files_router("/static", [FILES])], debug=True, before_request=gate)


@post("/endless", request_max_body_size=None)
async def endless() -> str:
    return "stored"


unlimited = Litestar([upload, endless])
