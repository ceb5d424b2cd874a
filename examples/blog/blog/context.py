"""What every template may use; looked up when a template asks for it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import g
from werkzeug.local import LocalProxy

from blog import access, comments, database, posts, preferences
from blog.accounts import Role

if TYPE_CHECKING:
    from flask import Flask

    from blog.preferences import Preferences


def init_app(app: Flask) -> None:
    """Offer these names to all templates."""
    app.context_processor(_names)
    app.add_template_filter(local)


def _names() -> dict[str, Any]:
    return {
        "site": LocalProxy(site),
        "user": LocalProxy(access.current),
        "navigation": LocalProxy(_navigation),
        "waiting": LocalProxy(_waiting),
    }


def site() -> Preferences:
    """Return the site's settings; loaded once per request."""
    if "site" not in g:
        g.site = preferences.load(database.get())
    return g.site


def zone() -> ZoneInfo:
    """Return where the site is, for the dates that it shows."""
    return ZoneInfo(site().timezone)


def local(moment: datetime) -> datetime:
    """Return a moment as the clocks of the site show it."""
    return moment.astimezone(zone())


def _navigation() -> list[posts.Post]:
    return posts.pages(database.get(), datetime.now(timezone.utc))


def _waiting() -> int:
    """Count the comments to decide about, for those who may."""
    user = access.current()
    if user is None or user.role < Role.EDITOR:
        return 0
    return comments.waiting_count(database.get())
