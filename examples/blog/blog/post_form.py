"""The form in which a post is written, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from blog import posts, schedule, slugs
from blog.forms import Form
from blog.posts import Draft, Kind, Status

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from blog.posts import Post

MOST_MARKDOWN = 200_000
"""With its HTML this stays far below the 16 MB that MongoDB takes for one document."""


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _lines(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").replace("\r", "\n")


def _has_letter(_form: Form, field: Any) -> None:
    if field.data and not slugs.normal(field.data):
        raise ValidationError("Use a letter or a digit, of any script.")


class PostForm(Form):
    """Everything that a writer decides about a post."""

    title = StringField(
        "Title",
        [DataRequired("Give it a title."), Length(max=200)],
        filters=[_one_line],
        render_kw={"maxlength": 200},
    )
    markdown = TextAreaField("Text", [Length(max=MOST_MARKDOWN)], filters=[_lines])
    slug = StringField(
        "Address",
        [_has_letter, Length(max=200)],
        filters=[_one_line],
        description="The last part of the address. Empty: made from the title.",
        render_kw={"autocapitalize": "none"},
    )
    kind = SelectField(
        "Kind",
        choices=[str(kind) for kind in Kind],
        default=str(Kind.POST),
        description="Posts stand in the lists, pages in the navigation.",
    )
    category = StringField("Category", [Length(max=60)], filters=[_one_line])
    tags = StringField(
        "Tags", [Length(max=300)], filters=[_one_line], description="With commas between them."
    )
    publish_at = StringField("Publish at", render_kw={"type": "datetime-local"})
    weight = IntegerField(
        "Weight",
        [InputRequired("Write a number; 0 is usual."), NumberRange(-1000, 1000)],
        default=0,
        description="Above 0 pins it before the others, the highest first. Below 0 hides it from "
        "lists, search and feed; who knows its address can still read it.",
    )
    comments_open = BooleanField("Comments are open", default=True)
    version = HiddenField()
    new_id = HiddenField()

    def seen_version(self) -> int:
        """Return the version that the writer had before them."""
        text = self.version.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def draft(self, before: Post | None, status: Status, zone: ZoneInfo) -> Draft | None:
        """Return what the form says, or None with what is wrong at the fields."""
        if not self.validate():
            return None
        try:
            publish_at = self._publish_at(before, zone)
        except schedule.NoSuchTimeError as error:
            self.publish_at.errors = [str(error)]
            return None
        return Draft(
            title=self.title.data,
            markdown=self.markdown.data,
            kind=Kind(self.kind.data),
            slug=slugs.normal(self.slug.data),
            tags=posts.words_of(self.tags.data),
            category=self.category.data.replace("/", " "),
            status=status,
            publish_at=publish_at,
            weight=self.weight.data,
            comments_open=self.comments_open.data,
        )

    def _publish_at(self, before: Post | None, zone: ZoneInfo) -> datetime | None:
        text = self.publish_at.data or ""
        if before and text[:16] == schedule.typed(before.publish_at, zone):
            return before.publish_at  # to the second, and in the hour that was meant
        return schedule.moment(text, zone) if text else None


def filled(post: Post, zone: ZoneInfo) -> PostForm:
    """Return the form as it shows a post."""
    return PostForm(
        formdata=None,
        title=post.title,
        markdown=post.markdown,
        slug=post.slug,
        kind=str(post.kind),
        category=post.category,
        tags=", ".join(post.tags),
        publish_at=schedule.typed(post.publish_at, zone),
        weight=post.weight,
        comments_open=post.comments_open,
        version=post.version,
    )
