from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from .dependencies import get_token_header
from .internal import admin
from .routers import horses, travellers


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.crew = "all aboard"
    yield
    print("the crew went home")


app = FastAPI(lifespan=lifespan)

app.include_router(horses.router)
app.include_router(travellers.router)
app.include_router(
    admin.router,
    prefix="/admin",
    tags=["admin"],
    dependencies=[Depends(get_token_header)],
    responses={418: {"description": "I'm a teapot"}},
)
app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")


@app.get("/")
async def root():
    return {"message": "The inn"}
