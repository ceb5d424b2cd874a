import os

import bottle
from bottle import Bottle, static_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
app = Bottle()


@app.route("/static/<filepath:path>")
def server_static(filepath):
    """Send a file."""
    return static_file(filepath, root=ROOT)


@app.route("/relative/<filepath:path>")
def relative(filepath):
    return static_file(filepath, root="files")


@app.route("/downloads/<filepath:path>")
def downloads(filepath):
    return static_file(filepath, root=ROOT, download=True)


@app.route("/members/<filepath:path>")
def members(filepath):
    bottle.request.get_cookie("member") or bottle.abort(401)
    return static_file(filepath, root=ROOT)


@app.route("/one/<name>")
def one(name):
    return static_file(name, root=ROOT)


@app.route("/")
def home():
    return "home"


inner = Bottle()


@inner.route("/files/<filepath:path>")
def inner_static(filepath):
    return static_file(filepath, root=ROOT)


outer = Bottle()
outer.mount("/inner/", inner)


@outer.hook("before_request")
def check():
    pass
