"""Files as values, and the header by which Outrider knows its own."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from outrider import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    import jinja2

_HEADER = re.compile(
    r"\A(?:# outrider|<!--# set var=\"outrider\" value=\"outrider) \S+ "
    r"sha256=(?P<digest>[0-9a-f]{64})(?:\" -->)?\n"
)


class Comment(str):
    """Text for a comment of the target language: one line, whatever it was made from."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return the text with everything that could end the line replaced."""
        return super().__new__(cls, "".join(c if c.isprintable() else "?" for c in text))


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file to be written: where, what, and with which permissions."""

    path: str
    """Relative to the directory that it is written to."""
    content: str
    mode: int = 0o644


def stamped(path: str, body: str, mode: int = 0o644) -> Artifact:
    """Return an artifact whose first line carries our version and the digest of the rest."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    told = f"outrider {__version__} sha256={digest}"
    # Of a page, Nginx takes it out: https://nginx.org/en/docs/http/ngx_http_ssi_module.html#commands
    is_page = path.endswith(".html")
    line = f'<!--# set var="outrider" value="{told}" -->' if is_page else f"# {told}"
    return Artifact(path=path, content=f"{line}\n{body}", mode=mode)


def digest_of(content: str) -> str | None:
    """Return the digest that a file carries, of what Outrider wrote; None when it is not ours."""
    match = _HEADER.match(content)
    return match and match["digest"]


def is_untouched(content: str) -> bool:
    """Tell whether a file is as Outrider wrote it, so that it may be replaced."""
    match = _HEADER.match(content)
    if match is None:
        return False
    return hashlib.sha256(content[match.end() :].encode()).hexdigest() == match["digest"]


@functools.cache
def environment(quote: Callable[[object], str]) -> jinja2.Environment:
    """Return the template environment in which every expression passes through `quote`.

    One for each `quote`, so that a template is made into code once.

    An undefined name is an error, so that a template cannot fall silently behind the model.
    """
    import jinja2  # noqa: PLC0415 - a site starts sooner: see `prepare` in fleet.py

    return jinja2.Environment(
        loader=jinja2.PackageLoader("outrider", "templates"),
        undefined=jinja2.StrictUndefined,
        finalize=quote,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - not HTML; `quote` is the target language's own escaping
    )
