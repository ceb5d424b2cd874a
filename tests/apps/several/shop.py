from flask import Flask


def create_app():
    raise RuntimeError("nobody asked for this")


app = Flask(__name__)
