from flask import Flask

shop = Flask("shop")
admin = Flask("admin")
