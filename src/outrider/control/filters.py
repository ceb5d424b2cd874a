"""Which lines of the log are wanted: those of a request stand together."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from outrider.values import BadValueError, parse_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.logline import Record, Request

_REQUESTS, _LINES = 500, 200
"""What is remembered: requests that have not ended, and lines of each."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a line has to be; what is empty is not asked for.

    Attributes:
        statuses: `404`, or `5xx` for all that begin with 5.
        path: a glob for the URL without its query.
        request_id: how it begins.
        slower_s: seconds that the request took at least, the client's slowness included.
        source: `nginx`, `app`, `outrider` or the name of an extra process.
    """

    statuses: tuple[str, ...] = ()
    path: str = ""
    request_id: str = ""
    slower_s: float = 0
    source: str = ""

    @property
    def is_of_requests(self) -> bool:
        """It asks for what only the line of an ended request tells."""
        return bool(self.statuses or self.path or self.slower_s)

    def admits(self, request: Request) -> bool:
        """Tell whether a request is wanted."""
        path = request.uri.partition("?")[0]
        return (
            (not self.statuses or any(_is(request.status, wanted) for wanted in self.statuses))
            and (not self.path or fnmatchcase(path, self.path))
            and float(request.seconds) >= self.slower_s
        )


def _is(status: str, wanted: str) -> bool:
    return status == wanted or (wanted.endswith("xx") and status[:1] == wanted[:1])


@dataclass
class Choice:
    """Goes through the log and yields what is wanted, each with the time it came.

    What the app says while it serves a request comes before Nginx tells its status, so that it is
    held back until then; a traceback then stands above the line of its request.
    """

    wanted: Filter
    _held: OrderedDict[str, list[tuple[str, Record]]] = field(default_factory=OrderedDict)
    _admitted: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def of(self, when: str, record: Record) -> Iterator[tuple[str, Record]]:
        """Yield what is to be shown now that this line has come."""
        wanted = self.wanted
        if wanted.request_id and not record.request_id.startswith(wanted.request_id):
            return
        if record.request and wanted.is_of_requests:
            held = self._held.pop(record.request_id, [])
            if not wanted.admits(record.request):
                return
            yield from self._of_source(held)
            _keep(self._admitted, record.request_id, None)
        elif wanted.is_of_requests and record.request_id not in self._admitted:
            if record.request_id:
                lines = self._held.get(record.request_id, [])
                _keep(self._held, record.request_id, [*lines, (when, record)][-_LINES:])
            return
        yield from self._of_source([(when, record)])

    def _of_source(self, lines: list[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
        for when, record in lines:
            if self.wanted.source in ("", record.source):
                yield when, record


def _keep(memory: OrderedDict[str, Any], key: str, value: Any) -> None:
    memory[key] = value
    if len(memory) > _REQUESTS:
        memory.popitem(last=False)


def parse_status(raw: object) -> str:
    """Return `404` or `5xx`."""
    text = parse_text(raw).lower()
    if not re.fullmatch(r"[1-5](xx|[0-9]{2})", text):
        msg = "a status or a class of them, as 404 or 5xx"
        raise BadValueError(msg)
    return text


def parse_glob(raw: object) -> str:
    """Return a glob for the path of a URL."""
    text = parse_text(raw)
    if not text.startswith(("/", "*")):
        msg = "a path with * for anything, as '/shop/*' or '*.pdf'"
        raise BadValueError(msg)
    return text


def parse_request_id(raw: object) -> str:
    """Return the beginning of a request's id."""
    text = parse_text(raw).strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9._:-]{4,128}", text):
        msg = "the id of a request or how it begins, as the 18d80797 in a line of the log"
        raise BadValueError(msg)
    return text


def parse_duration(raw: object) -> float:
    """Return seconds of `500ms`, `2s`, `1.5s` or `2`."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(ms|s?)", parse_text(raw).lower())
    if match is None or float(match[1]) <= 0:
        msg = "a time, as 500ms or 2s"
        raise BadValueError(msg)
    return float(match[1]) / (1000 if match[2] == "ms" else 1)
