"""Posts as readers find them, and sites of other configurations, for tests."""

from contextlib import contextmanager
from datetime import timedelta

from blog import create_app, posts
from blog.posts import Draft, Kind, Post, Status
from tests.people import NOW


def published(db, title, markdown="Some text.", *, days=0, author=None, **more) -> Post:
    """Publish a post some days before the usual moment of the tests."""
    draft = Draft(
        title=title,
        markdown=markdown,
        **{"status": Status.PUBLISHED, "publish_at": NOW - timedelta(days=days)} | more,
    )
    return posts.insert(db, draft, author, NOW - timedelta(days=days))


@contextmanager
def site(config):
    """Make another app than the fixture's, and close its connections in the end."""
    app = create_app(config)
    try:
        yield app
    finally:
        for connection in app.extensions["database"]._connections.values():
            connection.client.close()


def page(db, title, markdown="Some text.", **more) -> Post:
    """Publish a page."""
    return published(db, title, markdown, kind=Kind.PAGE, **more)
