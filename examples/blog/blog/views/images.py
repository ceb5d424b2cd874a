"""Uploads, the library of images, and the media folder while no Nginx serves it."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from bson import ObjectId
from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)

from blog import access, database, images, pictures
from blog.accounts import Role
from blog.views import errors

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

    from blog.images import Image

blueprint = Blueprint("images", __name__)


# In production Nginx serves this folder itself, at the same URL.
@blueprint.route("/media/<path:name>")
def media(name: str) -> Response:
    return send_from_directory(current_app.config["MEDIA_ROOT"], name)


@blueprint.route("/desk/images")
@access.requires(Role.WRITER)
def library() -> str:
    """Show all images, with the Markdown that puts them into a post."""
    page = min(max(1, request.args.get("page", 1, int)), 10_000)
    return render_template("desk/images.html", listing=images.recent(database.get(), page=page))


@blueprint.route("/desk/images", methods=["POST"])
@access.requires(Role.WRITER)
def upload() -> AnyResponse:
    """Keep an image; the editor's script gets JSON, a form the library."""
    sent = request.files.get("image")
    if sent is None or not sent.filename:
        return _refused("Choose a file first.")
    try:
        image = images.store(
            database.get(),
            _root(),
            sent.read(),
            sent.filename,
            alt=" ".join(request.form.get("alt", "").split())[:300],
            user=access.signed_in().id,
            now=datetime.now(timezone.utc),
        )
    except pictures.NotAPictureError as error:
        return _refused(str(error))
    if errors.wants_json():
        answer = jsonify(address=image.address, alt=image.alt, name=Path(sent.filename).stem)
        answer.status_code = 201
        return answer
    flash("The image is in the library.", "success")
    return redirect(url_for("images.library"), 303)


@blueprint.route("/desk/images/<id>/delete")
@access.requires(Role.WRITER)
def confirm_delete(id: str) -> str:
    """Ask whether an image shall go, and say which posts show it."""
    image = _own(id)
    shown = {"markdown": {"$regex": re.escape(image.path)}}
    titles = [post["title"] for post in database.get().posts.find(shown, {"title": True})]
    return render_template("desk/delete_image.html", image=image, titles=titles)


@blueprint.route("/desk/images/<id>/delete", methods=["POST"])
@access.requires(Role.WRITER)
def delete(id: str) -> AnyResponse:
    images.delete(database.get(), _root(), _own(id))
    flash("The image is deleted.", "success")
    return redirect(url_for("images.library"), 303)


def _refused(problem: str) -> AnyResponse:
    if errors.wants_json():
        answer = jsonify(message=problem)
        answer.status_code = 422
        return answer
    flash(problem, "error")
    return redirect(url_for("images.library"), 303)


def _own(id: str) -> Image:
    """Return an image that the user may delete."""
    image = images.by_id(database.get(), ObjectId(id)) if ObjectId.is_valid(id) else None
    if image is None:
        abort(404)
    user = access.signed_in()
    if image.user != user.id and user.role < Role.EDITOR:
        abort(403)
    return image


def _root() -> Path:
    return Path(current_app.config["MEDIA_ROOT"])
