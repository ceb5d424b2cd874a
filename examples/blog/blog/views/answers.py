"""Answers to forms: shown, refused, refused for now."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from flask import make_response, render_template, request

from blog import accounts, database, throttle

if TYPE_CHECKING:
    from flask import Response
    from flask_wtf import FlaskForm
    from wtforms import Field


def page(template: str, form: FlaskForm, status: int | None = None, **names: Any) -> Response:
    """Show a form; one that came with something wrong in it is not a success."""
    answer = make_response(render_template(template, form=form, **names))
    answer.status_code = status or (422 if form.errors else 200)
    return answer


def refused(
    template: str, form: FlaskForm, field: Field, problem: str, status: int = 403, **names: Any
) -> Response:
    """Show a form again with what is wrong with one of its fields."""
    field.errors = [*field.errors, problem]
    return page(template, form, status, **names)


def too_often(login: str, template: str, form: FlaskForm, **names: Any) -> Response | None:
    """Count an attempt; return what to answer instead of looking at it when there were too many."""
    now = datetime.now(timezone.utc)
    login = accounts.normal_login(login)
    until = throttle.attempt(database.get(), login, request.remote_addr, now)
    if until is None:
        return None
    wait_s = max(1, math.ceil((until - now).total_seconds()))
    minutes = math.ceil(wait_s / 60)
    problem = (
        "Too many attempts. "
        f"Please try again in {minutes} minute{'s' if minutes > 1 else ''}; until then even the "
        "right password is refused."
    )
    answer = page(template, form, 429, problem=problem, **names)
    answer.headers["Retry-After"] = str(wait_s)
    return answer
