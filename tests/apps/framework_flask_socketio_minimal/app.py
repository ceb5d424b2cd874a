from flask import Flask, request, url_for
from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app)


@app.route("/")
def home():
    return "<h1>The inn</h1>"


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


@socketio.on("connect")
def hello():
    emit("hello", request.remote_addr)


@socketio.on("say")
def say(text):
    emit("echo", text)


if __name__ == "__main__":
    socketio.run(app)
