import asyncio
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

router = APIRouter(tags=["horses"])
FINISHED = Path(__file__).with_name("finished")


@router.get("/horses/{number}", response_class=PlainTextResponse)
async def read_horse(number: int):
    return f"horse {number}"


@router.get("/share", response_class=PlainTextResponse)
async def share(request: Request):
    return str(request.url_for("read_horse", number=7))


@router.get("/events")
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


@router.post("/finish", response_class=PlainTextResponse)
def finish():
    FINISHED.touch()
    return "finished"
