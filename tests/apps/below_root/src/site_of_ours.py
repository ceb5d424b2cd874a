from flask import Flask
import names

app = Flask(names.NAME)
