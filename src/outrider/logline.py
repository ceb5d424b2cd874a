"""The lines of Nginx and Gunicorn, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_TAG = re.compile(r"\[req ([A-Za-z0-9._:-]{1,128})\] ?")
_GUNICORN = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] "
    r"\[(?P<pid>\d+)\] \[(?P<level>[A-Z]+)\] (?P<text>.*)"
)
_NGINX = re.compile(
    r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?P<level>[a-z]+)\] (?P<pid>\d+)#\d+: (?P<text>.*)"
)
# As templates/nginx.conf.j2 has them written: quotes and controls in a value are escaped there.
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_REQUEST = re.compile(
    r'^\{"time":"[^"T]*T([\d:]*)[^"]*","source":"nginx",(?:"site":"([^"]*)",)?'
    rf'"request_id":"([^"]*)","client":"([^"]*)","method":{_TEXT},"host":"[^"]*","uri":{_TEXT},'
    r'"status":([1-9]\d\d),"bytes":(\d+),"seconds":([\d.]+),"upstream_status":"([^"]*)",'
    r'"upstream_seconds":"([^"]*)",.*\}$',
    re.MULTILINE,
)
_LEVELS = {"warn": "warning", "crit": "critical", "alert": "critical", "emerg": "critical"}


class Request(NamedTuple):
    """What Nginx says of a request, as it has written it: most of it is only passed on."""

    clock: str
    site: str
    id: str
    client: str
    method: str
    uri: str
    status: str
    bytes: str
    seconds: str
    upstream_status: str
    """Of several attempts, a list; `-` or empty when the app was not asked. So are the seconds."""
    upstream_seconds: str


Row = tuple[str, str, str, str, str, str, str, str, str, str, str]
"""The same where there are thousands of them."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of the log.

    Attributes:
        source: `nginx`, `app` or the name of an extra process.
        level: `info`, `warning`, `error`, `critical`, or empty when the line says none.
        text: the line without what the other fields say; of a request, all of it.
        site: whose line it is, where there are several; empty for what is all sites'.
        request_id: which request it belongs to, or empty.
        request: of a line of Nginx's that tells of one.
    """

    source: str
    text: str
    level: str = ""
    pid: int | None = None
    site: str = ""
    request_id: str = ""
    request: Request | None = None


class Requests(NamedTuple):
    """Lines of Nginx, the requests apart from the rest.

    Attributes:
        lines: of requests, each an object of JSON.
        rows: the same, taken apart.
        others: what is no request.
    """

    lines: list[str]
    rows: list[Row]
    others: list[str]


def requests(lines: list[str]) -> Requests:
    """Take Nginx's lines apart, all at once: on a busy site there are thousands in a second."""
    rows = _REQUEST.findall("\n".join(lines))
    if len(rows) == len(lines):
        return Requests(lines, rows, [])
    apart: tuple[list[str], list[str]] = [], []
    for line in lines:
        apart[_REQUEST.fullmatch(line) is None].append(line)
    return Requests(apart[0], rows, apart[1])


def parse(source: str, line: str, site: str = "") -> Record:
    """Take one line apart; what is not understood is passed on as text.

    Args:
        source: as in the record.
        line: without its end.
        site: of a line that is not Nginx's, the name of the site where there are several.
    """
    line = line.rstrip("\r")
    if source == "nginx":
        return _nginx(line)
    if source != "app":
        return Record(source=source, text=line, site=site)
    request_id = ""
    if match := _TAG.match(line):
        request_id, line = match[1], line[match.end() :]
    if match := _GUNICORN.fullmatch(line):
        level = match["level"].lower()
        return Record(
            source="app",
            text=match["text"],
            level=level,
            pid=int(match["pid"]),
            site=site,
            request_id=request_id,
        )
    return Record(source="app", text=line, site=site, request_id=request_id)


def _nginx(line: str) -> Record:
    if found := _REQUEST.fullmatch(line):
        request = Request(*found.groups(""))
        return Record(
            source="nginx", text=line, site=request.site, request_id=request.id, request=request
        )
    if match := _NGINX.fullmatch(line):
        level = _LEVELS.get(match["level"], match["level"])
        return Record(source="nginx", text=match["text"], level=level, pid=int(match["pid"]))
    return Record(source="nginx", text=line)
