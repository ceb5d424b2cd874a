"""Writes lines in every way an app does, within requests and between them."""

import logging
import signal
import sys
import threading
import warnings

from flask import Flask, request

app = Flask(__name__)
pair = threading.Barrier(2)
inner = app.wsgi_app


def between_requests(number, frame):
    print("a line between two requests", flush=True)


signal.signal(signal.SIGALRM, between_requests)


def outermost(environ, start_response):
    if environ["PATH_INFO"] == "/fails-outside":
        raise RuntimeError("a mistake around the framework")
    return inner(environ, start_response)


app.wsgi_app = outermost


@app.route("/says")
def says():
    word = request.args["word"]
    print(f"{word} by print")
    print(f"{word} by print to standard error", file=sys.stderr)
    sys.stdout.write(f"{word} in two ")
    sys.stdout.write("pieces\n")
    print(f"{word} on line one\n{word} on line two")
    app.logger.warning("%s by app.logger", word)
    logging.getLogger("shop").error("%s by a logger of its own", word)
    warnings.warn(f"{word} by warnings.warn", stacklevel=1)
    return "said\n"


@app.route("/fails")
def fails():
    raise RuntimeError("a mistake in a view")


@app.route("/together/<name>")
def together(name):
    """Two requests meet in the middle, so that the lines of both are mixed for certain."""
    print(f"{name} begins")
    pair.wait(timeout=60)
    print(f"{name} meets the other")
    pair.wait(timeout=60)
    app.logger.warning("%s ends", name)
    return f"{name}\n"


@app.route("/<path:anything>")
def page(anything):
    return "page\n"
