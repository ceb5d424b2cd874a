from flask import Flask


def create_app(config, *, debug=False):
    app = Flask(__name__)
    app.config.from_mapping(config)
    return app


def make_app(path="shop.cfg"):
    raise FileNotFoundError(path)


def forgets_to_return():
    Flask(__name__)
