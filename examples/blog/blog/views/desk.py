"""The writers' pages about what they have written."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from bson import ObjectId
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from blog import access, database, markdown, post_form, posts
from blog.accounts import Role
from blog.links import rooted
from blog.views import editor

if TYPE_CHECKING:
    from markupsafe import Markup
    from werkzeug.wrappers import Response

    from blog.posts import Post

PER_PAGE = 30

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
editor.add_routes(blueprint)


@blueprint.route("/", endpoint="posts")
@access.requires(Role.WRITER)
def written() -> str:
    """List one's own posts; everyone's for editors."""
    user = access.signed_in()
    state = _state()
    now = datetime.now(timezone.utc)
    listing = posts.written(
        database.get(),
        page=min(max(1, request.args.get("page", 1, int)), 10_000),
        per_page=PER_PAGE,
        author=None if user.role >= Role.EDITOR else user.id,
        state=state,
        now=now,
    )
    return render_template(
        "desk/posts.html", listing=listing, state=state, states=posts.STATES, now=now
    )


@blueprint.route("/posts/<id>/publish", methods=["POST"])
@access.requires(Role.WRITER)
def publish(id: str) -> Response:
    """Show a post to readers from now on."""
    post = _own(id)
    try:
        posts.publish(database.get(), post.id, _seen_version(), datetime.now(timezone.utc))
        flash(f"“{post.title}” is published.", "success")
    except (posts.ConflictError, posts.MissingError):
        _flash_changed(post)
    return _to_the_list()


@blueprint.route("/posts/<id>/unpublish", methods=["POST"])
@access.requires(Role.WRITER)
def unpublish(id: str) -> Response:
    """Make a draft of a post again; nobody but writers sees it then."""
    post = _own(id)
    try:
        posts.unpublish(database.get(), post.id, _seen_version())
        flash(f"“{post.title}” is a draft again.", "success")
    except (posts.ConflictError, posts.MissingError):
        _flash_changed(post)
    return _to_the_list()


@blueprint.route("/posts/<id>/delete", methods=["GET"])
@access.requires(Role.WRITER)
def confirm_delete(id: str) -> str:
    """Ask whether a post shall go."""
    post = _own(id)
    comments = database.get().comments.count_documents({"post": post.id})
    return render_template("desk/delete.html", post=post, comments=comments)


@blueprint.route("/posts/<id>/delete", methods=["POST"])
@access.requires(Role.WRITER)
def delete(id: str) -> Response:
    """Delete a post with its comments, if it is still what the writer saw."""
    post = _own(id)
    try:
        posts.delete(database.get(), post.id, _seen_version())
        flash(f"“{post.title}” is deleted.", "success")
    except (posts.ConflictError, posts.MissingError):
        _flash_changed(post)
    return _to_the_list()


@blueprint.route("/preview", methods=["POST"])
@access.requires(Role.WRITER)
def preview() -> Markup:
    """Answer Markdown with the HTML that readers would get."""
    sent = request.get_json()
    text = sent.get("markdown") if isinstance(sent, dict) else None
    if not isinstance(text, str):
        abort(400)
    if len(text) > post_form.MOST_MARKDOWN:
        abort(413)
    return rooted(markdown.render(text).html, request.script_root)


def _own(id: str) -> Post:
    """Return a post that the user may change."""
    post = posts.by_id(database.get(), ObjectId(id)) if ObjectId.is_valid(id) else None
    if post is None:
        abort(404)
    if not posts.may_change(access.signed_in(), post):
        abort(403)
    return post


def _seen_version() -> int:
    return request.form.get("version", 0, int)


def _state() -> str:
    state = request.args.get("state", "")
    return state if state in posts.STATES else abort(404)


def _to_the_list() -> Response:
    return redirect(url_for("desk.posts", state=_state() or None), 303)


def _flash_changed(post: Post) -> None:
    flash(
        f"Nothing was done: somebody else has changed or deleted “{post.title}” since you opened "
        "this page. Look at it first.",
        "error",
    )
