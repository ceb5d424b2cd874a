from flask import Flask


def create_app(name, *, debug=False):
    app = Flask(name)
    app.debug = debug
    return app


def make_wsgi_app():
    return create_app("made")
