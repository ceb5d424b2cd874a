"""Read a file to its end and find everything that is wrong with it before anything is written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blog import markdown, pictures
from blog.preferences import Preferences
from blog.transfer.export import FORMAT, VERSION
from blog.transfer.fields import RULES, WrongError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blog.transfer.fields import Rule

Document = dict[str, Any]

_LISTS = ("users", "posts", "comments", "images")
_UNIQUE = {"users": ("_id", "login"), "posts": ("_id", "slug"), "images": ("_id", "path")}
_REFERENCES = {
    "posts": {"author": "users"},
    "comments": {"post": "posts", "user": "users"},
    "images": {"user": "users"},
}


class BrokenFileError(Exception):
    """The file cannot be imported; the text tells where and why."""


@dataclass(frozen=True)
class Contents:
    """A file that is in order, as documents of the database."""

    preferences: Preferences
    users: list[Document]
    posts: list[Document]
    comments: list[Document]
    images: list[Document]
    files: dict[str, bytes]
    """The bytes of each image by its path."""


def check(content: bytes) -> Contents:
    """Return what a file holds.

    Raises:
        BrokenFileError: at the first thing that is not as an export writes it.
    """
    file = _parsed(content)
    preferences = Preferences(**_record("preferences", "preferences", file["preferences"]))
    lists = {name: _records(name, file[name]) for name in _LISTS}
    _check_identities(lists)
    files = {image["path"]: image.pop("content") for image in lists["images"]}
    for place, image in enumerate(lists["images"]):
        _check_picture(place, image, files[image["path"]])
    for post in lists["posts"]:
        _complete_post(post)
    for comment in lists["comments"]:
        comment["html"] = str(markdown.render_comment(comment["text"]))
    return Contents(preferences, files=files, **lists)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        file = json.loads(content)
    except json.JSONDecodeError as error:
        raise BrokenFileError(
            f"The file breaks off or is damaged at line {error.lineno}, column {error.colno}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BrokenFileError("The file is not JSON.") from error
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        raise BrokenFileError("This is not an export of this blog.")
    if file.get("version") != VERSION:
        raise BrokenFileError(
            f"The file is of version {file.get('version')}; this site reads version {VERSION}."
        )
    _check_names("the file", file, {"format", "version", "preferences", *_LISTS})
    return file


def _records(name: str, found: Any) -> list[Document]:
    if not isinstance(found, list):
        raise BrokenFileError(f"{name} is not a list.")
    records = [_record(name, f"{name}[{place}]", one) for place, one in enumerate(found)]
    return [{"_id": record.pop("id")} | record for record in records]


def _record(name: str, where: str, found: Any) -> Document:
    if not isinstance(found, dict):
        raise BrokenFileError(f"{where} is not an object.")
    rules = RULES[name]
    _check_names(where, found, set(rules))
    return {key: _field(f"{where}.{key}", rule, found[key]) for key, rule in rules.items()}


def _field(where: str, rule: Rule, found: Any) -> Any:
    try:
        return rule(found)
    except WrongError as error:
        raise BrokenFileError(f"{where} {error}.") from error


def _check_names(where: str, found: dict[str, Any], expected: set[str]) -> None:
    for problem, names in (
        ("lacks", expected - set(found)),
        ("has what no export has:", set(found) - expected),
    ):
        if names:
            raise BrokenFileError(f"{where} {problem} {', '.join(sorted(names))[:200]}.")


def _check_identities(lists: dict[str, list[Document]]) -> None:
    """Check that nothing is there twice, and that all that is referred to is there."""
    for name, documents in lists.items():
        for key in _UNIQUE.get(name, ("_id",)):
            _check_once(name, key, (document[key] for document in documents))
    ids = {name: {document["_id"] for document in documents} for name, documents in lists.items()}
    for name, references in _REFERENCES.items():
        for place, document in enumerate(lists[name]):
            for key, target in references.items():
                if document[key] is not None and document[key] not in ids[target]:
                    raise BrokenFileError(f"{name}[{place}].{key} is not among the {target}.")


def _check_once(name: str, key: str, values: Iterable[Any]) -> None:
    seen = set()
    for place, value in enumerate(values):
        if value in seen:
            raise BrokenFileError(f"{name}[{place}].{key.strip('_')} is there twice.")
        seen.add(value)


def _check_picture(place: int, image: Document, content: bytes) -> None:
    """Check that a file is the picture that its name says; SVG and HTML never are."""
    path = image["path"]
    try:
        picture = pictures.measure(content, path)
    except pictures.NotAPictureError as error:
        raise BrokenFileError(f"images[{place}].content: {error}") from error
    digest = hashlib.sha256(content).hexdigest()[:12]
    if not path.endswith(f"-{digest}.{picture.suffix}"):
        raise BrokenFileError(f"images[{place}].content is not that of {path}.")
    image |= {"width": picture.width, "height": picture.height, "bytes": len(content)}


def _complete_post(post: Document) -> None:
    rendered = markdown.render(post["markdown"])
    post |= {
        "html": str(rendered.html),
        "text": rendered.text,
        "summary": rendered.summary,
        "version": 1,
    }
    if post["status"] == "published" and post["publish_at"] is None:
        post["publish_at"] = post["updated_at"]
