"""The only printer. Code reports kinds; this file decides how they look.

Results go to standard output, talk goes to standard error; colour is per stream.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import io
import json
import re
import shutil
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from outrider.logline import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from outrider.errors import OutriderError
    from outrider.logline import Record, Row
    from outrider.site import Decision, Fleet

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
_LEVEL_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}
_WAITING_LINES = 10_000
_AT_ONCE = 256
"""Texts in one write: a reader that is slow is not given all of them."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Console:
    """Writes to two streams.

    Args:
        stdout: for results.
        stderr: for talk.
        env: NO_COLOR and FORCE_COLOR are read: https://no-color.org
    """

    def __init__(self, stdout: TextIO, stderr: TextIO, env: dict[str, str]) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.is_json = False
        self.clock: Callable[[], str] | None = None
        """Says when something is said, for JSON."""
        self._env = env
        self._log = _Lane(stdout)
        self._said = _Lane(stderr)
        self._request = ""
        self._is_terminal = {id(stream): stream.isatty() for stream in (stdout, stderr)}

    @classmethod
    def standard(cls, env: dict[str, str]) -> Console:
        """Return the console of this process's own streams."""
        # A stream that was closed when Python started is None.
        return cls(sys.stdout or io.StringIO(), sys.stderr or io.StringIO(), env)

    # -- talk --------------------------------------------------------------------------------------

    def step(self, text: str) -> None:
        """Say what is being done."""
        self._talk("step", text)

    def found(self, label: str, text: str) -> None:
        """Say what was found out."""
        self._talk("found", f"{label:<9} {text}")

    def warn(self, text: str) -> None:
        """Say what the operator should look at."""
        self._talk("warning", text)

    def _talk(self, kind: str, text: str) -> None:
        if self.is_json:
            self._put_object(kind, text=text)
            return
        mark = {
            "warning": self._paint("warning: ", "yellow", self.stderr),
            "step": self._paint("", "bold", self.stderr),
            "found": "  ",
        }[kind]
        self._say(f"{mark}{text}\n")

    def progress(self, text: str) -> None:
        """Show on a terminal how something stands, in a line that the next call replaces.

        An empty text removes it.
        """
        if not self.stderr.isatty():
            return
        # Longer than the terminal is wide, it could not be replaced.
        width = shutil.get_terminal_size().columns - 1
        self._say("\r\x1b[K" + text[:width])

    def error(self, error: OutriderError) -> None:
        """Say what happened, what was found and what to type."""
        if self.is_json:
            self._put_object(
                "error",
                id=error.id,
                text=error.what,
                found=error.found,
                fix=error.fix,
                exit_code=int(error.exit_code),
            )
            return
        lines = [self._paint("error: ", "red", self.stderr) + error.what]
        for number, entry in enumerate(error.found):
            lines += _hanging("found:" if number == 0 else "", entry)
        for number, remedy in enumerate(error.fix, start=1):
            label = "do:" if number == 1 else ""
            lines += _hanging(label, f"{number}. {remedy}" if len(error.fix) > 1 else remedy)
        self._say("\n".join(lines) + "\n")

    def _put_object(self, kind: str, **fields: object) -> None:
        when = {"time": self.clock()} if self.clock else {}
        said = {**when, "source": "outrider", "kind": kind, **fields}
        self._put(json.dumps(said, ensure_ascii=False))

    def _say(self, text: str) -> None:
        if self._said.is_running:
            self._said.put(text)
            return
        with contextlib.suppress(OSError, ValueError):
            self.stderr.write(text)
            self.stderr.flush()

    # -- results -----------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Print a result as it is."""
        with contextlib.suppress(BrokenPipeError):
            self._write(text)

    def _write(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def refresh(self, text: str, *, in_place: bool) -> bool:
        """Print a result that the next one stands for, and tell whether somebody reads it.

        Args:
            text: the result.
            in_place: on a terminal, where the one before stands.
        """
        text = text.rstrip("\n")
        if in_place and self._is_terminal[id(self.stdout)]:
            # From the top, each line to its end, and nothing below: without a flicker.
            size = shutil.get_terminal_size()
            lines = [line[: size.columns] for line in text.splitlines()[: size.lines - 1]]
            text = "\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J"
        else:
            text += "\n\n" if in_place else "\n"
        try:
            self._write(text)
        except BrokenPipeError:
            return False
        return True

    def plan(self, fleet: Fleet) -> None:
        """Print every decision as a table: value, where it came from, why."""
        if len(fleet.sites) == 1:
            self._table(fleet.first.decisions)
            return
        self.write(f"{self._paint('all sites', 'bold', self.stdout)}\n")
        self._table(fleet.decisions, "  ")
        for site in fleet.sites:
            title = self._paint(f"site {site.name}", "bold", self.stdout)
            self.write(f"\n{title}  {site.url}\n")
            self._table(site.decisions, "  ")

    def _table(self, decisions: Sequence[Decision], margin: str = "") -> None:
        rows = [(d.name, d.value, d.origin) for d in decisions]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for decision, row in zip(decisions, rows, strict=True):
            cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
            colour = "yellow" if decision.is_warning else "bold"
            cells[0] = self._paint(cells[0], colour, self.stdout)
            why = ("! " if decision.is_warning else "") + decision.why
            line = "  ".join([*cells, self._paint(why, "dim", self.stdout)])
            self.write(margin + line.rstrip() + "\n")

    def plan_json(self, fleet: Fleet) -> None:
        """Print the sites and their decisions for a script; one alone is not in a list."""
        sites = [asdict(site) | {"url": site.url} for site in fleet.sites]
        model = sites[0]
        if len(sites) > 1:
            model = {"sites": sites, "decisions": [asdict(d) for d in fleet.decisions]}
        self.write(json.dumps(model, indent=2, ensure_ascii=False, default=_plain) + "\n")

    # -- the log of a running site -----------------------------------------------------------------

    def log(self, record: Record, now: str) -> None:
        """Queue a line of the log.

        Args:
            now: ISO time with its zone.
        """
        if record.request:
            self.requests(Requests([record.text], [record.request], []))
            return
        if self.is_json:
            fields: dict[str, Any] = {"time": now, "source": record.source}
            fields |= {"site": record.site} if record.site else {}
            fields |= {"level": record.level} if record.level else {}
            fields |= {"request_id": record.request_id} if record.request_id else {}
            fields |= {"pid": record.pid} if record.pid else {}
            fields |= {"text": record.text}
            self._put(json.dumps(fields, ensure_ascii=False))
            return
        self._put(f"{now[11:19]} {record.source:<6} {_of(record)}{self._line(record)}")

    def _line(self, record: Record) -> str:
        # The id stands once, at the first of the lines that one request writes.
        mark = (
            record.request_id[:8]
            if record.request_id and record.request_id != self._request
            else ""
        )
        self._request = record.request_id
        colour = _LEVEL_COLOURS.get(record.level, "")
        text = _visible(f"{record.level}: {record.text}" if colour else record.text)
        return (f"[{mark}] " if mark else "") + self._paint(text, colour, self.stdout)

    def requests(self, found: Requests) -> None:
        """Queue the lines of requests that Nginx has answered."""
        if not found.rows:
            return
        if self.is_json:
            text = "\n".join(found.lines)
        else:
            self._request = ""
            text = "\n".join(map(self._request_line, found.rows))
        self._put(text, len(found.rows))

    def _request_line(self, row: Row) -> str:
        clock, site, request_id, client, method, uri, status, _, seconds, _, upstream = row
        colour = "red" if status >= "5" else "yellow" if status >= "4" else "green"
        if "\\" in uri or not uri.isprintable() or not method.isalpha():
            uri, method = _visible(_plain_text(uri)), _visible(_plain_text(method))
        return (
            f"{clock} nginx  {site and site + ': '}{self._paint(status, colour, self.stdout)} "
            f"{method} {uri}  {_milliseconds(seconds)} ({_by(upstream)})  {client}  "
            f"[{request_id[:8]}]"
        )

    @contextlib.contextmanager
    def streaming(self) -> Iterator[None]:
        """Write to both streams from threads, so that a paused terminal cannot stop the site."""
        with self._log.running(), self._said.running():
            yield

    def _put(self, text: str, lines: int = 1) -> None:
        if self._log.is_running:
            self._log.put(text + "\n", lines)
        else:
            self._write(text + "\n")

    def _paint(self, text: str, colour: str, stream: TextIO) -> str:
        if not text or not colour or "NO_COLOR" in self._env:
            return text
        if "FORCE_COLOR" not in self._env and not self._is_terminal[id(stream)]:
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


class _Lane:
    """Writes to a stream from a thread.

    When nobody reads for long, lines are lost and counted rather than kept without end.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_running = False
        self._stream = stream
        self._waiting: collections.deque[tuple[str, int]] = collections.deque()
        self._count = 0
        self._is_wanted = threading.Event()
        self._lost = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Write until the block ends, and a moment longer."""
        thread = threading.Thread(target=self._write, daemon=True)
        self.is_running = True
        thread.start()
        try:
            yield
        finally:
            self.is_running = False
            self._is_wanted.set()
            thread.join(timeout=2)

    def put(self, text: str, lines: int = 1) -> None:
        """Queue text that ends with its line, or lose it."""
        if self._count >= _WAITING_LINES:
            self._lost += lines
            return
        self._waiting.append((text, lines))
        self._count += lines
        if not self._is_wanted.is_set():
            self._is_wanted.set()

    def _write(self) -> None:
        while self.is_running or self._waiting:
            self._is_wanted.wait()
            self._is_wanted.clear()
            while self._waiting:
                lost, self._lost = self._lost, 0
                texts = [f"({lost} lines were lost: nobody read them)\n"] if lost else []
                for _ in range(min(len(self._waiting), _AT_ONCE)):
                    text, lines = self._waiting.popleft()
                    self._count -= lines
                    texts.append(text)
                try:
                    self._stream.write("".join(texts))
                    self._stream.flush()
                except (OSError, ValueError):  # the reader is gone; the site goes on
                    return


def _of(record: Record) -> str:
    return f"{record.site}: " if record.site else ""


def _visible(text: str) -> str:
    """Show control characters instead of sending them: a URL must not steer a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


@functools.lru_cache(maxsize=1024)
def _milliseconds(seconds: str) -> str:
    return f"{float(seconds) * 1000:.0f} ms"


@functools.lru_cache(maxsize=1024)
def _by(upstream: str) -> str:
    """Say who answered; of several attempts, the last."""
    last = upstream.rpartition(", ")[2].rpartition(" : ")[2]
    return f"app {_milliseconds(last)}" if last not in ("", "-") else "by nginx"


def _plain_text(text: str) -> str:
    """Undo what Nginx escapes in a string of JSON."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except json.JSONDecodeError:
        return text


def _hanging(label: str, text: str) -> list[str]:
    first, *rest = text.splitlines() or [""]
    return [f"  {label:<7}{first}", *(f"         {line}" for line in rest)]


def _plain(value: object) -> Sequence[str]:
    if isinstance(value, frozenset):
        return sorted(value)
    msg = f"{type(value).__name__} cannot be written as JSON"
    raise TypeError(msg)
