from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import PlainTextResponse

router = APIRouter(tags=["travellers"])


@router.get("/crew", response_class=PlainTextResponse)
async def crew(request: Request):
    return request.app.state.crew


@router.get("/whoami", response_class=PlainTextResponse)
def whoami(request: Request):
    return f"{request.client.host} {request.url.scheme}"


@router.get("/fails")
def fails():
    raise RuntimeError("a wheel came off")


@router.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text(f"hello {websocket.client.host}")
    async for text in websocket.iter_text():
        await websocket.send_text(f"echo {text}")
