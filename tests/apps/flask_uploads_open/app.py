import os

from flask import Flask, current_app, send_from_directory

UPLOAD_FOLDER = "uploads"

app = Flask(__name__)
app.config["UPLOAD_FOLDER"] = UPLOAD_FOLDER
app.config["MEDIA_ROOT"] = os.path.join(app.root_path, "media")
app.config["MEDIA_FOLDER"] = "/srv/media"
app.config["UPLOADS_DEFAULT_DEST"] = "unserved"


@app.route("/uploads/<path:name>")
def uploads(name):
    """Hand out what was uploaded."""
    return send_from_directory(UPLOAD_FOLDER, name)


@app.route("/media/<name>", methods=["GET"])
def media(name):
    return send_from_directory(os.path.join(app.config["MEDIA_ROOT"]), name)


@app.route("/pictures/<string:filename>")
def pictures(filename):
    return send_from_directory(current_app.config.get("MEDIA_FOLDER"), filename)


@app.route("/unserved/<path:name>", methods=["POST"])
def unserved(name):
    return send_from_directory(app.config["UPLOADS_DEFAULT_DEST"], name)
