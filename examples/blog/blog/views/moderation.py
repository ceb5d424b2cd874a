"""Comments to decide about, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from bson import ObjectId
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from blog import access, comments, database, posts
from blog.accounts import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

PER_PAGE = 20
LAST_PAGE = 10_000

blueprint = Blueprint("moderation", __name__, url_prefix="/desk/comments")


@blueprint.get("")
@access.requires(Role.EDITOR)
def queue() -> ResponseReturnValue:
    db = database.get()
    status = request.args.get("status", "waiting")
    if status not in get_args(comments.Status):
        abort(404)
    page = request.args.get("page", 1, type=int)
    if not 1 <= page <= LAST_PAGE:
        abort(404)
    listing = comments.queue(db, status, page=page, per_page=PER_PAGE)
    if page > listing.pages:  # the last one of the last page has just been decided
        return redirect(url_for("moderation.queue", status=status, page=listing.pages))
    commented = {one.post for one in listing.comments}
    return render_template(
        "desk/comments.html",
        listing=listing,
        status=status,
        posts={post: posts.by_id(db, post) for post in commented},
    )


@blueprint.post("")
@access.requires(Role.EDITOR)
def decide() -> ResponseReturnValue:
    """Do what the pressed button says, to its own comment or to all that are chosen."""
    action = next((name for name in ACTIONS if name in request.form), None)
    if action is None:
        abort(400)
    pressed = request.form[action]
    chosen = [pressed] if pressed else request.form.getlist("comment")
    count = ACTIONS[action](database.get(), [ObjectId(one) for one in chosen if is_id(one)])
    if count:
        flash(f"{count} {'comment' if count == 1 else 'comments'} {DONE[action]}.", "success")
    else:
        flash("No comment was chosen, or somebody else has deleted it.", "error")
    return redirect(url_for("moderation.queue", **request.args.to_dict()))


is_id = ObjectId.is_valid

ACTIONS: dict[str, Callable[[comments.Db, list[ObjectId]], int]] = {
    "approve": lambda db, ids: comments.decide(db, ids, "approved"),
    "unapprove": lambda db, ids: comments.decide(db, ids, "waiting"),
    "delete": comments.delete,
}
DONE = {"approve": "approved", "unapprove": "taken back", "delete": "deleted"}
