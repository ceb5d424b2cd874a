"""Writing a post: nothing that somebody has typed is thrown away.

Not when another writer was faster, not when the session ended meanwhile, and not when the database
is away: the text comes back, with a sentence that tells what to do.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bson import ObjectId
from flask import (
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError
from pymongo.errors import ConnectionFailure

from blog import access, context, database, differences, post_form, posts, schedule
from blog.accounts import Role
from blog.post_form import PostForm
from blog.posts import Status
from blog.views import errors

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from blog.posts import Draft, Post

_WRITING = {"desk.write", "desk.edit"}
_SIGNED_OUT = (
    "You are no longer signed in. Your text is still here: "
    "log in on another tab, then come back to this one and press Save."
)


def add_routes(blueprint: Blueprint) -> None:
    """Add the editor to the blueprint of the writers' pages."""
    blueprint.add_url_rule("/posts/new", view_func=write, methods=["GET", "POST"])
    blueprint.add_url_rule("/posts/<id>", view_func=edit, methods=["GET", "POST"])
    blueprint.before_request(_signed_out_meanwhile)
    blueprint.register_error_handler(CSRFError, _token_of_another_session)
    blueprint.register_error_handler(ConnectionFailure, _database_is_away)


@access.requires(Role.WRITER)
def write() -> Response:
    """Begin a post."""
    form = _form()
    if request.method == "GET":
        form.new_id.data = str(ObjectId())
        return _page(form, None)
    draft = form.draft(None, _status(Status.DRAFT), _zone())
    if draft is None:
        return _page(form, None, status=422)
    new_id = ObjectId(form.new_id.data) if ObjectId.is_valid(form.new_id.data) else None
    try:
        return _saved(
            posts.insert(database.get(), draft, access.signed_in(), _now(), post_id=new_id)
        )
    except posts.SlugTakenError as error:
        return _slug_taken(form, None, error)
    except posts.ConflictError as error:  # the same form sent twice
        return _conflict(form, draft, error.current)


@access.requires(Role.WRITER)
def edit(id: str) -> Response:
    """Change a post, unless somebody else did since this form was opened."""
    post = posts.by_id(database.get(), ObjectId(id)) if ObjectId.is_valid(id) else None
    if post is None:
        return _gone() if request.method == "POST" else abort(404)
    if not posts.may_change(access.signed_in(), post):
        abort(403)
    if request.method == "GET":
        return _page(_form(post), post)
    form = _form()
    draft = form.draft(post, _status(post.status), _zone())
    if draft is None:
        return _page(form, post, status=422)
    try:
        return _saved(posts.save(database.get(), post.id, form.seen_version(), draft, _now()))
    except posts.SlugTakenError as error:
        return _slug_taken(form, post, error)
    except posts.MissingError:
        return _gone()
    except posts.ConflictError as error:
        return _conflict(form, draft, error.current)


def _form(post: Post | None = None) -> PostForm:
    """Return the form, with what was sent or with a post."""
    form = post_form.filled(post, _zone()) if post else PostForm()
    if access.signed_in().role < Role.EDITOR:
        form.kind.choices = form.kind.choices[:1]
    return form


def _status(until_now: Status) -> Status:
    """Return the state that the pressed button asks for; Enter in a field just saves."""
    asked = {"publish": Status.PUBLISHED, "unpublish": Status.DRAFT}
    return asked.get(request.form.get("action", ""), until_now)


def _page(form: PostForm, post: Post | None, *, status: int = 200, **names: Any) -> Response:
    shown = render_template("desk/edit.html", form=form, post=post, now=_now(), **names)
    return make_response(shown, status)


def _saved(post: Post) -> Response:
    zone = _zone()
    if post.status is Status.DRAFT:
        flash("Saved as a draft.", "success")
    elif post.is_visible(_now()):
        flash("Saved. Readers see it.", "success")
    else:
        at = schedule.shown(post.publish_at, zone)
        flash(f"Saved. Readers see it from {at} on.", "success")
    if post.publish_at and schedule.comes_twice(post.publish_at, zone):
        flash(
            "The clocks are set back in that night: the time comes twice, the first is meant.",
            "success",
        )
    return redirect(url_for("desk.edit", id=post.id), 303)


def _slug_taken(form: PostForm, post: Post | None, error: posts.SlugTakenError) -> Response:
    form.slug.errors = [
        f"“{error.slug}” is the address of something else. Choose another, or leave this empty."
    ]
    return _page(form, post, status=422)


def _conflict(form: PostForm, draft: Draft, current: Post) -> Response:
    """Show a writer who was slower the own text, and what the other version has different."""
    if not posts.may_change(access.signed_in(), current):
        abort(403)
    difference = differences.lines(current, draft, _zone())
    if not difference:  # sent twice, or again after an answer was lost
        return _saved(current)
    form.version.data = str(current.version)
    return _page(form, current, status=409, difference=difference)


# -- what was typed comes back -------------------------------------------------------------------


def _signed_out_meanwhile() -> Response | None:
    if request.method != "POST" or request.endpoint not in _WRITING or access.current():
        return None
    return _kept(_SIGNED_OUT, 403, login=True)


def _token_of_another_session(error: CSRFError) -> Response:
    if request.endpoint not in _WRITING:
        return errors.explain(error)
    if "user" not in session:
        return _kept(_SIGNED_OUT, 403, login=True)
    problem = (
        "You have signed in or out since this page was opened. Your text is still here: "
        "look at it, then press Save once more."
    )
    return _kept(problem, 400)


def _database_is_away(error: ConnectionFailure) -> Response:
    answer = errors.database_is_away(error)
    if request.method != "POST" or request.endpoint not in _WRITING:
        return answer
    problem = (
        "The site cannot reach its database. Your text is still here: "
        "keep this page open, and press Save again in a minute."
    )
    kept = _kept(problem, answer.status_code)
    kept.headers["Retry-After"] = answer.headers["Retry-After"]
    return kept


def _gone() -> Response:
    problem = (
        "Somebody has deleted this post since you opened it. Your text is still here: "
        "press Save to make a new post of it."
    )
    return _kept(problem, 409, action=url_for("desk.write"))


def _kept(problem: str, status: int, **names: Any) -> Response:
    """Give back what was sent, on a page that needs neither a session nor a database."""
    sent = {name: text for name, text in request.form.items() if name != "csrf_token"}
    names = {"action": url_for(request.endpoint, **request.view_args), **names}
    shown = render_template("desk/kept.html", problem=problem, sent=sent, **names)
    return make_response(shown, status)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _zone() -> ZoneInfo:
    return ZoneInfo(context.site().timezone)
