"""What programs read: the Atom feed, the sitemap and robots.txt."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedgenerator import Atom1Feed
from flask import Blueprint, Response, render_template, request, url_for

from blog import database, posts, preferences
from blog.links import rooted

if TYPE_CHECKING:
    from collections.abc import Iterable

ENTRIES = 20
LONGEST_SITEMAP = 50_000  # https://www.sitemaps.org/protocol.html
MAY_BE_KEPT_S = 300

blueprint = Blueprint("feeds", __name__)


@blueprint.get("/feed.atom")
def atom() -> Response:
    db = database.get()
    site = preferences.load(db)
    latest = posts.latest(db, datetime.now(timezone.utc), ENTRIES)
    feed = Atom1Feed(
        title=site.name,
        description=site.subtitle,
        subtitle=site.subtitle,
        link=url_for("reader.front", _external=True),
        feed_url=url_for("feeds.atom", _external=True),
        language="en",
    )
    host = urlsplit(request.root_url).hostname
    for post in latest:
        address = url_for("reader.post", slug=post.slug, _external=True)
        feed.add_item(
            title=post.title,
            link=address,
            # Of the post and not of its address, which may change: else readers see it twice.
            unique_id=f"tag:{host},2026:{post.id}",
            description=post.summary,
            content=rooted(post.html, request.root_url),
            author_name=post.author_name or site.name,
            categories=post.tags,
            pubdate=post.publish_at,
            updateddate=changed(post),
        )
    return answer(feed.writeString("utf-8"), "application/atom+xml", latest)


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    db, now = database.get(), datetime.now(timezone.utc)
    found = posts.visible(db, now, per_page=LONGEST_SITEMAP).posts
    pages = posts.pages(db, now)
    body = render_template("reader/sitemap.xml", posts=[*found, *pages], changed=changed)
    return answer(body, "application/xml", [*found, *pages])


@blueprint.get("/robots.txt")
def robots() -> Response:
    return answer(render_template("reader/robots.txt"), "text/plain", ())


def changed(post: posts.Post) -> datetime:
    """Return when readers saw the latest change; a scheduled post is written before it is shown."""
    return max(post.updated_at, post.publish_at or post.updated_at)


def answer(body: str, mimetype: str, shown: Iterable[posts.Post]) -> Response:
    """Answer with what tells a program that nothing has changed since it last asked."""
    response = Response(body, mimetype=mimetype)
    response.cache_control.public = True
    response.cache_control.max_age = MAY_BE_KEPT_S
    if latest := max(map(changed, shown), default=None):
        response.last_modified = latest
    response.add_etag()
    return response.make_conditional(request)
