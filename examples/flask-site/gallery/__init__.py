"""The gallery: a blueprint with templates and static files of its own."""

from pathlib import Path

from flask import Blueprint, current_app, render_template

gallery = Blueprint("gallery", __name__, static_folder="static", template_folder="templates")


@gallery.route("/")
def index() -> str:
    folder = Path(current_app.config["UPLOAD_FOLDER"])
    names = sorted(path.name for path in folder.glob("[!.]*") if path.is_file())
    return render_template("gallery/index.html", names=names)
