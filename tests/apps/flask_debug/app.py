from flask import Flask
from werkzeug.debug import DebuggedApplication

app = Flask(__name__)
app.debug = True

site = Flask("site")
site.wsgi_app = DebuggedApplication(site.wsgi_app)
