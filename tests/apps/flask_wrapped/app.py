from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

server = Flask(__name__)
app = ProxyFix(server)

replaced = Flask("replaced")
replaced.wsgi_app = ProxyFix(replaced.wsgi_app)

method = ProxyFix(server.wsgi_app)
