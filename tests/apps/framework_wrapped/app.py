from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from flask import Flask

flask = Flask(__name__)
fastapi = FastAPI()
fastapi.mount("/files", StaticFiles(directory="static"))

flask_as_asgi = WsgiToAsgi(flask)
flask_as_asgi_too = WSGIMiddleware(flask)
fastapi_as_wsgi = ASGIMiddleware(fastapi)
