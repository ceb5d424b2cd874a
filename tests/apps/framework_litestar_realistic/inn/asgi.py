from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.logging import LoggingConfig
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig

from inn.controllers.horses import HorseController
from inn.controllers.web import WebController, ws

ROOT = Path(__file__).parent.parent


@asynccontextmanager
async def lifespan(app: Litestar):
    app.state.crew = "all aboard"
    yield
    print("the crew went home")


def create_app() -> Litestar:
    return Litestar(
        route_handlers=[
            WebController,
            HorseController,
            ws,
            create_static_files_router(path="/static", directories=[ROOT / "assets"]),
        ],
        lifespan=[lifespan],
        logging_config=LoggingConfig(log_exceptions="always"),
        template_config=TemplateConfig(directory=ROOT / "templates", engine=JinjaTemplateEngine),
    )
