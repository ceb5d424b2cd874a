"""What the environment says about this installation."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

MONGO_PORT = "27217"
"""Of the local database; not MongoDB's usual 27017, where another project's may listen."""


def read(env: Mapping[str, Any], instance: Path) -> dict[str, Any]:
    """Return Flask's configuration.

    MONGO_URL     where the data is; without it a database on this machine, see local_mongo.py
    MONGO_PORT    of that database
    SECRET_KEY    signs the session cookies; without it one is made and kept in `instance`
    MEDIA_ROOT    where uploaded images are kept
    """
    return {
        "MONGO_URL": mongo_url(env),
        "LOCAL_DATABASE": not env.get("MONGO_URL"),
        "SECRET_KEY": env.get("SECRET_KEY") or _kept_secret(instance / "secret_key"),
        "MEDIA_ROOT": str(Path(env.get("MEDIA_ROOT") or instance / "media").absolute()),
        # Nginx refuses more before a worker sees it.
        "MAX_CONTENT_LENGTH": 8 * 1024 * 1024,
        # Flask's half a megabyte is less than a long post with its formatting may have.
        "MAX_FORM_MEMORY_SIZE": 4 * 1024 * 1024,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
    }


def mongo_url(env: Mapping[str, Any]) -> str:
    """Return the address of the database.

    Raises:
        ValueError: MONGO_URL is none.
    """
    url = env.get("MONGO_URL")
    if not url:
        return f"mongodb://127.0.0.1:{mongo_port(env)}/blog"
    if url.startswith("mongodb+srv://"):
        return url  # to check it would ask the name server
    try:
        parse_uri(url)
    except (PyMongoError, ValueError) as error:
        # Not the address itself: it may hold a password, and this lands in a log.
        message = (
            f"MONGO_URL is not the address of a MongoDB server: {error}\n"
            "Write for instance MONGO_URL=mongodb://user:password@db.example.org:27017/blog"
        )
        raise ValueError(message) from None
    return url


def mongo_port(env: Mapping[str, Any]) -> int:
    """Return the port of the local database.

    Raises:
        ValueError: MONGO_PORT is no port.
    """
    text = env.get("MONGO_PORT") or MONGO_PORT
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ValueError(f"MONGO_PORT={text!r} is not a port: write a number from 1 to 65535")


def _kept_secret(path: Path) -> str:
    # Workers start at the same moment: whoever links first decides, and all read that one.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # of mode 0600
                draft.write(secrets.token_hex(32))
                draft.flush()
                with contextlib.suppress(FileExistsError):
                    os.link(draft.name, path)
        return path.read_text()
    except OSError as error:
        message = f"No key for the session cookies can be kept ({error}): set SECRET_KEY"
        raise RuntimeError(message) from error
