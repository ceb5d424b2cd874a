"""A plain WSGI app whose requests take as long as, and say as much as, the test asks for."""

import json
import os
import time
from pathlib import Path
from urllib.parse import parse_qsl


def app(environ, start_response):
    asked = dict(parse_qsl(environ["QUERY_STRING"]))
    answer = PAGES.get(environ["PATH_INFO"])
    if answer is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such page\n"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["REQUEST_METHOD"] == "POST":
        asked["body"] = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return answer(asked)


def home(asked):
    return [b"home\n"]


def takes(asked):
    """Answer in pieces for so many seconds, and until a file is there if one is named."""
    print(f"a request of {asked['seconds']} s has begun", flush=True)
    for number in range(10):
        yield b"piece %d\n" % number
        time.sleep(float(asked["seconds"]) / 10)
    while "file" in asked and not Path(asked["file"]).exists():
        time.sleep(0.02)
    yield b"the end\n"
    print("the request has ended", flush=True)


def worker(asked):
    """Say who serves the site."""
    facts = {
        "pid": os.getpid(),
        "master": os.getppid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "home": os.environ.get("HOME"),
        "cwd": os.getcwd(),
    }
    return [json.dumps(facts).encode()]


def noise(asked):
    """Write lines to the log."""
    for number in range(int(asked["lines"])):
        print(f"line {number} {'.' * 90}")
    return [b"said\n"]


def write(asked):
    """Make a file in the working directory."""
    try:
        Path(asked["name"]).write_text("made by the app\n")
    except OSError as error:
        return [f"{type(error).__name__}: {error.strerror}\n".encode()]
    return [b"made\n"]


def echo(asked):
    """Send the request's body back."""
    return [asked["body"]]


def big(asked):
    """Answer with so many bytes."""
    piece = bytes(65536)
    left = int(asked["bytes"])
    while left > 0:
        yield piece[:left]
        left -= len(piece)


PAGES = {
    "/": home,
    "/takes": takes,
    "/worker": worker,
    "/noise": noise,
    "/write": write,
    "/echo": echo,
    "/big": big,
}
