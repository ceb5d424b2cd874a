"""The owner's pages about everybody who has an account."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from bson import ObjectId
from flask import Blueprint, abort, flash, redirect, request, url_for

from blog import access, accounts, database, forms, throttle
from blog.accounts import Role
from blog.views.answers import page, refused, too_often

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from blog.accounts import User


def add_routes(blueprint: Blueprint) -> None:
    """Add the pages to the blueprint of all that is about accounts."""
    add = blueprint.add_url_rule
    add("/desk/people", view_func=people, methods=["GET", "POST"])
    add("/desk/people/<id>", view_func=person)
    add("/desk/people/<id>/role", view_func=change_role, methods=["POST"])
    add("/desk/people/<id>/password", view_func=reset_password, methods=["POST"])
    add("/desk/people/<id>/remove", view_func=remove, methods=["POST"])
    add("/desk/people/<id>/owner", view_func=hand_over, methods=["GET", "POST"])


@access.requires(Role.OWNER)
def people() -> Response:
    """List everybody; invite somebody."""
    db = database.get()
    form = forms.Invite()
    if not form.validate_on_submit():
        return page("desk/people.html", form, people=accounts.everyone(db))
    password = accounts.first_password()
    role = Role.of(form.role.data)
    now = datetime.now(timezone.utc)
    try:
        user = accounts.add(db, form.login.data, form.name.data, password, role, now)
    except accounts.LoginTakenError:
        everyone = accounts.everyone(db)
        problem = "Somebody has this login."
        return refused("desk/people.html", form, form.login, problem, 409, people=everyone)
    return _password_once(user, password)


@access.requires(Role.OWNER)
def person(id: str) -> Response:
    """Show what can be done about somebody."""
    user = _find(id)
    form = forms.ChangeRole(formdata=None, role=user.role.word)
    return page("desk/person.html", form, person=user)


@access.requires(Role.OWNER)
def change_role(id: str) -> Response:
    """Let somebody do more or less."""
    user = _find(id)
    form = forms.ChangeRole()
    if not form.validate_on_submit():
        return page("desk/person.html", form, person=user)
    role = Role.of(form.role.data)
    if not accounts.change_role(database.get(), user.id, role):
        abort(409, "The owner stays the owner until the site is handed over.")
    flash(f"{user.name} is {_a(role)} now.", "success")
    return redirect(url_for("accounts.person", id=user.id), 303)


@access.requires(Role.OWNER)
def reset_password(id: str) -> Response:
    """Give somebody who forgot the password a new one; their sessions end."""
    user = _find(id)
    if user.role is Role.OWNER:
        abort(409, "Change your own password on the page of your account.")
    password = accounts.first_password()
    accounts.change_password(database.get(), user.id, password)
    return _password_once(user, password)


@access.requires(Role.OWNER)
def remove(id: str) -> Response:
    """Take somebody's account away; what they wrote stays."""
    user = _find(id)
    if not accounts.remove(database.get(), user.id):
        abort(409, "The owner cannot be removed: hand the site over first.")
    flash(f"{user.name} has no account any more. What {user.name} wrote is still here.", "success")
    return redirect(url_for("accounts.people"), 303)


@access.requires(Role.OWNER)
def hand_over(id: str) -> Response:
    """Make somebody else the owner, after the owner has given the password once more."""
    user, owner = _find(id), access.signed_in()
    if user.id == owner.id:
        abort(404)
    form = forms.HandOver()
    if not form.validate_on_submit():
        return page("desk/hand_over.html", form, person=user)
    if answer := too_often(owner.login, "desk/hand_over.html", form, person=user):
        return answer
    db = database.get()
    if not accounts.check(db, owner.login, form.password.data):
        problem = "This is not your password."
        return refused("desk/hand_over.html", form, form.password, problem, person=user)
    throttle.forget(db, owner.login, request.remote_addr)
    if not accounts.hand_over(db, user.id):
        abort(409, "Nothing was changed: somebody else was faster. Look at the people again.")
    flash(f"{user.name} owns this site now; you are an editor.", "success")
    return redirect(url_for("desk.posts"), 303)


def _find(id: str) -> User:
    user = accounts.by_id(database.get(), ObjectId(id)) if ObjectId.is_valid(id) else None
    if user is None:
        abort(404)
    return user


def _a(role: Role) -> str:
    return f"an {role.word}" if role is Role.EDITOR else f"a {role.word}"


def _password_once(user: User, password: str) -> Response:
    # Shown in this answer alone; a flash message would put it into a cookie.
    form = forms.ChangeRole(formdata=None, role=user.role.word)
    answer = page("desk/person.html", form, person=user, password=password)
    answer.headers["Cache-Control"] = "no-store"
    return answer
