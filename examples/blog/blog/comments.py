"""What readers answer to a post. Those of visitors wait until an editor approves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bson import ObjectId
from markupsafe import Markup
from pymongo import IndexModel

from blog import markdown
from blog.accounts import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from blog.accounts import User
    from blog.database import Db

Status: TypeAlias = Literal["waiting", "approved"]

INDEXES = {
    "comments": [
        IndexModel([("post", 1), ("created_at", 1)]),
        IndexModel([("status", 1), ("created_at", -1)]),
    ]
}

LONGEST_NAME = 60
LONGEST_TEXT = 5000


@dataclass(frozen=True, kw_only=True)
class Comment:
    id: ObjectId
    post: ObjectId
    name: str
    text: str
    html: Markup
    user: ObjectId | None
    status: Status
    created_at: datetime

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Comment:
        fields = {key: value for key, value in document.items() if key != "_id"}
        return cls(
            **fields
            | {
                "id": document["_id"],
                "html": Markup(document["html"]),  # noqa: S704 - cleaned when it was saved
            }
        )

    @property
    def is_waiting(self) -> bool:
        return self.status == "waiting"


@dataclass(frozen=True)
class Queue:
    comments: tuple[Comment, ...]
    page: int
    pages: int
    total: int


def add(
    db: Db, post: ObjectId, *, name: str, text: str, user: User | None, now: datetime
) -> Comment:
    """Store a comment; who may write posts is trusted, everybody else waits."""
    is_trusted = user is not None and user.role >= Role.WRITER
    document = {
        "_id": ObjectId(),
        "post": post,
        "name": user.name if user else name,
        "text": text,
        "html": str(markdown.render_comment(text)),
        "user": user.id if user else None,
        "status": "approved" if is_trusted else "waiting",
        "created_at": now,
    }
    db.comments.insert_one(document)
    return Comment.from_document(document)


def thread(db: Db, post: ObjectId, *, own: Iterable[ObjectId]) -> list[Comment]:
    """List the approved comments of a post, oldest first, and those of `own` that still wait."""
    shown = [{"status": "approved"}, {"_id": {"$in": list(own)}}]
    found = db.comments.find({"post": post, "$or": shown}, sort=[("created_at", 1), ("_id", 1)])
    return list(map(Comment.from_document, found))


def waiting_count(db: Db) -> int:
    return db.comments.count_documents({"status": "waiting"})


def queue(db: Db, status: Status, *, page: int, per_page: int) -> Queue:
    """List one page of the comments to decide about, newest first."""
    wanted = {"status": status}
    total = db.comments.count_documents(wanted)
    order = [("created_at", -1), ("_id", -1)]
    found = db.comments.find(wanted, sort=order, skip=(page - 1) * per_page, limit=per_page)
    comments = tuple(map(Comment.from_document, found))
    return Queue(comments, page, pages=max(1, -(-total // per_page)), total=total)


def decide(db: Db, ids: Iterable[ObjectId], status: Status) -> int:
    """Approve comments, or let them wait again; return how many there still were."""
    wanted = {"_id": {"$in": list(ids)}}
    return db.comments.update_many(wanted, {"$set": {"status": status}}).matched_count


def delete(db: Db, ids: Iterable[ObjectId]) -> int:
    return db.comments.delete_many({"_id": {"$in": list(ids)}}).deleted_count
