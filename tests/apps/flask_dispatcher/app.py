from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

front = Flask("front", static_folder="front_files")
front.config["MAX_CONTENT_LENGTH"] = 1000
api = Flask("api", static_folder="api_files")
api.config["MAX_CONTENT_LENGTH"] = 5000
deep = Flask("deep", static_folder="deep_files")
deep.config["MAX_CONTENT_LENGTH"] = 3000
app = DispatcherMiddleware(ProxyFix(front), {"/api": DispatcherMiddleware(api, {"/deep": deep})})

unlimited = DispatcherMiddleware(front, {"/other": Flask("other")})
