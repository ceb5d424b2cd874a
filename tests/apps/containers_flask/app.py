from pathlib import Path

from flask import Flask, request, send_from_directory, url_for

app = Flask(__name__)
app.config["UPLOAD_FOLDER"] = str(Path(__file__).with_name("media"))


@app.route("/")
def home():
    return f'<title>The inn</title><link rel="stylesheet" href="{url_for("static", filename="style.css")}">'


@app.route("/new", methods=["POST"])
def new():
    picture = request.files["picture"]
    picture.save(Path(app.config["UPLOAD_FOLDER"], "horse.png"))
    return url_for("media", name="horse.png")


@app.route("/media/<path:name>")
def media(name):
    return send_from_directory(app.config["UPLOAD_FOLDER"], name)
