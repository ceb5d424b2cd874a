"""Who is signed in, and who may go where."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import urlsplit

from bson import ObjectId
from flask import abort, flash, g, redirect, request, session, url_for

from blog import accounts, database

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from blog.accounts import Role, User

P = ParamSpec("P")


def current() -> User | None:
    """Return who is signed in; looked up once per request."""
    if "user" not in g:
        g.user = _of_session()
    return g.user


def signed_in() -> User:
    """Return who is signed in, in a view that requires somebody."""
    user = current()
    assert user is not None
    return user


def sign_in(user: User) -> None:
    """Begin a session of its own: nothing of what was before, so that nobody can prepare it."""
    session.clear()
    session["user"] = str(user.id)
    session["epoch"] = user.session
    session.permanent = True
    g.user = user


def sign_out() -> None:
    """End the session of this browser."""
    session.clear()
    g.user = None


def requires(role: Role) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let only people of this role or a higher one reach a view."""

    def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            user = current()
            if user is None:
                return _to_login()
            if user.role < role:
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


def next_page(default: str) -> str:
    """Return the page to go to after signing in: one of this site, else the default."""
    target = request.args.get("next", "")
    return target if is_local(target) else default


def is_local(target: str) -> bool:
    r"""Say whether a target stays on this site.

    Browsers read `\` as `/` and leave out control characters, so that `/\evil.example` and
    `/<tab>/evil.example` lead elsewhere: https://url.spec.whatwg.org/#url-parsing
    """
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return False
    if any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in target):
        return False
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc


def _of_session() -> User | None:
    signed = session.get("user")
    if not ObjectId.is_valid(signed):
        return None
    user = accounts.by_id(database.get(), ObjectId(signed))
    return user if user and user.session == session.get("epoch") else None


def _to_login() -> Response:
    if accounts.owner(database.get()) is None:
        return redirect(url_for("accounts.setup"), 303)
    flash("Please sign in.", "error")
    came_for = None
    if request.method == "GET":
        came_for = request.script_root + request.full_path.rstrip("?")
    return redirect(url_for("accounts.login", next=came_for), 303)
