"""Clients that ask again and again for all kinds of things, and check every byte of the answers."""

from __future__ import annotations

import http.client
import os
import select
import statistics
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.reliability.app.app import PIECE, PIECES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

PATIENCE_S = 60
PAUSE_S = 0.02
STATIC = (Path(__file__).parent / "app" / "static" / "site.css").read_bytes()
BODY = os.urandom(300_000)  # more than Nginx keeps in memory
CUT_OFF = (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)


@dataclass(frozen=True)
class Request:
    """One request, as its client has seen it."""

    kind: str
    is_kept: bool
    begun: float
    ended: float
    failure: str = ""
    """What was wrong with the answer; empty when nothing was."""
    mark: str = ""
    """An upload's own."""

    @property
    def is_reset(self) -> bool:
        """Tell whether there was no answer to look at."""
        return self.failure in ("reset", "refused")


class WrongError(Exception):
    """An answer that is not what it should be."""


@dataclass
class Load:
    """The clients, from the beginning of a `with` block to its end.

    Attributes:
        port: on 127.0.0.1.
        generations: whose answers are right, to what is sent at the moment.
        done: all requests that have ended.
        in_flight: when each of those was sent that have not.
        reopened: how often a kept connection had been closed while nothing was asked on it.
    """

    port: int
    generations: frozenset[int] = frozenset({1})
    done: list[Request] = field(default_factory=list)
    in_flight: dict[int, float] = field(default_factory=dict)
    reopened: int = 0
    answered_by: set[int] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(kind, ask, is_kept), daemon=True)
            for kind, ask, count in KINDS
            for is_kept in (True, False)
            for _ in range(count)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)

    def _ask(self, kind: str, ask: Ask, is_kept: bool) -> None:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        while not self._is_over.wait(PAUSE_S):
            if client.sock and select.select([client.sock], [], [], 0)[0]:
                self.reopened += 1  # as every client that keeps connections has to
                client.close()
            mark = os.urandom(8).hex()
            begun = time.monotonic()
            self.in_flight[threading.get_ident()] = begun
            failure = self._failure(ask, client, mark)
            del self.in_flight[threading.get_ident()]
            self.done.append(Request(kind, is_kept, begun, time.monotonic(), failure, mark))
            if failure or not is_kept:
                client.close()
        client.close()

    def _failure(self, ask: Ask, client: http.client.HTTPConnection, mark: str) -> str:
        expected = self.generations
        try:
            generation = ask(client, mark)
        except WrongError as error:
            return str(error)
        except ConnectionRefusedError:
            return "refused"
        except CUT_OFF:
            return "reset"
        except http.client.IncompleteRead:
            return "cut short"
        except TimeoutError:
            return f"no answer in {PATIENCE_S} s"
        except (OSError, ValueError, http.client.HTTPException) as error:
            return type(error).__name__
        if generation is not None:
            self.answered_by.add(generation)
            if generation not in expected | self.generations:
                return f"answered by generation {generation}"
        return ""


def answer(
    client: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return an answer with status 200, whole.

    Raises:
        WrongError: it has another status.
    """
    client.request(method, path, body=body)
    response = client.getresponse()
    content = response.read()
    if response.status != 200:
        raise WrongError(f"status {response.status}")
    return response, content


def _insist(is_right: bool) -> None:
    if not is_right:
        raise WrongError("wrong body")


def ask_page(client: http.client.HTTPConnection, _mark: str = "") -> int:
    """Return which generation has answered."""
    number, word = answer(client, "GET", "/")[1].decode().split()
    _insist(word == "page")
    return int(number)


def _ask_static(client: http.client.HTTPConnection, _mark: str) -> None:
    _insist(answer(client, "GET", "/static/site.css")[1] == STATIC)


def _upload(client: http.client.HTTPConnection, mark: str) -> int:
    number, *got = answer(client, "POST", f"/upload?id={mark}", BODY)[1].decode().split()
    _insist(got == [str(len(BODY)), str(zlib.crc32(BODY))])
    return int(number)


def _download(client: http.client.HTTPConnection, _mark: str) -> int:
    response, content = answer(client, "GET", "/download")
    number = int(response.headers["Generation"])
    _insist(content == bytes([number % 256]) * PIECE * PIECES)
    return number


if TYPE_CHECKING:
    Ask = Callable[[http.client.HTTPConnection, str], int | None]

KINDS: tuple[tuple[str, Ask, int], ...] = (
    ("page", ask_page, 2),
    ("static file", _ask_static, 1),
    ("upload", _upload, 1),
    ("download", _download, 1),
)
"""How each is asked for, and by how many clients on kept connections, and as many on new ones."""


def by_kind(requests: Iterable[Request]) -> list[dict[str, str | int | float]]:
    """Return a row for each kind of request on each kind of connection."""
    groups: dict[tuple[str, bool], list[Request]] = {}
    for one in requests:
        groups.setdefault((one.kind, one.is_kept), []).append(one)
    order = [kind for kind, *_ in KINDS]
    return [
        {
            "request": kind,
            "connection": "kept" if is_kept else "new",
            "sent": len(found),
            "failed": sum(bool(one.failure) for one in found),
            "reset": sum(one.is_reset for one in found),
            "median ms": round(1000 * statistics.median(one.ended - one.begun for one in found)),
            "slowest ms": round(1000 * max(one.ended - one.begun for one in found)),
        }
        for (kind, is_kept), found in sorted(
            groups.items(), key=lambda item: (order.index(item[0][0]), not item[0][1])
        )
    ]


def uploads_in_doubt(requests: Iterable[Request], ledger: Path) -> list[str]:
    """Return what does not fit what the app has written down of its uploads."""
    written = ledger.read_text().split()
    answered = {one.mark for one in requests if one.kind == "upload" and not one.failure}
    found = []
    if missing := answered - set(written):
        found.append(f"{len(missing)} uploads were answered that the app never had")
    if len(written) > len(set(written)):
        found.append(f"{len(written) - len(set(written))} uploads came to the app twice")
    return found
