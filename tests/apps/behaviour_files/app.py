"""Hands files out as Flask apps do."""

import os

from flask import Flask, Response, request, send_file

app = Flask(__name__)


@app.get("/file")
def file():
    return send_file("given/file.bin", download_name="näme.bin", as_attachment=True)


@app.get("/named")
def named():
    return send_file(os.path.join(os.environ["OUTSIDE"], request.args["name"]))


@app.get("/own-header")
def own_header():
    response = send_file("given/file.bin")
    response.headers["X-Own"] = "kept"
    return response


@app.get("/secured")
def secured():
    response = send_file("given/file.bin")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Access-Control-Allow-Origin"] = "https://shop.example"
    response.set_cookie("seen", "1")
    return response


@app.post("/made")
def made():
    return send_file("given/file.bin")


@app.get("/echo")
def echo():
    """Echo what the client sends, where it should not."""
    headers = {name: request.args[name] for name in request.args}
    return Response("mine", headers=headers)
