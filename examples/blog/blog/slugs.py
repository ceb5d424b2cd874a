"""The last part of an address, made from a title; letters of every script are kept."""

import unicodedata
from collections.abc import Iterator
from itertools import count

from slugify import slugify

LONGEST = 80


def normal(text: str) -> str:
    """Return the slug that `text` stands for, "" when it holds no letter or digit.

    Unicode letters stay (RFC 3987); NFKC makes one slug of what looks the same, however the
    keyboard or the file system of the reader composes it.
    """
    return slugify(
        text,
        allow_unicode=True,
        max_length=LONGEST,
        word_boundary=True,
        save_order=True,
        entities=False,
        decimal=False,
        hexadecimal=False,
    )


def asked(text: str) -> str:
    """Return the slug of an address that somebody follows, which may be composed otherwise."""
    return unicodedata.normalize("NFKC", text)


def candidates(title: str, otherwise: str) -> Iterator[str]:
    """Return the slug of `title`, then the same with -2, -3 and so on.

    `otherwise` serves for titles without letters, such as a single emoji.
    """
    return numbered(normal(title) or otherwise)


def numbered(slug: str) -> Iterator[str]:
    yield slug
    for number in count(2):
        yield f"{slug}-{number}"
