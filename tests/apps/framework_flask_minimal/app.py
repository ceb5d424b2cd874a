from pathlib import Path
from time import sleep

from flask import Flask, request, url_for

app = Flask(__name__)
FINISHED = Path(__file__).with_name("finished")


@app.route("/")
def home():
    return "<h1>The inn</h1>"


@app.route("/horses/<int:number>")
def horse(number):
    return f"horse {number}"


@app.route("/share")
def share():
    return url_for("horse", number=7, _external=True)


@app.route("/whoami")
def whoami():
    return f"{request.remote_addr} {request.scheme}"


@app.route("/fails")
def fails():
    raise RuntimeError("a wheel came off")


@app.route("/events")
def events():
    def stream():
        FINISHED.unlink(missing_ok=True)
        yield "data: departed\n\n"
        for _ in range(600):
            if FINISHED.exists():
                yield "data: arrived\n\n"
                break
            sleep(0.05)

    return stream(), {"Content-Type": "text/event-stream"}


@app.route("/finish", methods=["POST"])
def finish():
    FINISHED.touch()
    return "finished"
