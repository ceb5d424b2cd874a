"""A guest book as small as it can be, started as the blog of the article is: manage:app."""

import os
import socket

import pymongo
from flask import Flask, jsonify, request, url_for

app = Flask(__name__)


def notes():
    client = pymongo.MongoClient(os.environ["MONGO_URL"], serverSelectionTimeoutMS=3000)
    return client.get_default_database().notes


@app.get("/")
def page():
    return f"<title>Guest book</title><link href='{url_for('static', filename='site.css')}'>"


@app.get("/notes")
def read():
    return jsonify([found["text"] for found in notes().find()])


@app.post("/notes/<text>")
def write(text):
    notes().insert_one({"text": text})
    return "", 204


@app.get("/who")
def who():
    return jsonify(host=socket.gethostname(), client=request.remote_addr)
