import os
from flask import Flask, request

app = "the name of the app"
NUMBER = 1


def helper(text):
    return text


def build_wsgi():
    return Flask(__name__)


def app_for(name, port):
    return Flask(name)
