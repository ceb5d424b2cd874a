from pathlib import Path
from time import sleep
from urllib.parse import urljoin

import bottle
from bottle import request, response, route

FINISHED = Path(__file__).with_name("finished")


@route("/")
def home():
    return "<h1>The inn</h1>"


@route("/horses/<number:int>", name="horse")
def horse(number):
    return f"horse {number}"


@route("/share")
def share():
    return urljoin(request.url, app.get_url("horse", number=7))


@route("/whoami")
def whoami():
    return f"{request.environ['REMOTE_ADDR']} {request.urlparts.scheme}"


@route("/fails")
def fails():
    raise RuntimeError("a wheel came off")


@route("/events")
def events():
    response.content_type = "text/event-stream"
    FINISHED.unlink(missing_ok=True)
    yield "data: departed\n\n"
    for _ in range(600):
        if FINISHED.exists():
            yield "data: arrived\n\n"
            break
        sleep(0.05)


@route("/finish", method="POST")
def finish():
    FINISHED.touch()
    return "finished"


app = bottle.default_app()

if __name__ == "__main__":
    bottle.run(app, host="localhost", port=8080)
