"""The forms about accounts and the site: what may be typed in each field."""

from __future__ import annotations

import functools
import zoneinfo
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
)
from wtforms.validators import (
    EqualTo,
    InputRequired,
    Length,
    NumberRange,
    Regexp,
    ValidationError,
)

from blog.accounts import Role


class Form(FlaskForm):
    """A form whose fields come as text.

    Flask-WTF would read JSON as well, where a login may be `{"$ne": ""}`: an operator of MongoDB.
    """

    class Meta(FlaskForm.Meta):
        """How it reads a request."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Take what was posted as a form."""
            return None if request.is_json else super().wrap_formdata(form, formdata)


def _text(label: str, *, most: int, least: int = 1, hint: str = "", **more: str) -> StringField:
    required = [InputRequired()] if least else []
    return StringField(
        label,
        [*required, Length(least, most), _printable],
        filters=[_stripped],
        description=hint,
        render_kw={"maxlength": most, **more},
    )


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


def _printable(_form: FlaskForm, field: Any) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("Please write it in one line of visible characters.")


def _login(hint: str = "What you sign in with. Readers never see it.") -> StringField:
    return StringField(
        "Login",
        [
            InputRequired(),
            Length(1, 64),
            Regexp(r"[\w.@+-]+\Z", message="Letters, digits and . @ + - _ are allowed."),
        ],
        filters=[_stripped],
        description=hint,
        render_kw={"autocomplete": "username", "autocapitalize": "none", "maxlength": 64},
    )


def _password(label: str = "Password", autocomplete: str = "current-password") -> PasswordField:
    # No more than argon2 has use for: a password of megabytes would only cost time.
    return PasswordField(
        label,
        [InputRequired(), Length(max=1000)],
        render_kw={"autocomplete": autocomplete},
    )


def _new_password() -> PasswordField:
    return PasswordField(
        "New password",
        [
            InputRequired(),
            Length(10, message="Please use 10 characters or more."),
            Length(max=1000),
        ],
        description="10 characters or more; a few words are easy to remember.",
        render_kw={"autocomplete": "new-password"},
    )


def _again() -> PasswordField:
    return PasswordField(
        "New password again",
        [EqualTo("password", message="The two are not the same.")],
        render_kw={"autocomplete": "new-password"},
    )


def _name(hint: str = "Shown beside what you write.") -> StringField:
    return _text("Name", most=80, hint=hint, autocomplete="name")


_ROLES = [role.word for role in Role if role is not Role.OWNER]
"""What the owner may give."""


class Login(Form):
    """Sign in."""

    # Without rules about characters: what cannot be a login is just wrong.
    login = StringField(
        "Login",
        [InputRequired(), Length(max=200)],
        render_kw={"autocomplete": "username", "autocapitalize": "none"},
    )
    password = _password()


class Register(Form):
    """Make an account of one's own."""

    login = _login()
    name = _name()
    password = _new_password()
    again = _again()


class SetUp(Register):
    """Make the owner and name the site."""

    site = _text("Name of the site", most=80)


class Name(Form):
    """Change one's name."""

    name = _name()


class Password(Form):
    """Change one's password."""

    old = _password("Password until now")
    password = _new_password()
    again = _again()


class Invite(Form):
    """Make an account for somebody else."""

    login = _login("What this person signs in with.")
    name = _name("Shown beside what this person writes.")
    role = SelectField(
        "Role",
        choices=_ROLES,
        default=Role.WRITER.word,
    )


class ChangeRole(Form):
    """Give somebody another role."""

    role = SelectField("Role", choices=_ROLES)


class HandOver(Form):
    """Make somebody else the owner."""

    password = _password("Your password")


@functools.cache
def _time_zones() -> list[str]:
    return sorted(zoneinfo.available_timezones())


class Settings(Form):
    """What the owner sets about the site."""

    name = _text("Name of the site", most=80)
    subtitle = _text("Subtitle", least=0, most=200, hint="One line below the name.")
    posts_per_page = IntegerField("Posts per page", [InputRequired(), NumberRange(1, 100)])
    timezone = SelectField(
        "Time zone",
        choices=_time_zones,
        description="Of the dates that are shown, and of those typed to schedule a post.",
    )
    registration = BooleanField("Visitors may register as readers")
    comments = SelectField(
        "Comments",
        description="Closed holds for all posts.",
        choices=["open", "closed"],
    )
