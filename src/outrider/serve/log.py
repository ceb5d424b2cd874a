"""What the sites and the supervisor say, in the terminal and for those who follow."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from outrider import logline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outrider.control import Hear
    from outrider.errors import OutriderError
    from outrider.logline import Record, Requests, Row


class Reporter(Protocol):
    """What `serve` says, and to whom is not its business."""

    def step(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def error(self, error: OutriderError) -> None: ...
    def log(self, record: Record, now: str) -> None: ...
    def requests(self, found: Requests) -> None: ...


class Log:
    """Reports, counts requests, and hands every line on to whoever follows.

    Args:
        report: who is told first.
        count: hears of the requests.
    """

    def __init__(self, report: Reporter, count: Callable[[list[Row]], None]) -> None:
        self._report = report
        self._count = count
        self._followers: list[Hear] = []

    def follow(self, hear: Hear) -> Callable[[], None]:
        """Hand on the log from now on; return what ends that."""
        self._followers.append(hear)
        return lambda: self._followers.remove(hear)

    def step(self, text: str) -> None:
        """Say what is being done."""
        self._report.step(text)
        self._hand_on(now(), "outrider", "", [text])

    def warn(self, text: str) -> None:
        """Say what the operator should look at."""
        self._report.warn(text)
        self._hand_on(now(), "outrider", "", [f"warning: {text}"])

    def error(self, error: OutriderError) -> None:
        """Say what happened and what was found."""
        self._report.error(error)
        lines = [f"error: {error.what}", *"\n".join(error.found).splitlines()]
        self._hand_on(now(), "outrider", "", lines)

    def lines(self, source: str, lines: Sequence[str], whose: str) -> None:
        """Hear what a process says, and of which site it is."""
        when = now()
        for line in lines:
            record = logline.parse(source, line, whose)
            # Nginx says so at each start, before it has read which levels are wanted.
            if record.level != "notice":
                self._report.log(record, when)
        self._hand_on(when, source, whose, lines)

    def front(self, lines: list[str]) -> None:
        """Hear what Nginx says, most of which are requests."""
        found = logline.requests(lines)
        self._count(found.rows)
        self.lines("nginx", found.others, "")
        self._report.requests(found)
        self._hand_on(now(), "nginx", "", found.lines)

    def _hand_on(self, when: str, source: str, site: str, lines: Sequence[str]) -> None:
        if lines:
            for hear in self._followers:
                hear(when, source, site, lines)


def now() -> str:
    """Return the time, ISO with its zone."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
