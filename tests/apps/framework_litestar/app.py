from pathlib import Path

from litestar import Litestar, get
from litestar.exceptions import NotAuthorizedException
from litestar.static_files import create_static_files_router

FILES = Path(__file__).parent / "files"


@get("/")
async def home() -> str:
    return "home"


def members_only(connection, handler):
    raise NotAuthorizedException


def create_app() -> Litestar:
    return Litestar(
        [
            home,
            create_static_files_router("/static", [FILES]),
            create_static_files_router("/pages", [FILES], html_mode=True),
            create_static_files_router("/members", [FILES], guards=[members_only]),
            create_static_files_router("/downloads", [FILES], send_as_attachment=True),
        ],
        allowed_hosts=["shop.example"],
    )
