from flask import Flask

app = Flask(__name__)


def create_app(name="shop"):
    return Flask(name)


def price(net):
    return net * 1.19
