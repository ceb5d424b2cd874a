"""What two versions of a post have different, line by line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from blog import schedule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from blog.posts import Draft, Post

_KINDS = {"-": "theirs", "+": "yours", " ": "both", "@": "gap"}
_CONTEXT = 2


class Line(NamedTuple):
    """A line and who wrote it: theirs, yours, both; or a gap of equal lines."""

    kind: str
    text: str


def lines(theirs: Post, yours: Draft, zone: ZoneInfo) -> list[Line]:
    """Compare what stands in the database with what a writer would save."""
    before = list(_lines(theirs, theirs.slug, zone))
    after = list(_lines(yours, yours.slug or theirs.slug, zone))
    found = difflib.unified_diff(before, after, n=_CONTEXT, lineterm="")
    return [Line(_KINDS[line[0]], line[1:]) for line in list(found)[2:]]


def _lines(version: Post | Draft, slug: str, zone: ZoneInfo) -> Iterator[str]:
    yield f"Title: {version.title}"
    yield f"Address: {slug}"
    yield f"Kind: {version.kind}"
    yield f"Category: {version.category}"
    yield f"Tags: {', '.join(version.tags)}"
    yield f"State: {version.status}"
    yield f"Publish at: {schedule.typed(version.publish_at, zone).replace('T', ' ')}"
    yield f"Weight: {version.weight}"
    yield f"Comments: {'open' if version.comments_open else 'closed'}"
    yield ""
    yield from version.markdown.splitlines()
