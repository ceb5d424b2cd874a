"""What each field of the file may be: a rule takes what JSON gave and returns what is stored."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from zoneinfo import available_timezones

from bson import ObjectId

from blog import schedule, slugs
from blog.accounts import Role, normal_login
from blog.comments import LONGEST_TEXT
from blog.post_form import MOST_MARKDOWN
from blog.posts import Kind, Status, words_of

Rule = Callable[[Any], Any]
"""Raises WrongError. Nothing that the site itself lets people write may be refused here."""


class WrongError(Exception):
    """The text tells what is wrong, after the name of the field."""


_LONGEST_SLUG = 100  # one of LONGEST with a number behind it
_IMAGE_PATH = re.compile(r"\d{4}/(0[1-9]|1[0-2])/[a-z0-9-]{1,60}-[0-9a-f]{12}\.(jpg|png|gif|webp)")


def text(most: int, least: int = 0, *, one_line: bool = True) -> Rule:
    def rule(value: Any) -> str:
        if not isinstance(value, str):
            raise WrongError("is not a text")
        if not least <= len(value) <= most:
            raise WrongError(f"has {len(value)} characters, where {least} to {most} are allowed")
        if one_line and len(value.splitlines()) > 1:
            raise WrongError("has more than one line")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise WrongError("has half a character") from None  # "\ud83d" alone
        return value

    return rule


def number(least: int, most: int) -> Rule:
    def rule(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise WrongError(f"is not a whole number from {least} to {most}")
        return value

    return rule


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongError("is neither true nor false")
    return value


def one_of(*words: str) -> Rule:
    def rule(value: Any) -> str:
        if value not in words:
            raise WrongError(f"is none of {', '.join(words)}")
        return str(value)

    return rule


def identity(value: Any) -> ObjectId:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{24}", value):
        raise WrongError("is no id of 24 hexadecimal digits")
    return ObjectId(value)


def moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        year = found.astimezone(timezone.utc).year
    except (TypeError, ValueError, OverflowError):
        raise WrongError("is no time such as 2026-12-31T09:30:00+00:00") from None
    if found.tzinfo is None:
        raise WrongError("does not say in which time zone it is")
    if year not in schedule.YEARS:
        raise WrongError("is centuries away")
    return found.astimezone(timezone.utc)


def maybe(rule: Rule) -> Rule:
    return lambda value: None if value is None else rule(value)


def list_of(rule: Rule, most: int) -> Rule:
    def many(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise WrongError(f"is not a list of at most {most}")
        return [rule(one) for one in value]

    return many


def same(form: Callable[[str], Any], expected: str, base: Rule) -> Rule:
    """Return a rule for a text that must already have its usual form."""

    def rule(value: Any) -> str:
        if form(base(value)) != value:
            raise WrongError(f"is not {expected}")
        return value

    return rule


def slug(value: Any) -> str:
    value = text(_LONGEST_SLUG, 1)(value)
    if not re.fullmatch(r"[\w-]+", value) or slugs.asked(value) != value:
        raise WrongError("is no last part of an address")
    return value


def image_path(value: Any) -> str:
    if not isinstance(value, str) or not _IMAGE_PATH.fullmatch(value):
        raise WrongError("is not such as 2026/12/harbour-0123456789ab.jpg")
    return value


def content(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise WrongError("is not base64") from None


_tag = same(lambda value: "".join(words_of(value)), "a tag", text(300, 1))
_category = same(lambda value: value.replace("/", " "), "a category", text(60))
_login = same(normal_login, "a login", text(64, 1))

RULES: dict[str, dict[str, Rule]] = {
    "preferences": {
        "name": text(80, 1),
        "subtitle": text(200),
        "posts_per_page": number(1, 100),
        "timezone": one_of(*available_timezones()),
        "registration": flag,
        "comments": one_of("open", "closed"),
    },
    "users": {
        "id": identity,
        "login": _login,
        "name": text(80, 1),
        "role": one_of(*(role.word for role in Role)),
        "created_at": moment,
    },
    "posts": {
        "id": identity,
        "kind": one_of(*map(str, Kind)),
        "slug": slug,
        "former_slugs": list_of(slug, 1000),
        "title": text(200, 1),
        "markdown": text(MOST_MARKDOWN, one_line=False),
        "tags": list_of(_tag, 100),
        "category": _category,
        "status": one_of(*map(str, Status)),
        "publish_at": maybe(moment),
        "weight": number(-1000, 1000),
        "comments_open": flag,
        "author": maybe(identity),
        "author_name": text(80),
        "created_at": moment,
        "updated_at": moment,
    },
    "comments": {
        "id": identity,
        "post": identity,
        "name": text(80, 1),
        "text": text(LONGEST_TEXT, one_line=False),
        "user": maybe(identity),
        "status": one_of("waiting", "approved"),
        "created_at": moment,
    },
    "images": {
        "id": identity,
        "path": image_path,
        "alt": text(300),
        "width": number(1, 100_000),
        "height": number(1, 100_000),
        "bytes": number(1, 2**40),
        "user": maybe(identity),
        "created_at": moment,
        "content": content,
    },
}
