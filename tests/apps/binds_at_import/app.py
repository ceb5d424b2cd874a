import socket

from flask import Flask

lock = socket.socket()
lock.bind(("127.0.0.1", 0))

app = Flask(__name__)
