"""Uploads that everyone may see, and others for members; requests that arrive are remembered."""

import functools
from pathlib import Path

from flask import Flask, abort, request, send_from_directory

app = Flask(__name__, static_folder=None)
app.config["UPLOAD_FOLDER"] = str(Path(app.root_path, "uploads"))
app.config["MEDIA_FOLDER"] = str(Path(app.root_path, "letters"))
seen = []


# Not before_request, which could refuse a request: Outrider would leave the folder to the app.
@app.after_request
def remember(answer):
    if request.path != "/seen":
        seen.append(request.environ["RAW_URI"])
    return answer


@app.route("/seen")
def seen_so_far():
    return seen


def members_only(view):
    @functools.wraps(view)
    def check(**names):
        if request.headers.get("X-Member") != "yes":
            abort(401)
        return view(**names)

    return check


@app.route("/media/<path:name>")
def media(name):
    return send_from_directory(app.config["UPLOAD_FOLDER"], name)


@app.route("/letters/<path:name>")
@members_only
def letters(name):
    return send_from_directory(app.config["MEDIA_FOLDER"], name)


@app.route("/upload/<name>", methods=["PUT"])
def upload(name):
    Path(app.config["UPLOAD_FOLDER"], name).write_bytes(request.get_data())
    return "kept\n", 201
