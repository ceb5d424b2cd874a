"""Pages that fail in every way a page can; the largest body is 64 kB."""

import os
import time

from flask import Flask, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024


@app.route("/")
def home():
    return {"pid": os.getpid()}


@app.route("/length", methods=["POST", "PUT"])
def length():
    return {"bytes": len(request.get_data())}


@app.route("/own/<int:status>")
def own(status):
    return f"the app's own page for {status}\n", status


@app.route("/raises")
def raises():
    raise RuntimeError("a mistake in the app")


@app.errorhandler(500)
def failed(problem):
    return "the app's own page for a mistake\n", 500


@app.errorhandler(404)
def missing(problem):
    return "the app has no such page\n", 404


@app.route("/dies", methods=["GET", "POST"])
def dies():
    print("the worker is about to die", flush=True)
    os._exit(70)


@app.route("/sleeps/<float:seconds>")
def sleeps(seconds):
    time.sleep(seconds)
    return "slept\n"
