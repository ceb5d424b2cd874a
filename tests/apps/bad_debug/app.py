from flask import Flask
from werkzeug.debug import DebuggedApplication

app = Flask(__name__)
app.debug = True

traced = DebuggedApplication(Flask("traced"), evalex=True)
