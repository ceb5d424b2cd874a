from pathlib import Path
from time import sleep
from wsgiref.util import application_uri

FINISHED = Path(__file__).with_name("finished")


def events():
    FINISHED.unlink(missing_ok=True)
    yield b"data: departed\n\n"
    for _ in range(600):
        if FINISHED.exists():
            yield b"data: arrived\n\n"
            break
        sleep(0.05)


def app(environ, start_response):
    path = environ["PATH_INFO"]
    status, kind = "200 OK", "text/plain"
    if path == "/":
        body, kind = "<h1>The inn</h1>", "text/html"
    elif path == "/horses/7":
        body = "horse 7"
    elif path == "/share":
        body = application_uri(environ).rstrip("/") + "/horses/7"
    elif path == "/whoami":
        body = f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}"
    elif path == "/fails":
        raise RuntimeError("a wheel came off")
    elif path == "/events":
        start_response(status, [("Content-Type", "text/event-stream")])
        return events()
    elif path == "/finish":
        FINISHED.touch()
        body = "finished"
    else:
        status, body = "404 Not Found", "There is no such room"
    start_response(status, [("Content-Type", kind)])
    return [body.encode()]
