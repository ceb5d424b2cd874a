import asyncio
from pathlib import Path

from quart import Quart, request, url_for, websocket

app = Quart(__name__)
FINISHED = Path(__file__).with_name("finished")


@app.before_serving
async def gather_crew():
    app.crew = "all aboard"


@app.after_serving
async def dismiss_crew():
    print("the crew went home")


@app.route("/crew")
async def crew():
    return app.crew


@app.route("/")
async def home():
    return "<h1>The inn</h1>"


@app.route("/horses/<int:number>")
async def horse(number):
    return f"horse {number}"


@app.route("/share")
async def share():
    return url_for("horse", number=7, _external=True)


@app.route("/whoami")
async def whoami():
    return f"{request.remote_addr} {request.scheme}"


@app.route("/fails")
async def fails():
    raise RuntimeError("a wheel came off")


@app.route("/events")
async def events():
    async def stream():
        FINISHED.unlink(missing_ok=True)
        yield b"data: departed\n\n"
        for _ in range(600):
            if FINISHED.exists():
                yield b"data: arrived\n\n"
                break
            await asyncio.sleep(0.05)

    return stream(), {"Content-Type": "text/event-stream"}


@app.route("/finish", methods=["POST"])
async def finish():
    FINISHED.touch()
    return "finished"


@app.websocket("/ws")
async def ws():
    await websocket.send(f"hello {websocket.remote_addr}")
    while True:
        await websocket.send(f"echo {await websocket.receive()}")
