"""What every template may use; looked up when a template asks for it.

Pages that tell of an error use them too, so a database that is away leaves them empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, g
from pymongo.errors import ConnectionFailure
from werkzeug.local import LocalProxy

from blog import access, database, preferences
from blog.preferences import Preferences

if TYPE_CHECKING:
    from blog.accounts import User


def init_app(app: Flask) -> None:
    """Offer `site` and `user` to all templates."""
    app.context_processor(_names)


def _names() -> dict[str, Any]:
    return {"site": LocalProxy(site), "user": LocalProxy(_user)}


def site() -> Preferences:
    """Return the site's settings; loaded once per request."""
    if "site" not in g:
        try:
            g.site = preferences.load(database.get())
        except ConnectionFailure as error:
            g.database_away = error
            return Preferences()
    return g.site


def _user() -> User | None:
    try:
        return access.current()
    except ConnectionFailure as error:
        g.database_away = error
        return None
