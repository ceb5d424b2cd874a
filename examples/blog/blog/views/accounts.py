"""Setting up, signing in and out, registering, and one's own account."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, redirect, request, url_for

from blog import access, accounts, database, forms, preferences, throttle
from blog.accounts import Role
from blog.views import people, settings
from blog.views.answers import page, refused, too_often

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from blog.accounts import User

blueprint = Blueprint("accounts", __name__)
people.add_routes(blueprint)
settings.add_routes(blueprint)


@blueprint.route("/setup", methods=["GET", "POST"])
def setup() -> Response:
    """Make the owner; there is no such page once there is one."""
    db = database.get()
    if accounts.owner(db):
        abort(404)
    form = forms.SetUp()
    if not form.validate_on_submit():
        return page("accounts/setup.html", form)
    try:
        user = accounts.set_up(
            db, form.login.data, form.name.data, form.password.data, datetime.now(timezone.utc)
        )
    except accounts.OwnerExistsError:
        flash("Somebody else has set up this site a moment ago, and is its owner.", "error")
        return redirect(url_for("accounts.login"), 303)
    except accounts.LoginTakenError:
        return refused("accounts/setup.html", form, form.login, "Somebody has this login.")
    preferences.save(db, replace(preferences.load(db), name=form.site.data))
    access.sign_in(user)
    return redirect(_home(user), 303)


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response:
    """Sign in; wrong names and wrong passwords look the same."""
    db = database.get()
    if accounts.owner(db) is None:
        return redirect(url_for("accounts.setup"), 303)
    if user := access.current():
        return redirect(access.next_page(_home(user)), 303)
    form = forms.Login()
    if not form.validate_on_submit():
        return page("accounts/login.html", form)
    if answer := too_often(form.login.data, "accounts/login.html", form):
        return answer
    user = accounts.check(db, form.login.data, form.password.data)
    if user is None:
        problem = "There is no account with this login and this password."
        return refused("accounts/login.html", form, form.password, problem)
    throttle.forget(db, user.login, request.remote_addr)
    access.sign_in(user)
    return redirect(access.next_page(_home(user)), 303)


@blueprint.route("/logout", methods=["POST"])
def logout() -> Response:
    """End the session of this browser."""
    access.sign_out()
    flash("You are signed out.", "success")
    return redirect(url_for("reader.front"), 303)


@blueprint.route("/register", methods=["GET", "POST"])
def register() -> Response:
    """Make a reader's account, when the owner allows it."""
    db = database.get()
    if not preferences.load(db).registration:
        abort(404)
    form = forms.Register()
    if not form.validate_on_submit():
        return page("accounts/register.html", form)
    # Counted like wrong passwords, under a login that nobody can have.
    if answer := too_often("(register)", "accounts/register.html", form):
        return answer
    now = datetime.now(timezone.utc)
    try:
        user = accounts.add(
            db, form.login.data, form.name.data, form.password.data, Role.READER, now
        )
    except accounts.LoginTakenError:
        return refused("accounts/register.html", form, form.login, "Somebody has this login.")
    access.sign_in(user)
    return redirect(access.next_page(_home(user)), 303)


@blueprint.route("/account", methods=["GET", "POST"])
@access.requires(Role.READER)
def account() -> Response:
    """Change one's name."""
    user = access.signed_in()
    form = forms.Name(obj=user)
    if not form.validate_on_submit():
        return page("accounts/account.html", form)
    accounts.rename(database.get(), user.id, form.name.data)
    flash("Your name is changed. What you wrote before keeps the name it had.", "success")
    return redirect(url_for("accounts.account"), 303)


@blueprint.route("/account/password", methods=["GET", "POST"])
@access.requires(Role.READER)
def password() -> Response:
    """Change one's password; all other sessions end."""
    user = access.signed_in()
    form = forms.Password()
    if not form.validate_on_submit():
        return page("accounts/password.html", form)
    if answer := too_often(user.login, "accounts/password.html", form):
        return answer
    db = database.get()
    if not accounts.check(db, user.login, form.old.data):
        return refused("accounts/password.html", form, form.old, "This is not your password.")
    throttle.forget(db, user.login, request.remote_addr)
    changed = accounts.change_password(db, user.id, form.password.data)
    if changed:
        access.sign_in(changed)
    flash("Your password is changed. Everywhere else you are signed out.", "success")
    return redirect(url_for("accounts.account"), 303)


def _home(user: User) -> str:
    return url_for("desk.posts" if user.role >= Role.WRITER else "reader.front")
