"""The environment file: KEY=VALUE lines, as Compose and systemd take them."""

from __future__ import annotations

import contextlib
import re

from outrider import errors

_LINE = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_ALTERED = re.compile(
    r"""
    " [^"]*? (?: \$[A-Za-z_{$] | \\[abcfnrtv"\\$] )
    | ' [^']* \\'
    | (?!['"]) (?: (?!\s\#). )*? \$ (?: [A-Za-z_{$] )
    """,
    re.VERBOSE,
)
"""Within double quotes, within single quotes, and without."""


def parse(path: str, text: str) -> dict[str, str]:
    """Return the variables of an environment file.

    Blank lines and lines that start with `#` are skipped. A value in quotes is taken as it stands
    between them; without quotes, ` #` starts a comment. Nothing is substituted, so that `$` in a
    password stays a `$`.

    Raises:
        OutriderError: a line that is not KEY=VALUE, with its number.
    """
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            why = "no name of a variable before '='" if "=" in stripped else "there is no '='"
            raise errors.bad_env_file(path, number, _masked(stripped), why)
        variables[match["key"]] = _value(match["value"], path, number, match["key"])
    return variables


def altered_by_compose(text: str) -> tuple[str, ...]:
    """Return the variables that Compose would not give as they stand in an environment file.

    Outside of single quotes it replaces `$NAME`, `${NAME}` and `$$`, within double ones `\\n` too.
    https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
    """
    matches = [_LINE.fullmatch(line.strip()) for line in text.splitlines()]
    return tuple(one["key"] for one in matches if one and _ALTERED.match(one["value"]))


def readable(text: str) -> dict[str, str]:
    """Return the variables of a file that others read as well, less what only they understand."""
    variables: dict[str, str] = {}
    for line in text.splitlines():
        with contextlib.suppress(errors.OutriderError):
            variables |= parse("", line)
    return variables


def _value(raw: str, path: str, number: int, key: str) -> str:
    quote = raw[:1]
    if quote and quote in "'\"":
        closing = raw.find(quote, 1)
        rest = raw[closing + 1 :].strip()
        if closing < 0 or (rest and not rest.startswith("#")):
            raise errors.bad_env_file(
                path, number, f"{key}=…", "the closing quote is missing or misplaced"
            )
        value = raw[1:closing]
    else:
        value = re.split(r"\s+#", raw, maxsplit=1)[0].rstrip()
    if "\0" in value:
        raise errors.bad_env_file(path, number, f"{key}=…", "it holds a zero byte")
    return value


def _masked(line: str) -> str:
    """Show what could be a name, and nothing of a secret; the line is found by its number."""
    name, equals, _ = line.partition("=")
    return f"{name[:12]}=…" if equals else "…"
