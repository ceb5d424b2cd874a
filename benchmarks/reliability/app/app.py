"""Pages, uploads and downloads that tell which generation of the code has answered."""

import importlib
import os
import time
import zlib
from collections.abc import Iterator

from flask import Flask, Response, request

GENERATION = 1
FAULT = ""

if FAULT == "import":
    importlib.import_module("a_module_that_nobody_has")

PIECE, PIECES = 50_000, 40


def create_app() -> Flask:
    """Return the app, unless it is to fail."""
    if FAULT == "factory":
        raise RuntimeError("the factory fails")
    app = Flask(__name__)

    @app.get("/")
    def page() -> tuple[str, int]:
        if FAULT == "answer":
            return "it fails\n", 500
        return f"{GENERATION} page\n", 200

    @app.post("/upload")
    def upload() -> str:
        body = request.get_data()
        # One line in one call: what several processes append does not mix.
        ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND)
        os.write(ledger, f"{request.args['id']}\n".encode())
        os.close(ledger)
        return f"{GENERATION} {len(body)} {zlib.crc32(body)}\n"

    @app.get("/download")
    def download() -> Response:
        def pieces() -> Iterator[bytes]:
            for _ in range(PIECES):
                time.sleep(0.005)  # so that it is often on its way
                yield bytes([GENERATION % 256]) * PIECE

        return Response(pieces(), headers={"Generation": str(GENERATION)})

    return app
