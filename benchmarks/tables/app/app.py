"""The one app that all contenders serve."""

from __future__ import annotations

import os
import time

from flask import Flask, request

app = Flask(__name__)
# More than Nginx's buffers and a socket's take in, as a page with a long table is.
LARGE = b"x" * (256 << 10)


@app.get("/")
def page() -> str:
    """Answer with nothing to work out: what is measured is the way to the app and back."""
    return "Hello, world!\n"


@app.get("/large")
def large() -> bytes:
    """Answer with a page that a slow reader takes long for."""
    return LARGE


@app.get("/wait")
def wait() -> str:
    """Answer as a page does that waits for another service."""
    time.sleep(0.3)
    return "waited\n"


@app.post("/echo")
def echo() -> bytes:
    """Answer with the body, so that a client can see whether its request was done."""
    return request.get_data()


@app.post("/upload")
def upload() -> str:
    """Read a body piece by piece, as an app does that stores it."""
    size = 0
    while piece := request.stream.read(65536):
        size += len(piece)
    return f"{size}\n"


@app.get("/pid")
def pid() -> str:
    """Tell which process is an app worker."""
    time.sleep(0.02)  # so that requests at the same time meet different workers
    return f"{os.getpid()}\n"
