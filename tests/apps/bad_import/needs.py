from flask import Flask

import frobnicate.prices

app = Flask(__name__)
