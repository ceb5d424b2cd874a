"""What the supervisor itself says, for those who follow the log from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.errors import OutriderError
    from outrider.serve.runner import Reporter


class Overheard:
    """Reports, and hands on what is no line of the log already.

    Args:
        report: who is told first.
        hand_on: hears the lines.
    """

    def __init__(self, report: Reporter, hand_on: Callable[[list[str]], None]) -> None:
        self._report = report
        self._hand_on = hand_on
        self.log = report.log
        self.requests = report.requests

    def step(self, text: str) -> None:
        """Say what is being done."""
        self._report.step(text)
        self._hand_on([text])

    def warn(self, text: str) -> None:
        """Say what the operator should look at."""
        self._report.warn(text)
        self._hand_on([f"warning: {text}"])

    def error(self, error: OutriderError) -> None:
        """Say what happened and what was found."""
        self._report.error(error)
        self._hand_on([f"error: {error.what}", *"\n".join(error.found).splitlines()])
