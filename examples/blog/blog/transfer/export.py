"""The file, piece by piece: a site with many images is never in memory as a whole."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from blog import preferences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from blog.database import Db

FORMAT = "outrider-blog"
VERSION = 1
_LEFT_OUT = {
    "users": ("password", "session", "heir"),
    "posts": ("html", "text", "summary", "version"),
    "comments": ("html",),
}


def pieces(db: Db, root: Path) -> Iterator[str]:
    """Yield the JSON text of the whole site.

    If the database goes away on the way, the file ends early and no import takes it.
    """
    start = {"format": FORMAT, "version": VERSION, "preferences": asdict(preferences.load(db))}
    yield json.dumps(start, ensure_ascii=False)[:-1]
    users = {found["_id"] for found in db.users.find({}, {"_id": True})}
    posts = {found["_id"] for found in db.posts.find({}, {"_id": True})}
    for name, author in (("users", "_"), ("posts", "author"), ("comments", "user")):
        without = dict.fromkeys(_LEFT_OUT[name], False)
        found = (
            # Posts stay when their author is removed.
            document | {author: document[author] if document[author] in users else None}
            if author in document
            else document
            for document in db[name].find({}, without, sort=[("_id", 1)])
            # Comments on a post of this very moment would refer to something not in the file.
            if name != "comments" or document["post"] in posts
        )
        yield from _list(name, found)
    yield from _list("images", _with_content(db, root, users))
    yield "\n}\n"


def _with_content(db: Db, root: Path, users: set[ObjectId]) -> Iterator[dict[str, Any]]:
    for image in db.images.find(sort=[("_id", 1)]):
        try:
            content = (root / image["path"]).read_bytes()
        except FileNotFoundError:
            continue  # nothing to bring back
        user = image["user"] if image["user"] in users else None
        yield image | {"user": user, "content": base64.b64encode(content).decode()}


def _list(name: str, documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield f",\n{json.dumps(name)}: ["
    comma = ""
    for document in documents:
        record = {"id": document.pop("_id")} | dict(sorted(document.items()))
        yield f"{comma}\n{json.dumps(record, ensure_ascii=False, default=_plain)}"
        comma = ","
    yield "\n]"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, ObjectId):
        return str(value)
    raise TypeError(type(value).__name__)
