import os

from flask import Flask

os.fork()
app = Flask(__name__)
