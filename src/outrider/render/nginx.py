"""nginx.conf and its MIME types."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from outrider import errors
from outrider.render.artifact import Artifact, environment, stamped

if TYPE_CHECKING:
    from outrider.site import Site

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=~*\[\]-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

HASHED = r"[.-](?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}\.[A-Za-z0-9.]+$"
"""A name with the hash of the content in it: letters and digits, so that a date is none."""

NEVER = r"/\.(?!well-known/)|\.(py|pyc|pyo|pyd|pyi|pyx|ipynb|sqlite3?|db|swp|bak|orig)$|~$"
"""Dot-files, sources, databases and editors' copies."""


class Word(str):
    """Text that is Nginx syntax already, variables included; written as it stands."""

    __slots__ = ()


def quote(value: object) -> str:
    """Return a value as one word of nginx.conf.

    A quoted word may hold blanks, semicolons, braces and escaped quotes; `$` starts a variable even
    there and cannot be escaped.

    Raises:
        OutriderError: the text cannot be written.
    """
    if isinstance(value, Word) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    if not isinstance(value, str):
        msg = f"no syntax is defined for {type(value).__name__}"
        raise TypeError(msg)
    if "$" in value or _CONTROL.search(value):
        raise errors.unsafe_path("the site", value)
    if _BARE.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def regex(pattern: str) -> Word:
    """Return a regular expression of ours as a quoted word: braces would otherwise end it."""
    return Word(f'"{pattern}"')


def render(site: Site) -> list[Artifact]:
    """Return nginx.conf and mime.types."""
    template = environment(quote).get_template("nginx.conf.j2")
    body = template.render(
        site=site,
        listen=str(site.bind),
        # Repeated wherever a location has headers of its own: those replace the inherited ones.
        id_header=Word("add_header X-Request-ID $outrider_id always;"),
        hashed=regex(HASHED),
        never=regex(NEVER),
        types=f"{site.paths.run}/mime.types",
        behind=bool(site.trusted_proxies),
        limit=Word(_readable(site.limits.body_limit_bytes)),
    )
    types = resources.files("outrider").joinpath("templates/mime.types").read_text(encoding="utf-8")
    return [stamped("nginx.conf", body), stamped("mime.types", types)]


def _readable(size: int) -> str:
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
