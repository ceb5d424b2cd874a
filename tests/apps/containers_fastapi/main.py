import os
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from redis.asyncio import Redis

HERE = Path(__file__).parent
MEDIA = HERE / "media"


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as app.state.redis:
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")


@app.get("/", response_class=HTMLResponse)
async def home(request: Request):
    horses = await request.app.state.redis.smembers("horses")
    link = '<link rel="stylesheet" href="/static/style.css">'
    return f"<title>The inn</title>{link}<ul><li>{'<li>'.join(sorted(horses))}</ul>"


@app.post("/new", response_class=PlainTextResponse)
async def new(request: Request, picture: UploadFile):
    name = os.path.basename(picture.filename)
    (MEDIA / name).write_bytes(await picture.read())
    await request.app.state.redis.sadd("horses", name)
    return f"/media/{name}"
