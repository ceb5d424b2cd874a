"""What readers see: published, its time has come, and not hidden by a negative weight."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any

from bson import ObjectId
from pymongo import IndexModel

from blog import slugs
from blog.database import Db
from blog.posts.document import Kind, Post

# Pinned ones first, then the newest; `_id` decides when both are equal, so that no post stands
# on two pages of a list.
NEWEST_FIRST = [("weight", -1), ("publish_at", -1), ("_id", -1)]
INDEXES = {
    "posts": [
        IndexModel("slug", unique=True),
        IndexModel("former_slugs"),
        IndexModel([("kind", 1), ("status", 1), *NEWEST_FIRST]),
        IndexModel([("tags", 1), ("publish_at", -1)]),
        IndexModel([("author", 1), ("updated_at", -1)]),
    ]
}
LONGEST_QUERY = 200
MOST_WORDS = 10


@dataclass(frozen=True)
class Listing:
    posts: tuple[Post, ...]
    page: int
    pages: int
    total: int


def visible(
    db: Db,
    now: datetime,
    *,
    page: int = 1,
    per_page: int = 10,
    tag: str | None = None,
    category: str | None = None,
    month: tuple[int, int] | None = None,
    words: str | None = None,
    zone: tzinfo = timezone.utc,
) -> Listing:
    """List one page of posts; a `month` begins and ends as in `zone`."""
    wanted: dict[str, Any] = _listed(now)
    conditions: list[dict[str, Any]] = [wanted]
    if tag is not None:
        wanted["tags"] = tag
    if category is not None:
        wanted["category"] = category
    if month is not None:
        conditions.append({"publish_at": _within(month, zone)})
    if words is not None:
        conditions += _each_word(words)
    return listing(db, {"$and": conditions}, page=page, per_page=per_page)


def latest(db: Db, now: datetime, count: int) -> tuple[Post, ...]:
    """Return the newest posts, pinned or not: what a feed tells is when something was new."""
    order = [("publish_at", -1), ("_id", -1)]
    return listing(db, _listed(now), page=1, per_page=count, order=order).posts


def listing(
    db: Db,
    wanted: dict[str, Any],
    *,
    page: int,
    per_page: int,
    order: Iterable[tuple[str, int]] = NEWEST_FIRST,
) -> Listing:
    total = db.posts.count_documents(wanted)
    found = db.posts.find(wanted, sort=order, skip=(page - 1) * per_page, limit=per_page)
    posts = tuple(map(Post.from_document, found))
    return Listing(posts, page, pages=max(1, -(-total // per_page)), total=total)


def by_id(db: Db, post_id: ObjectId) -> Post | None:
    document = db.posts.find_one({"_id": post_id})
    return Post.from_document(document) if document else None


def visible_one(db: Db, now: datetime, slug: str, kind: Kind) -> Post | None:
    """Find what stands at an address; a hidden post (weight < 0) can be reached this way."""
    document = db.posts.find_one({**_published(now), "slug": slugs.asked(slug), "kind": kind})
    return Post.from_document(document) if document else None


def moved(db: Db, slug: str, kind: Kind) -> str | None:
    """Return the slug that replaced `slug`; when two posts once had it, the latest changed."""
    document = db.posts.find_one(
        {"former_slugs": slugs.asked(slug), "kind": kind, "status": "published"},
        {"slug": True},
        sort=[("updated_at", -1)],
    )
    return document["slug"] if document else None


def neighbours(db: Db, now: datetime, post: Post) -> tuple[Post | None, Post | None]:
    """Return the posts published just before and just after `post`."""
    return _next_to(db, now, post, "$lt", -1), _next_to(db, now, post, "$gt", 1)


def months(db: Db, now: datetime, zone: tzinfo = timezone.utc) -> list[tuple[int, int, int]]:
    """Count the posts of each month (year, month, count), newest month first."""
    date = {"date": "$publish_at", "timezone": str(zone)}
    found = _counted(db, now, {"year": {"$year": date}, "month": {"$month": date}})
    rows = ((row["_id"]["year"], row["_id"]["month"], row["count"]) for row in found)
    return sorted(rows, reverse=True)


def tags(db: Db, now: datetime) -> list[tuple[str, int]]:
    found = _counted(db, now, "$tags", [{"$unwind": "$tags"}])
    return sorted(((row["_id"], row["count"]) for row in found), key=_by_name)


def categories(db: Db, now: datetime) -> list[tuple[str, int]]:
    found = _counted(db, now, "$category", [{"$match": {"category": {"$ne": ""}}}])
    return sorted(((row["_id"], row["count"]) for row in found), key=_by_name)


def pages(db: Db, now: datetime) -> list[Post]:
    """List the pages of the navigation."""
    wanted = _listed(now) | {"kind": Kind.PAGE}
    return list(map(Post.from_document, db.posts.find(wanted, sort=[("weight", -1), ("title", 1)])))


def _published(now: datetime) -> dict[str, Any]:
    return {"status": "published", "publish_at": {"$lte": now}}


def _listed(now: datetime) -> dict[str, Any]:
    return _published(now) | {"kind": Kind.POST, "weight": {"$gte": 0}}


def _within(month: tuple[int, int], zone: tzinfo) -> dict[str, datetime]:
    year, number = month
    start = datetime(year, number, 1, tzinfo=zone)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return {"$gte": start, "$lt": end}


def _each_word(words: str) -> list[dict[str, Any]]:
    """Look for every word somewhere; a real mongod has a text index, the stand-in has none."""
    patterns = [
        {"$regex": re.escape(word), "$options": "i"}
        for word in words[:LONGEST_QUERY].split()[:MOST_WORDS]
    ]
    return [{"$or": [{field: word} for field in ("title", "text", "tags")]} for word in patterns]


def _next_to(db: Db, now: datetime, post: Post, side: str, direction: int) -> Post | None:
    beyond = [
        {"publish_at": {side: post.publish_at}},
        {"publish_at": post.publish_at, "_id": {side: post.id}},
    ]
    document = db.posts.find_one(
        {"$and": [_listed(now), {"$or": beyond}]},
        sort=[("publish_at", direction), ("_id", direction)],
    )
    return Post.from_document(document) if document else None


def _counted(
    db: Db, now: datetime, key: object, steps: Iterable[dict[str, Any]] = ()
) -> Iterable[dict[str, Any]]:
    group = {"$group": {"_id": key, "count": {"$sum": 1}}}
    return db.posts.aggregate([{"$match": _listed(now)}, *steps, group])


def _by_name(row: tuple[str, int]) -> str:
    return row[0].casefold()
