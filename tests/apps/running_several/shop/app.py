"""The site at /shop, which can be told to take its time and to fail."""

import os
import sys
import time

from flask import Flask, Response, jsonify, request, send_file, url_for

if os.environ.get("SHOP_FAILS") and "gunicorn" in sys.argv[0]:
    raise RuntimeError("the shop is closed")

app = Flask(__name__)


@app.get("/")
@app.post("/")
def index():
    return jsonify(
        site="shop",
        pid=os.getpid(),
        master=os.getppid(),
        colour=os.environ.get("COLOUR"),
        prefix=sys.prefix,
        directory=os.getcwd(),
        url=url_for("index", _external=True),
        style=url_for("static", filename="style.css"),
        size=len(request.get_data()),
    )


@app.get("/events")
def events():
    def say():
        for number in range(3):
            yield f"data: {number}\n\n"

    return Response(say(), mimetype="text/event-stream")


@app.get("/takes")
def takes():
    seconds = int(request.args["seconds"])
    print(f"a request of {seconds} s has begun")
    time.sleep(seconds)
    return "the end"


@app.get("/file")
def file():
    return send_file("static/style.css")


@app.get("/fails")
def fails():
    raise ZeroDivisionError("the shop's own mistake")
