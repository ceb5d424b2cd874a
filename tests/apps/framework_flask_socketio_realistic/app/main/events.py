from flask import request
from flask_socketio import emit

from .. import socketio


@socketio.on("connect")
def hello():
    emit("hello", request.remote_addr)


@socketio.on("say")
def say(text):
    emit("echo", text)
