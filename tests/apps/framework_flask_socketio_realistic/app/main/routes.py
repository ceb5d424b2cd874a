from flask import render_template, request, url_for

from . import main


@main.route("/")
def index():
    return render_template("index.html")


@main.route("/horses/<int:number>")
def horse(number):
    return f"horse {number}"


@main.route("/share")
def share():
    return url_for(".horse", number=7, _external=True)


@main.route("/whoami")
def whoami():
    return f"{request.remote_addr} {request.scheme}"


@main.route("/fails")
def fails():
    raise RuntimeError("a wheel came off")
