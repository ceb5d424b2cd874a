from flask import Flask


def create_app(testing=False):
    return Flask(__name__)
