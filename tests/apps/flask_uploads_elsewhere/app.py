from flask import Flask, send_from_directory

UPLOAD_FOLDER = "public"

app = Flask(__name__)
app.config["UPLOAD_FOLDER"] = "private"
app.config["MEDIA_ROOT"] = "media"


@app.route("/uploads/<path:name>")
def uploads(name):
    return send_from_directory(UPLOAD_FOLDER, name)


@app.route("/media/<user>/<path:name>")
def media(user, name):
    return send_from_directory(app.config["MEDIA_ROOT"], name)


@app.route("/thumbs/<path:name>.png")
def thumbs(name):
    return send_from_directory(app.config["MEDIA_ROOT"], name)
