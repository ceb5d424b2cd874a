"""Reads configuration files of Nginx into directives; nothing is decided about them.

https://nginx.org/en/docs/beginners_guide.html#conf_structure
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from outrider import errors
from outrider.handwritten import Directive

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>\#[^\n]*)
      | (?P<sign>[;{}])
      | "(?P<double>(?:\\.|[^"\\])*)"(?=[\s;{)]|$)
      | '(?P<single>(?:\\.|[^'\\])*)'(?=[\s;{)]|$)
      | (?P<word>(?:\\.|\$\{[^}]*\}|[^\s;{}"'\\])(?:\\.|\$\{[^}]*\}|[^\s;{}\\])*)
    """,
    re.VERBOSE | re.DOTALL,
)


_NEEDS_VALUE = {"proxy_pass", "uwsgi_pass", "alias", "root", "listen", "access_log", "server_name"}


class Token(NamedTuple):
    """A word, or one of `;`, `{` and `}`."""

    text: str
    line: int
    is_sign: bool


def parse(path: str, text: str) -> tuple[Directive, ...]:
    """Return what a file says.

    What `include` names is not read, and what `content_by_lua_block` holds is no directive.

    Args:
        path: of the file, for messages.
        text: what is in it.

    Raises:
        OutriderError: Nginx would not read it either, with the line.
    """
    return _block(path, _tokens(path, text), None)


def _tokens(path: str, text: str) -> Iterator[Token]:
    place, line = 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise errors.bad_nginx_file(path, line, "a quote is not closed, or not followed by ';'")
        kind = match.lastgroup
        if kind in ("double", "single"):
            yield Token(re.sub(r"\\([\"'\\])", r"\1", match[kind]), line, is_sign=False)
        elif kind in ("word", "sign"):
            yield Token(match[kind], line, is_sign=kind == "sign")
        line += match[0].count("\n")
        place = match.end()
    yield Token("", line, is_sign=True)


def _block(path: str, tokens: Iterator[Token], opened: int | None) -> tuple[Directive, ...]:
    """Return the directives up to the end of a block, or of the file."""
    directives: list[Directive] = []
    words: list[str] = []
    first = 0
    for token in tokens:
        if not token.is_sign:
            first = first if words else token.line
            words.append(token.text)
            continue
        if token.text in (";", "{"):
            if not words:
                raise errors.bad_nginx_file(path, token.line, f"'{token.text}' is unexpected")
            block = _block(path, tokens, first) if token.text == "{" else None
            name, *rest = words
            if name in _NEEDS_VALUE and not rest:
                raise errors.bad_nginx_file(path, first, f"{name} has no value")
            directives.append(
                Directive(name=name, words=tuple(rest), line=first, path=path, block=block)
            )
            words = []
        else:
            _refuse_end(path, token, words, opened)
            break
    return tuple(directives)


def _refuse_end(path: str, token: Token, words: list[str], opened: int | None) -> None:
    if words:
        raise errors.bad_nginx_file(path, token.line, f"no ';' after '{' '.join(words)}'")
    if token.text == "}" and opened is None:
        raise errors.bad_nginx_file(path, token.line, "'}' closes nothing")
    if not token.text and opened is not None:
        raise errors.bad_nginx_file(path, opened, "the block that opens here is not closed")
