from flask import Flask


class Required:
    def __call__(self, form, field):
        pass


required = Required()


def create_app():
    return Flask(__name__)
