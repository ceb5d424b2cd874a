"""How writers change posts: nobody overwrites what they have not seen, and no slug serves two."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from blog import markdown, slugs
from blog.accounts import Role, User
from blog.database import Db
from blog.posts.document import Draft, Kind, Post, Status
from blog.posts.reading import Listing, by_id, listing

# So many writers would have to take the same number at the same moment.
_RACES = 20


class ConflictError(Exception):
    """Somebody saved the post since it was opened; `current` is what stands there now."""

    def __init__(self, current: Post) -> None:
        super().__init__(f"version {current.version} is newer")
        self.current = current


class MissingError(Exception):
    """The post has been deleted."""


class SlugTakenError(Exception):
    """The slug that the writer chose belongs to another post or page."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


def written(
    db: Db,
    *,
    page: int,
    per_page: int,
    author: ObjectId | None = None,
    state: str = "",
    now: datetime,
) -> Listing:
    """List what a writer may work on; of every author if `author` is None."""
    wanted = dict(_STATES[state](now))
    if author is not None:
        wanted["author"] = author
    order = [("updated_at", -1), ("_id", -1)]
    return listing(db, wanted, page=page, per_page=per_page, order=order)


_STATES: dict[str, Callable[[datetime], dict[str, Any]]] = {
    "": lambda _: {},
    "draft": lambda _: {"status": "draft"},
    "scheduled": lambda now: {"status": "published", "publish_at": {"$gt": now}},
    "published": lambda now: {"status": "published", "publish_at": {"$lte": now}},
}
STATES = tuple(_STATES)


def may_change(user: User, post: Post) -> bool:
    """Say whether somebody may change a post; pages stand in the navigation of the whole site."""
    is_own = post.author == user.id and post.kind is Kind.POST
    return user.role >= Role.EDITOR or (user.role is Role.WRITER and is_own)


def insert(
    db: Db, draft: Draft, author: User | None, now: datetime, post_id: ObjectId | None = None
) -> Post:
    """Store a new post; raise SlugTakenError.

    Whoever names the id of the new post may send it twice: the second time is a ConflictError.
    """
    document = _content(draft, now) | {
        "_id": post_id or ObjectId(),
        "former_slugs": [],
        "author": author.id if author else None,
        "author_name": author.name if author else "",
        "created_at": now,
        "version": 1,
    }

    def write(slug: str) -> Post:
        try:
            db.posts.insert_one(document | {"slug": slug})
        except DuplicateKeyError:
            if current := by_id(db, document["_id"]):
                raise ConflictError(current) from None
            raise
        return Post.from_document(document | {"slug": slug})

    return _with_free_slug(db, draft, document["_id"], write)


def save(db: Db, post_id: ObjectId, version: int, draft: Draft, now: datetime) -> Post:
    """Replace what the writer saw as `version`; raise one of the three errors above."""
    before = by_id(db, post_id)
    if before is None:
        raise MissingError
    content = _content(draft, now)

    def write(slug: str) -> Post:
        former = [old for old in before.former_slugs if old != slug]
        if before.status is Status.PUBLISHED and before.slug not in {slug, *former}:
            former.append(before.slug)
        return _change(db, post_id, version, content | {"slug": slug, "former_slugs": former})

    return _with_free_slug(db, draft, post_id, write)


def publish(db: Db, post_id: ObjectId, version: int, now: datetime) -> Post:
    """Show the post to readers from now on; one shown before keeps its date."""
    post = by_id(db, post_id)
    if post is None:
        raise MissingError
    since = post.publish_at if post.publish_at and post.publish_at <= now else now
    return _change(db, post_id, version, {"status": Status.PUBLISHED, "publish_at": since})


def unpublish(db: Db, post_id: ObjectId, version: int) -> Post:
    return _change(db, post_id, version, {"status": Status.DRAFT})


def delete(db: Db, post_id: ObjectId, version: int) -> None:
    """Delete a post, then its comments: if this stops between, no reader sees the rest."""
    if db.posts.find_one_and_delete({"_id": post_id, "version": version}) is None:
        raise _other_than_seen(db, post_id)
    db.comments.delete_many({"post": post_id})


def _content(draft: Draft, now: datetime) -> dict[str, Any]:
    rendered = markdown.render(draft.markdown)
    return {
        "kind": draft.kind,
        "title": draft.title,
        "markdown": draft.markdown,
        "html": str(rendered.html),
        "text": rendered.text,
        "summary": rendered.summary,
        "tags": list(draft.tags),
        "category": draft.category,
        "status": draft.status,
        "publish_at": (draft.publish_at or now)
        if draft.status is Status.PUBLISHED
        else draft.publish_at,
        "weight": draft.weight,
        "comments_open": draft.comments_open,
        "updated_at": now,
    }


def _change(db: Db, post_id: ObjectId, version: int, content: dict[str, Any]) -> Post:
    """Write only over the version that the writer saw: one step of the database, so no race."""
    document = db.posts.find_one_and_update(
        {"_id": post_id, "version": version},
        {"$set": content, "$inc": {"version": 1}},
        return_document=ReturnDocument.AFTER,
    )
    if document is None:
        raise _other_than_seen(db, post_id)
    return Post.from_document(document)


def _other_than_seen(db: Db, post_id: ObjectId) -> ConflictError | MissingError:
    current = by_id(db, post_id)
    return ConflictError(current) if current else MissingError()


def _with_free_slug(db: Db, draft: Draft, own: ObjectId, write: Callable[[str], Post]) -> Post:
    """Write with the chosen slug, or with the first free one of the title.

    What the unique index says counts: another writer may take a slug after we looked.
    """
    if draft.slug:
        try:
            return write(draft.slug)
        except DuplicateKeyError as error:
            raise SlugTakenError(draft.slug) from error
    free = (slug for slug in slugs.candidates(draft.title, draft.kind) if not _taken(db, slug, own))
    for slug in islice(free, _RACES):
        with suppress(DuplicateKeyError):
            return write(slug)
    raise SlugTakenError(slugs.normal(draft.title))


def _taken(db: Db, slug: str, own: ObjectId) -> bool:
    return db.posts.count_documents({"slug": slug, "_id": {"$ne": own}}, limit=1) > 0
