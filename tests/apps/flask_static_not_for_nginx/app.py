from flask import Blueprint, Flask


class Guarded(Flask):
    def send_static_file(self, filename):
        return super().send_static_file(filename)


app = Guarded(__name__)

other = Blueprint("other", __name__, static_folder="other", url_prefix="/other")
app.register_blueprint(other)


def only_for_us(view):
    from functools import wraps

    @wraps(view)
    def wrapper(**arguments):
        return view(**arguments)

    return wrapper


app.view_functions["other.static"] = only_for_us(app.view_functions["other.static"])

hosts = Flask("hosts", host_matching=True, static_host="static.example")
parts = Flask("parts", subdomain_matching=True, static_folder=None)
parts.config["SERVER_NAME"] = "example.com"
parts.register_blueprint(other, subdomain="files")

users = Blueprint("users", __name__, static_folder="users", url_prefix="/<user>")
variable = Flask("variable", static_folder=None)
variable.register_blueprint(users)
