"""Uploaded images: files in the media folder that Nginx serves, and a list of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError
from slugify import slugify

from blog import pictures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bson import ObjectId

    from blog.database import Db

INDEXES = {
    "images": [IndexModel("path", unique=True), IndexModel([("created_at", -1), ("_id", -1)])]
}


@dataclass(frozen=True)
class Image:
    """One uploaded image."""

    id: ObjectId
    path: str
    """Below the media folder: `2026/11/harbour-0a1b2c3d4e5f.jpg`."""
    alt: str
    width: int
    height: int
    bytes: int
    user: ObjectId | None
    created_at: datetime

    @property
    def address(self) -> str:
        """What a writer puts into a post, wherever the site stands."""
        return f"/media/{self.path}"

    @property
    def markdown(self) -> str:
        alt = re.sub(r"([\\\[\]])", r"\\\1", self.alt)
        return f"![{alt}]({self.address})"

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Image:
        return cls(id=document["_id"], **{k: v for k, v in document.items() if k != "_id"})


def store(
    db: Db,
    root: Path,
    content: bytes,
    name: str,
    *,
    alt: str = "",
    user: ObjectId | None,
    now: datetime,
) -> Image:
    """Check an upload and keep it; the same picture sent twice in a month is kept once.

    Raises:
        pictures.NotAPictureError: with a sentence for whoever sent it.
    """
    picture = pictures.read(content, name)
    path = address(picture, name, now)
    written = write(root, path, picture.content)
    found = {"path": path}
    first = {
        "alt": alt,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.content),
        "user": user,
        "created_at": now,
    }
    try:
        # Sent twice at the same moment: one of them makes the entry.
        with contextlib.suppress(DuplicateKeyError):
            db.images.update_one(found, {"$setOnInsert": first}, upsert=True)
        document = db.images.find_one(found)
    except BaseException:
        if written:  # nobody would know of it
            (root / path).unlink(missing_ok=True)
        raise
    assert document
    return Image.from_document(document)


def address(picture: pictures.Picture, name: str, now: datetime) -> str:
    """Name a file after what it is: no part of the sender's name but its letters is used.

    A changed picture has another address, so browsers may keep what they have for ever.
    """
    word = slugify(Path(name.replace("\\", "/")).stem, max_length=60) or "image"
    digest = hashlib.sha256(picture.content).hexdigest()[:12]
    return f"{now:%Y/%m}/{word}-{digest}.{picture.suffix}"


def write(root: Path, path: str, content: bytes) -> bool:
    """Write a file that Nginx can read; a reader sees all of it or nothing.

    Return whether it was not there before.
    """
    target = root / path
    _folder(root, target.parent)
    is_new = not target.exists()
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".upload-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # mkstemp lets only the owner read
            os.fsync(file.fileno())
        Path(draft).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise
    return is_new


@dataclass(frozen=True)
class Listing:
    """A page of the library."""

    images: tuple[Image, ...]
    page: int
    pages: int


def recent(db: Db, *, page: int = 1, per_page: int = 24) -> Listing:
    """List the library, newest first."""
    found = db.images.find(
        sort=[("created_at", -1), ("_id", -1)], skip=(page - 1) * per_page, limit=per_page
    )
    pages = max(1, -(-db.images.count_documents({}) // per_page))
    return Listing(tuple(map(Image.from_document, found)), page, pages)


def by_id(db: Db, id: ObjectId) -> Image | None:
    document = db.images.find_one({"_id": id})
    return Image.from_document(document) if document else None


def delete(db: Db, root: Path, image: Image) -> None:
    """Take an image from the list, then its file."""
    db.images.delete_one({"_id": image.id})
    (root / image.path).unlink(missing_ok=True)


def _folder(root: Path, folder: Path) -> None:
    """Make the folders of a month; Nginx may enter those below the root, whatever our umask."""
    root.mkdir(parents=True, exist_ok=True)
    for made in (folder.parent, folder):
        if not made.exists():
            made.mkdir(exist_ok=True)
            made.chmod(0o755)
