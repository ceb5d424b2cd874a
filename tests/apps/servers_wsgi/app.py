"""A WSGI app that shows what its server does, with no framework to make anything right.

The file `refuse` beside it makes it raise when it is loaded; with `one-by-one`, only the first of its
processes gets through the door.
"""

import json
import os
import time
from pathlib import Path

HERE = Path(__file__).parent
KEYS = ("REMOTE_ADDR", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_HOST", "SERVER_PORT")

if (HERE / "refuse").exists() and "OUTRIDER_NOTIFY_FD" in os.environ:
    raise LookupError("the shop is closed today")
if "OUTRIDER_NOTIFY_FD" in os.environ:
    try:
        (HERE / "one-by-one").rename(HERE / "others-wait")
    except FileNotFoundError:
        if (HERE / "others-wait").exists():
            print("waits at the door", flush=True)
            time.sleep(600)


def app(environ, start_response):
    page = PAGES.get(environ["PATH_INFO"], missing)
    status, body = page(environ)
    start_response(status, [("Content-Type", "text/plain")])
    return body if hasattr(body, "__next__") else [body]


def home(_):
    return "200 OK", b"hello\n"


def missing(environ):
    said = {key: environ.get(key) for key in KEYS}
    said["scheme"] = environ["wsgi.url_scheme"]
    said["proxies"] = [environ.get("HTTP_PROXY"), environ.get("HTTP_X_FORWARDED_FOR")]
    return "404 Not Found", json.dumps(said).encode()


def fails(_):
    raise ZeroDivisionError("divided by the number of customers")


def upload(environ):
    read = environ["wsgi.input"].read
    left, size = int(environ["CONTENT_LENGTH"]), 0
    while left and (data := read(min(left, 65536))):
        left, size = left - len(data), size + len(data)
    return "200 OK", str(size).encode()


def unread(_):
    return "200 OK", b"z" * 300_000


def download(_):
    return "200 OK", (b"y" * 65536 for _ in range(160))


def late(environ):
    def answer():
        yield b"first "
        yield environ["wsgi.input"].read(5)

    return "200 OK", answer()


def slow(_):
    print("slow begins", flush=True)
    until = HERE / "go-on"
    for _ in range(600):
        if until.exists():
            break
        time.sleep(0.05)
    return "200 OK", b"at last"


def hangs(_):
    time.sleep(600)


def file(environ):
    return "200 OK", environ["wsgi.file_wrapper"]((HERE / "static" / "style.css").open("rb"))


def who(_):
    return "200 OK", json.dumps([os.getpid(), os.getppid()]).encode()


PAGES = {
    "/": home,
    "/fails": fails,
    "/upload": upload,
    "/unread": unread,
    "/download": download,
    "/late": late,
    "/slow": slow,
    "/hangs": hangs,
    "/who": who,
    "/file": file,
}
