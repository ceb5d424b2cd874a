"""Clients of a site that count what is lost: on new connections and on kept ones, GET and POST."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

_LINK = re.compile(r"href='([^']+)'")
_RELEASE = re.compile(r"release (\w+)")
BODY = b"x" * 2000


@dataclass
class Load:
    """Clients in threads of their own, from `with` to its end; never longer than `at_most_s`."""

    address: tuple[str, int]
    at_most_s: float = 240
    pause_s: float = 0.03
    answered: Counter[str] = field(default_factory=Counter)
    lost: list[tuple[float, str, str]] = field(default_factory=list)
    """When, what kind of request, and what came instead of its answer."""
    releases: set[str] = field(default_factory=set)
    slowest_s: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _begun: float = 0.0

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        for method in ("GET", "POST"):
            for keeps in (True, False):
                for _ in range(2):
                    thread = threading.Thread(target=self._client, args=(method, keeps))
                    self._threads.append(thread)
        self._threads.append(threading.Thread(target=self._slow_client))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def gaps(self) -> list[float]:
        """Return how long requests were lost, each time: less than a second apart."""
        spans: list[list[float]] = []
        for when in sorted(when for when, _, _ in self.lost):
            if not spans or when - spans[-1][1] > 1:
                spans.append([when, when])
            spans[-1][1] = when
        return [end - start for start, end in spans]

    def describe(self) -> str:
        """Return what a person wants to know of it."""
        kinds = Counter((kind, what) for _, kind, what in self.lost)
        gaps = ", ".join(f"{length:.1f} s" for length in self.gaps)
        return (
            f"{sum(self.answered.values())} answered, {len(self.lost)} lost"
            f"{f' during {gaps}' if gaps else ''}, slowest {self.slowest_s:.1f} s"
            + "".join(f"\n  {count:6} {kind}: {what}" for (kind, what), count in kinds.items())
        )

    def _client(self, method: str, keeps: bool) -> None:
        kind = f"{method} on a {'kept' if keeps else 'new'} connection"
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        while not self._over.is_set() and time.monotonic() - self._begun < self.at_most_s:
            self._ask(connection, method, "/", kind)
            if not keeps:
                connection.close()
            self._over.wait(self.pause_s)
        connection.close()

    def _slow_client(self) -> None:
        """Ask for what takes longer than a release's switch."""
        while not self._over.is_set() and time.monotonic() - self._begun < self.at_most_s:
            connection = http.client.HTTPConnection(*self.address, timeout=20)
            self._ask(connection, "GET", "/slow?s=1.5", "a slow request")
            connection.close()
            self._over.wait(self.pause_s)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, kind: str
    ) -> None:
        begun = time.monotonic()
        try:
            connection.request(method, path, body=BODY if method == "POST" else None)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.lost.append((time.monotonic() - self._begun, kind, type(error).__name__))
            return
        if "slow" not in path:
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        if response.status != 200:
            self.lost.append((time.monotonic() - self._begun, kind, f"{response.status} {path}"))
            return
        self.answered[kind] += 1
        if found := _RELEASE.search(text):
            self.releases.add(found[1])
        if (link := _LINK.search(text)) and sum(self.answered.values()) % 5 == 0:
            # A page that names a style which is not there is a page without a style.
            self._ask(connection, "GET", link[1], "a file that a page names")
