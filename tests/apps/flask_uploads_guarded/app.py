from functools import wraps

from flask import Flask, abort, g, send_from_directory

app = Flask(__name__)
app.config["UPLOAD_FOLDER"] = "uploads"
app.config["MEDIA_ROOT"] = "media"
app.config["MEDIA_FOLDER"] = "downloads"
app.config["UPLOADS_DEFAULT_DEST"] = "thumbs"


def login_required(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


@app.route("/uploads/<path:name>")
@login_required
def uploads(name):
    return send_from_directory(app.config["UPLOAD_FOLDER"], name)


@app.route("/media/<path:name>")
def media(name):
    if not g.user:
        abort(403)
    return send_from_directory(app.config["MEDIA_ROOT"], name)


@app.route("/downloads/<path:name>")
def downloads(name):
    return send_from_directory(app.config["MEDIA_FOLDER"], name, as_attachment=True)


@app.route("/thumbs/<path:name>")
def thumbs(name):
    return send_from_directory(app.config["UPLOADS_DEFAULT_DEST"], "small-" + name)
