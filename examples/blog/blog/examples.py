"""A few posts to begin with, put once into the empty database of somebody's own machine."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from blog import database, images, posts, preferences
from blog.posts import Draft, Kind, Status, words_of

if TYPE_CHECKING:
    from flask import Flask

    from blog.database import Db

FOLDER = Path(__file__).with_name("examples")
NAME = "Ahead of the carriage"
SUBTITLE = "Notes from a small blog that Outrider put behind Nginx"

_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<name>[\w.-]+\.png)\)")


def init_app(app: Flask) -> None:
    """Begin a database on this machine with the examples; another's is let be."""
    if app.config["LOCAL_DATABASE"]:
        media = Path(app.config["MEDIA_ROOT"])
        database.on_connected(app, lambda db: insert(db, media, datetime.now(timezone.utc)))


def insert(db: Db, media: Path, now: datetime) -> None:
    """Insert the examples unless somebody has begun to use the site.

    Several workers may do so at once: the unique slug decides, and each picture is the same file.
    """
    if db.posts.find_one({}, {"_id": True}) or db.users.find_one({}, {"_id": True}):
        return
    site = replace(preferences.load(db), name=NAME, subtitle=SUBTITLE, posts_per_page=4)
    preferences.save(db, site)
    for path in sorted(FOLDER.glob("*.md")):
        with contextlib.suppress(posts.SlugTakenError):
            posts.insert(db, draft(db, media, path.read_text("utf-8"), now), None, now)


def draft(db: Db, media: Path, text: str, now: datetime) -> Draft:
    """Make a post of a file: some lines `name: value`, an empty one, and the Markdown."""
    head, _, markdown = text.partition("\n\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())

    def place(picture: re.Match[str]) -> str:
        content = (FOLDER / picture["name"]).read_bytes()
        stored = images.store(
            db, media, content, picture["name"], alt=picture["alt"], user=None, now=now
        )
        return f"![{picture['alt']}](/media/{stored.path})"

    return Draft(
        title=said["title"],
        slug=said["slug"],
        kind=Kind(said.get("kind", "post")),
        tags=words_of(said.get("tags", "")),
        category=said.get("category", ""),
        weight=int(said.get("weight", "0")),
        markdown=_PICTURE.sub(place, markdown),
        status=Status.PUBLISHED,
        publish_at=now - timedelta(days=int(said["days_ago"])),
    )
