"""Takes and gives bodies that are larger than anybody wants to hold in memory."""

import hashlib
import os
import random

from flask import Flask, Response, request, send_file

app = Flask(__name__)

PIECE = random.Random("outrider").randbytes(2**20)


@app.post("/upload")
def upload():
    """Say what arrived."""
    digest, size = hashlib.blake2b(), 0
    while piece := request.stream.read(2**16):
        digest.update(piece)
        size += len(piece)
    return {"size": size, "digest": digest.hexdigest()}


@app.get("/download/<int:pieces>")
def download(pieces):
    """Send megabytes of which no two are the same, and say in the log what was sent."""

    def body():
        digest = hashlib.blake2b()
        for number in range(pieces):
            piece = number.to_bytes(8, "big") + PIECE[8:]
            digest.update(piece)
            yield piece
        print("sent", digest.hexdigest())

    return Response(body(), headers={"Content-Length": pieces * len(PIECE)})


@app.get("/file")
def file():
    """Send a file as Flask does it."""
    return send_file(os.environ["FILE"], mimetype="application/octet-stream")
