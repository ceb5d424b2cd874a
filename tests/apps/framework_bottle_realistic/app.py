import os
from urllib.parse import urljoin

from bottle import TEMPLATE_PATH, Bottle, abort, request, run, static_file, view

HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATE_PATH.insert(0, os.path.join(HERE, "views"))

app = Bottle()
stable = Bottle()


@app.route("/static/<filepath:path>", name="static")
def server_static(filepath):
    return static_file(filepath, root=os.path.join(HERE, "static"))


@app.route("/")
@view("index")
def index():
    return {"get_url": app.get_url}


@stable.route("/<number:int>")
def horse(number):
    if number > 99:
        abort(404, "there is no such horse")
    return f"horse {number}"


@app.route("/share")
def share():
    return urljoin(request.url, request.script_name + "horses/7")


@app.route("/whoami")
def whoami():
    return f"{request.environ['REMOTE_ADDR']} {request.urlparts.scheme}"


@app.route("/fails")
def fails():
    raise RuntimeError("a wheel came off")


@app.error(404)
def not_found(error):
    return "There is no such room"


app.mount("/horses", stable)

if __name__ == "__main__":
    run(app, host="localhost", port=8080, debug=True, reloader=True)
