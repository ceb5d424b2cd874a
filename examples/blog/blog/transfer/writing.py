"""Write what a checked file holds: all of it, or nothing.

Not every MongoDB has transactions. So a journal in the database names beforehand what will be
written. When something fails on the way all of that is removed again; when even this fails, because
the database itself went away, the journal is still there and the owner is offered to undo it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from blog import images, preferences, slugs

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from bson import ObjectId

    from blog.database import Db
    from blog.transfer.checking import Contents

Document = dict[str, Any]

ORDER = ("users", "images", "posts", "comments")
_JOURNAL = "import"
_NO_PASSWORD = "!"  # noqa: S105 - no hash of any password


class RunningError(Exception):
    """An import has begun and not ended."""


class ImportFailedError(Exception):
    """Something failed in the middle; the site is as it was before."""


class UnfinishedError(Exception):
    """Something failed in the middle, and so far it could not be undone."""


@dataclass(frozen=True)
class Added:
    """How much an import brought, and how much of its file was there already."""

    new: dict[str, int]
    present: int


def add(
    db: Db, root: Path, contents: Contents, now: datetime, *, with_preferences: bool = False
) -> Added:
    """Add what is not there yet.

    Raises:
        RunningError: there is another import, or one that has broken off.
        ImportFailedError: nothing was added.
        UnfinishedError: see `undo`.
    """
    new = _missing(db, contents)
    files = {
        path: content for path, content in contents.files.items() if not (root / path).exists()
    }
    journal = {
        "_id": _JOURNAL,
        "started_at": now,
        **{name: [document["_id"] for document in new[name]] for name in ORDER},
        "files": list(files),
        "preferences": asdict(preferences.load(db)),
    }
    try:
        db.imports.insert_one(journal)
    except DuplicateKeyError:
        raise RunningError from None
    try:
        _write(db, root, new, files)
        if with_preferences:
            preferences.save(db, contents.preferences)
        db.imports.delete_one({"_id": _JOURNAL})
    except Exception as error:
        _undo_now(db, root, error)
        raise ImportFailedError(_reason(error)) from error
    counts = {name: len(documents) for name, documents in new.items()}
    all_of_it = sum(len(getattr(contents, name)) for name in ORDER)
    return Added(counts, present=all_of_it - sum(counts.values()))


def unfinished_since(db: Db) -> datetime | None:
    """Return when an import began that has not ended, or None."""
    journal = db.imports.find_one({"_id": _JOURNAL})
    return journal["started_at"] if journal else None


def undo(db: Db, root: Path) -> None:
    """Remove what an import has written that broke off; again and again does no harm."""
    journal = db.imports.find_one({"_id": _JOURNAL})
    if journal is None:
        return
    for name in reversed(ORDER):
        db[name].delete_many({"_id": {"$in": journal[name]}})
    db.comments.delete_many({"post": {"$in": journal["posts"]}})  # readers may have been faster
    for path in journal["files"]:
        if (root / path).is_file():
            (root / path).unlink()
    preferences.save(db, preferences.Preferences(**journal["preferences"]))
    db.imports.delete_one({"_id": _JOURNAL})


def _undo_now(db: Db, root: Path, error: Exception) -> None:
    try:
        undo(db, root)
    except (PyMongoError, OSError):
        raise UnfinishedError from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"an image could not be written ({error.strerror or error})"
    if isinstance(error, BulkWriteError):
        return "something was written meanwhile that the file has too; try again"
    return "the database failed on the way; try again"


def _write(db: Db, root: Path, new: dict[str, list[Document]], files: dict[str, bytes]) -> None:
    for path, content in files.items():
        images.write(root, path, content)
    for name in ORDER:
        if new[name]:
            db[name].insert_many(new[name])


def _missing(db: Db, contents: Contents) -> dict[str, list[Document]]:
    """Return the documents that are not there yet, fitted to those that are."""
    users, same_people = _new_users(db, contents.users)
    known = _known(db, "images", "path", contents.images)
    new_images = [
        image | {"user": same_people.get(image["user"], image["user"])}
        for image in _unknown(db, "images", contents.images)
        if image["path"] not in known
    ]
    new_posts = [
        post | {"author": same_people.get(post["author"], post["author"])}
        for post in _unknown(db, "posts", contents.posts)
    ]
    _free_slugs(db, new_posts)
    comments = [
        comment | {"user": same_people.get(comment["user"], comment["user"])}
        for comment in _unknown(db, "comments", contents.comments)
    ]
    return {"users": users, "images": new_images, "posts": new_posts, "comments": comments}


def _new_users(
    db: Db, found: list[Document]
) -> tuple[list[Document], dict[ObjectId | None, ObjectId]]:
    """Return the people to add, and who is here under another id, by the login."""
    here = {user["login"]: user["_id"] for user in db.users.find({}, {"login": True})}
    has_owner = db.users.count_documents({"role": "owner"}) > 0
    same = {user["_id"]: here[user["login"]] for user in found if user["login"] in here}
    new = [
        user
        | {"password": _NO_PASSWORD, "session": 1}
        # There is one owner, who is asking for this.
        | ({"role": "editor"} if user["role"] == "owner" and has_owner else {})
        for user in _unknown(db, "users", found)
        if user["login"] not in here
    ]
    return new, same


def _free_slugs(db: Db, posts: list[Document]) -> None:
    """Number the slugs that other posts have here."""
    taken = {post["slug"] for post in db.posts.find({}, {"slug": True})}
    for post in posts:
        free = (slug for slug in slugs.numbered(post["slug"]) if slug not in taken)
        post["slug"] = next(free)
        taken.add(post["slug"])


def _unknown(db: Db, name: str, documents: list[Document]) -> list[Document]:
    known = _known(db, name, "_id", documents)
    return [document for document in documents if document["_id"] not in known]


def _known(db: Db, name: str, key: str, documents: list[Document]) -> set[Any]:
    wanted = {key: {"$in": [document[key] for document in documents]}}
    return {found[key] for found in db[name].find(wanted, {key: True})}
