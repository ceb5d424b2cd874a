import json

from flask import Flask

name = "shop"
number = 3
nothing = None
prices = {"apple": 1}


def create_app():
    return Flask(__name__)


def with_config(path):
    return Flask(__name__)


class Shop:
    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return [b"shop"]
