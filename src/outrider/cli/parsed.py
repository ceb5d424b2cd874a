"""Options that are no settings."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider.values import BadValueError, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable


class Parsed(click.ParamType):  # type: ignore[type-arg]  # generic only in newer ones
    """An option that is no setting, with one of their parsers."""

    def __init__(self, parse: Callable[[object], Any]) -> None:
        self.parse = parse
        self.name = parse.__name__

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value, or tell what it has to be."""
        try:
            return self.parse(value)
        except BadValueError as error:
            self.fail(f"{value!r}; it takes {error}", param, ctx)


def parse_place(raw: object) -> str:
    """Return an absolute path; a relative one starts where the command was typed."""
    return os.path.normpath(Path.cwd() / parse_path(raw))
