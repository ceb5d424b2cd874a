from flask import Flask, current_app, request

site = Flask(__name__)


def fallback(environ, start_response):
    return request and current_app
