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
    from collections.abc import Sequence

    import jinja2

    from outrider.site import Fleet, Mount, Server, Site

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


def templates() -> jinja2.Environment:
    """Return the templates of nginx.conf."""
    made = environment(quote)
    made.filters["at"] = at
    made.filters["word"] = Word
    return made


def render(fleet: Fleet) -> list[Artifact]:
    """Return nginx.conf and mime.types."""
    first = fleet.first
    is_alone = len(fleet.sites) == 1
    body = (
        templates()
        .get_template("nginx.conf.j2")
        .render(
            fleet=fleet,
            site=first,  # for what is the front's
            is_alone=is_alone,
            names={server: server_names(server, fleet.servers) for server in fleet.servers},
            # What is named once for each site, and which of them is meant in a request.
            mark=lambda site: Word("" if is_alone else f"_{site.name}"),
            meant=Word("" if is_alone else "_$outrider_site"),
            # "return" is the one use of "if" in a location that is safe:
            # https://github.com/nginxinc/nginx-wiki/blob/master/source/start/topics/depth/ifisevil.rst
            to_stream=Word("if ($outrider_is_stream) { return 598; }   # to @stream"),
            admitted=_with_variable(f"{first.paths.admitted}/", "$remote_addr"),
            near=_near(first),
            own_pages={page.name: page.path for page in first.front.error_pages},
            carried=[Word(name) for name in BY_ADD_HEADER],
            upstream_header=lambda name: Word("$upstream_http_" + name.lower().replace("-", "_")),
            listen=str(first.bind),
            # Repeated wherever a location has headers of its own: those replace the inherited ones.
            id_header=Word("add_header X-Request-ID $outrider_id always;"),
            hashed=regex(HASHED),
            never=never,
            cached=_cached,
            place=lambda name, site: regex(f"~^{re.escape(name + site.prefix)}(/|$)"),
            readable=_readable,
            files=_live if first.paths.remote else lambda path: Word(quote(path)),
            upstream=_upstream,
            target=Comment(", ".join(site.process.target for site in fleet.sites)),
            user=Comment("root" if first.user.is_changed else first.user.name),
            command=Comment(shlex.join(_command(first))),
            limit=Word(_readable(first.limits.body_limit_bytes) if is_alone else "$outrider_limit"),
            behind=bool(first.trusted_proxies),
        )
    )
    types = resources.files("outrider").joinpath("templates/mime.types").read_text(encoding="utf-8")
    pages = [stamped(page.path, page.text) for page in first.front.error_pages]
    return [stamped("nginx.conf", body), stamped("mime.types", types), *pages]


def server_names(server: Server, servers: Sequence[Server]) -> list[str]:
    """Return the names of a server as Nginx takes them; the first is `$server_name`.

    The server for any host has one too, for requests without a Host, as HTTP/1.0 allows.
    """
    if server.names:
        return [f"[{name}]" if ":" in name else name for name in server.names]
    is_taken = any("localhost" in other.names for other in servers)
    return ["_" if is_taken else "localhost"]


def _command(site: Site) -> list[str]:
    # -e came with 1.19.5: https://nginx.org/en/docs/switches.html
    logs = ["-e", "stderr"] if site.front.version >= (1, 19, 5) else []
    user = site.user
    # Not in the file: under a supervisor Nginx is this user from the start, and would complain.
    steps_down = ["-g", f"user {user.name} {user.group or user.name};"] if user.is_changed else []
    return [site.front.binary, "-p", ".", *logs, "-c", "nginx.conf", *steps_down]


def _near(site: Site) -> list[str]:
    """Return the networks from which health is asked; a connection to oneself has that address."""
    own = () if site.bind.is_any else (site.bind.host,)
    near = ("127.0.0.0/8", "::1", *own, *site.trusted_proxies, *site.front.health_from)
    return list(dict.fromkeys(near))


def _upstream(site: Site, scheme: str = "") -> Word:
    """Return whom the requests go to; in containers, a release may be in between."""
    return Word(f"{scheme}$outrider_app" if site.paths.remote else quote(scheme + site.paths.app))


def _with_variable(path: str, variable: str) -> Word:
    """Return a path that ends with a variable."""
    return Word('"' + quote(path).strip('"') + variable + '"')


def _live(path: str) -> Word:
    """Return a path of a release's files, which are the image's or newer than the image."""
    return Word('"${outrider_files}' + quote(path).strip('"') + '"')


def _readable(size: int) -> str:
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"


def _cached(mount: Mount) -> str:
    return f"public, max-age={mount.max_age_s}" if mount.max_age_s else "no-cache"
