import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse

FINISHED = Path(__file__).with_name("finished")
crew = {}


@asynccontextmanager
async def lifespan(app: FastAPI):
    crew["state"] = "all aboard"
    yield
    print("the crew went home")


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def root():
    return {"message": "The inn"}


@app.get("/crew", response_class=PlainTextResponse)
async def show_crew():
    return crew["state"]


@app.get("/horses/{number}", response_class=PlainTextResponse)
async def horse(number: int):
    return f"horse {number}"


@app.get("/share", response_class=PlainTextResponse)
async def share(request: Request):
    return str(request.url_for("horse", number=7))


@app.get("/whoami", response_class=PlainTextResponse)
def whoami(request: Request):
    return f"{request.client.host} {request.url.scheme}"


@app.get("/fails")
async def fails():
    raise RuntimeError("a wheel came off")


@app.get("/events")
async def events(request: Request):
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


@app.post("/finish", response_class=PlainTextResponse)
async def finish():
    FINISHED.touch()
    return "finished"


@app.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text(f"hello {websocket.client.host}")
    async for text in websocket.iter_text():
        await websocket.send_text(f"echo {text}")
