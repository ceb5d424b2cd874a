"""The lines of Nginx and Gunicorn, taken apart."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_TAG = re.compile(r"\[req ([A-Za-z0-9._:-]{1,128})\] ?")
_GUNICORN = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] "
    r"\[(?P<pid>\d+)\] \[(?P<level>[A-Z]+)\] (?P<text>.*)"
)
_NGINX = re.compile(
    r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?P<level>[a-z]+)\] (?P<pid>\d+)#\d+: (?P<text>.*)"
)
_LEVELS = {"warn": "warning", "crit": "critical", "alert": "critical", "emerg": "critical"}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of the log.

    Attributes:
        source: `nginx`, `app` or the name of an extra process.
        level: `info`, `warning`, `error`, `critical`, or empty when the line says none.
        text: the line without what the other fields say.
        site: whose line it is, where there are several; empty for what is all sites'.
        request_id: which request it belongs to, or empty.
        request: of an access line: its fields.
    """

    source: str
    text: str
    level: str = ""
    pid: int | None = None
    site: str = ""
    request_id: str = ""
    request: dict[str, Any] = field(default_factory=dict)


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
    if line.startswith('{"time":'):
        try:
            request = json.loads(line)
        except json.JSONDecodeError:
            return Record(source="nginx", text=line)
        request_id = str(request.pop("id", ""))
        site = str(request.pop("site", ""))
        text = f"{request.get('status')} {request.get('method')} {request.get('uri')}"
        return Record(source="nginx", text=text, site=site, request_id=request_id, request=request)
    if match := _NGINX.fullmatch(line):
        level = _LEVELS.get(match["level"], match["level"])
        return Record(source="nginx", text=match["text"], level=level, pid=int(match["pid"]))
    return Record(source="nginx", text=line)
