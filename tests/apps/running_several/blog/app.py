"""The site of other host names."""

import os
import sys

from flask import Flask, jsonify, request, send_file, url_for

app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
@app.route("/<path:path>")
def index(path):
    return jsonify(
        site="blog",
        path=path,
        pid=os.getpid(),
        master=os.getppid(),
        colour=os.environ.get("COLOUR"),
        prefix=sys.prefix,
        directory=os.getcwd(),
        url=url_for("index", _external=True),
        style=url_for("static", filename="style.css"),
        size=len(request.get_data()),
    )


@app.get("/file")
def file():
    return send_file("static/style.css")
