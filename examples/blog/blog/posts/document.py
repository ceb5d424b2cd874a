"""One post or page as the database holds it, and what a writer says about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from bson import ObjectId
from markupsafe import Markup

Document = Mapping[str, Any]


class _Word(str, Enum):
    """A str for the database, and in a text its value, which Pythons disagree about."""

    def __str__(self) -> str:
        return self.value


class Kind(_Word):
    POST = "post"
    PAGE = "page"


class Status(_Word):
    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a writer decides; all else of a post follows from it."""

    title: str
    markdown: str = ""
    kind: Kind = Kind.POST
    slug: str = ""  # "" makes one of the title
    tags: tuple[str, ...] = ()
    category: str = ""
    status: Status = Status.DRAFT
    publish_at: datetime | None = None
    weight: int = 0
    comments_open: bool = True


@dataclass(frozen=True, kw_only=True)
class Post:
    id: ObjectId
    kind: Kind
    slug: str
    former_slugs: tuple[str, ...]
    title: str
    markdown: str
    html: Markup
    text: str
    summary: str
    tags: tuple[str, ...]
    category: str
    status: Status
    publish_at: datetime | None
    weight: int
    comments_open: bool
    author: ObjectId | None
    author_name: str
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def from_document(cls, document: Document) -> "Post":
        fields = {key: value for key, value in document.items() if key != "_id"}
        return cls(
            **fields
            | {
                "id": document["_id"],
                "kind": Kind(document["kind"]),
                "status": Status(document["status"]),
                "html": Markup(document["html"]),  # noqa: S704 - cleaned when it was saved
                "tags": tuple(document["tags"]),
                "former_slugs": tuple(document["former_slugs"]),
            }
        )

    def is_scheduled(self, now: datetime) -> bool:
        return self.status is Status.PUBLISHED and not self.is_visible(now)

    def is_visible(self, now: datetime) -> bool:
        return (
            self.status is Status.PUBLISHED
            and self.publish_at is not None
            and self.publish_at <= now
        )


def words_of(text: str) -> tuple[str, ...]:
    """Split what a writer typed between commas: each tag once, whatever its case.

    Chinese commas and semicolons part tags as well; a slash would end the tag in the address
    /tag/<tag>.
    """
    found: dict[str, str] = {}
    for part in re.split(r"[,;\n\u3001\uff0c\uff1b]", text):
        word = " ".join(part.replace("/", " ").split())
        if word:
            found.setdefault(word.casefold(), word)
    return tuple(found.values())
