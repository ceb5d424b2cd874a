import os
from time import sleep

from flask import Blueprint, current_app, render_template, request, url_for
from werkzeug.utils import secure_filename

bp = Blueprint("horses", __name__)


@bp.route("/")
def index():
    return render_template("index.html")


@bp.route("/horses/<int:number>")
def horse(number):
    return f"horse {number}"


@bp.route("/new", methods=["POST"])
def new():
    picture = request.files["picture"]
    name = secure_filename(picture.filename)
    picture.save(os.path.join(current_app.config["UPLOAD_FOLDER"], name))
    return url_for("uploaded", name=name)


@bp.route("/share")
def share():
    return url_for("horses.horse", number=7, _external=True)


@bp.route("/whoami")
def whoami():
    return f"{request.remote_addr} {request.scheme}"


@bp.route("/fails")
def fails():
    raise RuntimeError("a wheel came off")


def finished():
    return os.path.join(current_app.instance_path, "finished")


@bp.route("/events")
def events():
    gate = finished()

    def stream():
        if os.path.exists(gate):
            os.unlink(gate)
        yield "data: departed\n\n"
        for _ in range(600):
            if os.path.exists(gate):
                yield "data: arrived\n\n"
                break
            sleep(0.05)

    return stream(), {"Content-Type": "text/event-stream"}


@bp.route("/finish", methods=["POST"])
def finish():
    with open(finished(), "w"):
        return "finished"
