"""The API of a single-page application."""

from flask import Flask, jsonify, request

app = Flask(__name__, static_folder=None)


@app.get("/api/items")
def items():
    return jsonify(["a", "b"])


@app.post("/")
def take():
    return f"took {len(request.data)}"


@app.get("/admin")
def admin():
    return "<h1>A page of the app's own</h1>"


@app.errorhandler(404)
def missing(error):
    return jsonify(error="no such thing"), 404
