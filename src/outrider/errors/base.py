"""What an error is: its words as data, and its exit code."""

from __future__ import annotations

import shlex
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Exit(IntEnum):
    """Exit codes, one for each kind of trouble; 2 is also what click gives for wrong usage."""

    OK = 0
    INTERNAL = 1
    SETTINGS = 2
    TARGET = 3
    IMPORT = 4
    NOT_AN_APP = 5
    NGINX = 6
    GUNICORN = 7
    BIND = 8
    FILES = 9
    BOOT = 10
    DIED = 11
    KILLED = 12
    DOCKER = 13
    BENCH = 14
    CONTROL = 15
    RELOAD = 16


class OutriderError(Exception):
    """Something that the user can put right.

    Attributes:
        id: stable name, the heading in docs/reference/errors.md.
        what: what happened, one line without a full stop.
        found: evidence, an entry each; a traceback of the user's own code is one entry.
        fix: remedies, the best first, each with the exact text to type.
        exit_code: the process's exit code.
    """

    def __init__(
        self,
        id: str,
        what: str,
        *,
        exit_code: Exit,
        found: Sequence[str] = (),
        fix: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.id = id
        self.what = what
        self.found = tuple(found)
        self.fix = tuple(fix)
        self.exit_code = exit_code

    def of_site(self, label: str) -> OutriderError:
        """Return the same error of one of several sites, which are told apart in a file."""
        whose = f"in site {label!r}; instead of a flag, write the setting into its [[site]]"
        return OutriderError(
            self.id,
            self.what,
            found=[*self.found, whose],
            fix=self.fix,
            exit_code=self.exit_code,
        )

    def of_reload(self) -> OutriderError:
        """Return the same error of new code, beside which the old code serves on."""
        return OutriderError(
            self.id,
            f"{self.what}, so that the old code serves on",
            found=self.found,
            fix=self.fix,
            exit_code=self.exit_code,
        )


def quoted(text: str) -> str:
    """Return a word to type in a shell, in the quotes that are the easier to read."""
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return shlex.quote(text)
