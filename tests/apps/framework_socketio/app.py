import socketio
from flask import Flask
from flask_socketio import SocketIO
from starlette.applications import Starlette

app = Flask(__name__)
sockets = SocketIO(app, async_mode="threading")

server = socketio.AsyncServer(async_mode="asgi")
asgi = socketio.ASGIApp(server, Starlette())
