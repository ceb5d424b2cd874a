from quart import Quart, render_template, request, url_for, websocket

app = Quart(__name__)


def run() -> None:
    app.run()


@app.before_serving
async def gather_crew():
    app.crew = "all aboard"


@app.after_serving
async def dismiss_crew():
    print("the crew went home")


@app.get("/")
async def index():
    return await render_template("index.html")


@app.get("/crew")
async def crew():
    return app.crew


@app.get("/horses/<int:number>")
async def horse(number):
    return f"horse {number}"


@app.get("/share")
async def share():
    return url_for("horse", number=7, _external=True)


@app.get("/whoami")
async def whoami():
    return f"{request.remote_addr} {request.scheme}"


@app.get("/fails")
async def fails():
    raise RuntimeError("a wheel came off")


@app.websocket("/ws")
async def ws():
    await websocket.send(f"hello {websocket.remote_addr}")
    while True:
        await websocket.send(f"echo {await websocket.receive()}")
