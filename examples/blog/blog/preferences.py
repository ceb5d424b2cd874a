"""What the owner can set about the site: one document."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blog.database import Db


@dataclass(frozen=True)
class Preferences:
    """The site's settings, with what they are before anybody set them."""

    name: str = "A small blog"
    subtitle: str = ""
    posts_per_page: int = 10
    timezone: str = "UTC"
    """Of the dates shown and typed (IANA name)."""
    registration: bool = False
    """Whether readers may make accounts by themselves."""
    comments: str = "open"
    """`open` or `closed` on all posts."""


_NAMES = {field.name for field in fields(Preferences)}


def load(db: Db) -> Preferences:
    """Return the settings as they are now."""
    stored = db.preferences.find_one({"_id": "site"}) or {}
    return Preferences(**{name: value for name, value in stored.items() if name in _NAMES})


def save(db: Db, preferences: Preferences) -> None:
    """Replace the settings."""
    db.preferences.replace_one({"_id": "site"}, asdict(preferences), upsert=True)
