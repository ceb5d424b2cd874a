"""nginx.conf and its MIME types."""

from __future__ import annotations

import re
import shlex
import textwrap
from importlib import resources
from typing import TYPE_CHECKING

from outrider import errors
from outrider.app.shim.offload import BY_ADD_HEADER
from outrider.render.artifact import Artifact, Comment, environment, stamped

if TYPE_CHECKING:
    from outrider.site import Mount, Site

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
    if isinstance(value, (Comment, Word)) or (
        isinstance(value, int) and not isinstance(value, bool)
    ):
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


def never(url: str) -> Word:
    """Return the expression for what is never served below a URL, which may have a dot itself.

    Radicale's own pages are at `/.web/`.
    """
    if "/." not in url:
        return regex(NEVER)
    inside = "^" + re.escape(url).replace('"', '\\"') + "(.*/)?"
    return regex(inside + NEVER.removeprefix("/"))


def at(part: str, column: int) -> Word:
    """Return what a macro has written as it stands, moved to the column that it is called at."""
    return Word(textwrap.indent(part, " " * column).strip())


def render(site: Site) -> list[Artifact]:
    """Return nginx.conf and mime.types."""
    templates = environment(quote)
    templates.filters["at"] = at
    templates.filters["word"] = Word
    template = templates.get_template("nginx.conf.j2")
    folders = [mount for mount in site.mounts if mount.kind != "spa"]
    body = template.render(
        site=site,
        # Files without a URL prefix are looked for before the app is asked.
        folders=[mount for mount in folders if mount.url != "/"],
        top=next((mount for mount in folders if mount.url == "/"), None),
        asks_app=any(mount.falls_back for mount in folders),
        # "return" is the one use of "if" in a location that is safe:
        # https://github.com/nginxinc/nginx-wiki/blob/master/source/start/topics/depth/ifisevil.rst
        to_stream=Word("if ($outrider_is_stream) { return 418; }   # to @stream"),
        carried=[Word(name) for name in BY_ADD_HEADER],
        upstream_header=lambda name: Word("$upstream_http_" + name.lower().replace("-", "_")),
        listen=str(site.bind),
        # Repeated wherever a location has headers of its own: those replace the inherited ones.
        id_header=Word("add_header X-Request-ID $outrider_id always;"),
        hashed=regex(HASHED),
        never=never,
        cached=_cached,
        target=Comment(site.process.target),
        user=Comment("root" if site.user.is_changed else site.user.name),
        command=Comment(shlex.join(_command(site))),
        behind=bool(site.trusted_proxies),
        limit=Word(_readable(site.limits.body_limit_bytes)),
    )
    types = resources.files("outrider").joinpath("templates/mime.types").read_text(encoding="utf-8")
    return [stamped("nginx.conf", body), stamped("mime.types", types)]


def _command(site: Site) -> list[str]:
    # -e came with 1.19.5: https://nginx.org/en/docs/switches.html
    logs = ["-e", "stderr"] if site.front.version >= (1, 19, 5) else []
    user = site.user
    # Not in the file: under a supervisor Nginx is this user from the start, and would complain.
    steps_down = ["-g", f"user {user.name} {user.group or user.name};"] if user.is_changed else []
    return [site.front.binary, "-p", ".", *logs, "-c", "nginx.conf", *steps_down]


def _readable(size: int) -> str:
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"


def _cached(mount: Mount) -> str:
    return f"public, max-age={mount.max_age_s}" if mount.max_age_s else "no-cache"
