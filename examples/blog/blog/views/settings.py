"""The owner's page about the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, url_for

from blog import access, database, forms, preferences
from blog.accounts import Role
from blog.preferences import Preferences
from blog.views.answers import page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


def add_routes(blueprint: Blueprint) -> None:
    """Add the page to the blueprint of all that is about accounts."""
    blueprint.add_url_rule("/desk/settings", view_func=settings, methods=["GET", "POST"])


@access.requires(Role.OWNER)
def settings() -> Response:
    """Change how the site is called and what visitors may do."""
    db = database.get()
    form = forms.Settings(obj=preferences.load(db))
    if not form.validate_on_submit():
        return page("desk/settings.html", form)
    preferences.save(
        db,
        Preferences(
            name=form.name.data,
            subtitle=form.subtitle.data or "",
            posts_per_page=form.posts_per_page.data,
            timezone=form.timezone.data,
            registration=form.registration.data,
            comments=form.comments.data,
        ),
    )
    flash("The settings are saved.", "success")
    return redirect(url_for("accounts.settings"), 303)
