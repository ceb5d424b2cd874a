"""A small complete site: pages, a form, uploads, and static files in two places.

Nothing here knows about Nginx or Gunicorn. `flask run` serves it while you write it;
`outrider run` serves the same files and the same URLs in production.
"""

import os
from pathlib import Path

from flask import Flask, Response, redirect, render_template, request, send_from_directory, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response as AnyResponse

from gallery import gallery

PICTURES = {".gif", ".jpeg", ".jpg", ".png", ".webp"}

app = Flask(__name__)
app.config.update(
    UPLOAD_FOLDER=str(Path(app.root_path) / "media"),
    MAX_CONTENT_LENGTH=16 * 1024 * 1024,
)
# SITE_UPLOAD_FOLDER=/srv/media, for instance, keeps uploads outside the project.
app.config.from_prefixed_env("SITE")
app.register_blueprint(gallery, url_prefix="/gallery")


@app.route("/")
def home() -> str:
    return render_template("home.html")


@app.route("/about")
def about() -> str:
    return render_template(
        "about.html",
        server=request.environ.get("SERVER_SOFTWARE", "unknown"),
        pid=os.getpid(),
    )


@app.route("/contact", methods=["GET", "POST"])
def contact() -> str:
    """Show the form; after a POST, show what was sent."""
    return render_template("contact.html", sent=request.form)


@app.route("/upload", methods=["GET", "POST"])
def upload() -> str | AnyResponse | tuple[str, int]:
    """Keep a picture in UPLOAD_FOLDER; one of the same name is replaced."""
    if request.method == "GET":
        return render_template("upload.html")
    picture = request.files.get("picture")
    name = secure_filename(picture.filename or "") if picture else ""
    if picture is None or Path(name).suffix.lower() not in PICTURES:
        return render_template("upload.html", problem="Please choose a picture."), 400
    folder = Path(app.config["UPLOAD_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / name)
    return redirect(url_for("gallery.index"))


# In production Nginx serves this folder itself, at the same URL.
@app.route("/media/<path:name>")
def media(name: str) -> Response:
    return send_from_directory(app.config["UPLOAD_FOLDER"], name)


@app.route("/whoami")
def whoami() -> dict[str, object]:
    """Tell what the app believes about the request: right only if the proxy in front is right."""
    return {
        "remote_addr": request.remote_addr,
        "scheme": request.scheme,
        "host": request.host,
        "url": url_for("whoami", _external=True),
        "is_secure": request.is_secure,
        "script_root": request.script_root,
        "request_id": request.headers.get("X-Request-ID"),
        "pid": os.getpid(),
    }


@app.errorhandler(HTTPException)
def error(problem: HTTPException) -> tuple[str, int]:
    return render_template("error.html", problem=problem), problem.code or 500
