import os

from flask import Flask, request, url_for
from whitenoise import WhiteNoise

HERE = os.path.dirname(os.path.abspath(__file__))

app = Flask(__name__)
app.wsgi_app = WhiteNoise(app.wsgi_app, root=os.path.join(HERE, "static"), prefix="static/")
app.wsgi_app.add_files(os.path.join(HERE, "public"))


@app.route("/")
def home():
    style = url_for("static", filename="style.css")
    return f'<link rel="stylesheet" href="{style}"><h1>The inn</h1>'


@app.route("/horses/<int:number>")
def horse(number):
    return f"horse {number}"


@app.route("/share")
def share():
    return url_for("horse", number=7, _external=True)


@app.route("/whoami")
def whoami():
    return f"{request.remote_addr} {request.scheme}"


@app.route("/fails")
def fails():
    raise RuntimeError("a wheel came off")
