# -*- coding: utf-8 -*-
import sys

import click
import flask
import jinja2
from flask import Flask, jsonify, render_template_string, request, url_for

app = Flask(__name__)


@app.route("/")
def home():
    return render_template_string("<h1>{{ words|join(' ') }}</h1>", words=["Good", "evening"])


@app.route("/whoami")
def whoami():
    return jsonify(
        remote_addr=request.remote_addr,
        url=url_for("whoami", _external=True),
        scheme=request.scheme,
        request_id=request.headers["X-Request-ID"],
    )


@app.route("/inside")
def inside():
    return jsonify(
        versions=[flask.__version__, click.__version__, jinja2.__version__],
        executable=sys.executable,
        path=sys.path,
        modules={name: getattr(module, "__file__", None) for name, module in sys.modules.items()},
    )


@app.route("/fails")
def fails():
    return 1 / int(request.args["by"])


@app.route("/upload", methods=["POST"])
def upload():
    return str(len(request.files["picture"].read()))
