"""Counts what Nginx's access log says: a pure function of its lines and the time.

The log is what the supervisor reads anyway, so the figures cost no system call of Nginx's. Lines
come in batches, and most lines of a batch are alike (Nginx measures in milliseconds), so that equal
ones are counted first and only different ones are calculated with.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from outrider.metrics.figures import BOUNDS_S, Figures, Histogram, Latency, Rates, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from outrider.metrics.figures import Connections, Process

WINDOW_S = 60
"""What rates, shares and percentiles are taken from."""
RECENT_S = 120
"""How far back the figures of each second go."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Of a row as logline makes it: site, status, seconds and the app's seconds; bytes.
_KEY = itemgetter(1, 6, 8, 10)
_SITE = itemgetter(1)
_SIZE = itemgetter(7)
_EXACT_BITS = 7


@dataclass
class _Counts:
    """What was counted; times in milliseconds, each under the largest that its bucket holds."""

    statuses: Counter[str] = field(default_factory=Counter)
    client: Counter[int] = field(default_factory=Counter)
    app: Counter[int] = field(default_factory=Counter)
    without_app: int = 0
    sent_bytes: int = 0
    client_ms: int = 0
    app_ms: int = 0
    slow_client_ms: int = 0

    def count(self, status: str, took: int, app: int | None, number: int) -> None:
        """Count requests that are alike; of a WebSocket, the time tells nothing."""
        self.statuses[status] += number
        if app is None:
            self.without_app += number
        if status == "101":
            return
        self.client[_bucket(took)] += number
        self.client_ms += took * number
        if app is not None:
            self.app[_bucket(app)] += number
            self.app_ms += app * number
            self.slow_client_ms += max(0, took - app) * number

    def add(self, other: _Counts) -> None:
        self.statuses.update(other.statuses)
        self.client.update(other.client)
        self.app.update(other.app)
        self.without_app += other.without_app
        self.sent_bytes += other.sent_bytes
        self.client_ms += other.client_ms
        self.app_ms += other.app_ms
        self.slow_client_ms += other.slow_client_ms

    def rates(self, seconds: float) -> Rates:
        total = self.statuses.total()
        errors = sum(number for status, number in self.statuses.items() if status >= "500")
        return Rates(
            requests_per_second=round(total / seconds, 2),
            error_share=round(errors / total, 4) if total else 0.0,
            static_share=round(self.without_app / total, 4) if total else 0.0,
            client=_latency(self.client),
            app=_latency(self.app),
            slow_client_workers=round(self.slow_client_ms / 1000 / seconds, 3),
        )


class _Site:
    """One site's counts: those of each of the last seconds, and what is older."""

    def __init__(self) -> None:
        self.older = _Counts()
        self.seconds: deque[tuple[int, _Counts]] = deque()

    def at(self, second: int) -> _Counts:
        """Return the counts of a second, which is the last one or later."""
        if not self.seconds or self.seconds[-1][0] < second:
            self.seconds.append((second, _Counts()))
            while self.seconds[0][0] < second - RECENT_S:
                self.older.add(self.seconds.popleft()[1])
        return self.seconds[-1][1]


class Metrics:
    """Counts the requests of all sites.

    Args:
        started: the time of the start, in seconds of the clock that all later calls use.
        sites: the names of several sites, so that each is told of before its first request.
    """

    def __init__(self, started: float, sites: Iterable[str] = ()) -> None:
        self._started = started
        self._sites = {name: _Site() for name in sites}

    def add(self, rows: Sequence[tuple[str, ...]], now: float) -> None:
        """Count the requests of a batch.

        Args:
            rows: as logline makes them.
            now: the time.
        """
        alike = Counter(map(_KEY, rows)).items()
        counts = {site: self._counts(site, now) for site in {key[0] for key, _ in alike}}
        for (site, status, seconds, upstream), number in alike:
            counts[site].count(status, _milliseconds(seconds) or 0, _milliseconds(upstream), number)
        if len(counts) == 1:
            next(iter(counts.values())).sent_bytes += sum(map(int, map(_SIZE, rows)))
        else:
            for site, size in zip(map(_SITE, rows), map(int, map(_SIZE, rows)), strict=True):
                counts[site].sent_bytes += size

    def _counts(self, site: str, now: float) -> _Counts:
        if site not in self._sites:
            self._sites[site] = _Site()
        return self._sites[site].at(int(now))

    def figures(
        self,
        now: float,
        processes: Iterable[Process] = (),
        connections: Connections | None = None,
    ) -> Figures:
        """Return the figures.

        Args:
            now: the time.
            processes: what else is known.
            connections: the same.
        """
        several = {name: site for name, site in self._sites.items() if name}
        return Figures(
            uptime_s=round(now - self._started, 1),
            traffic=self._traffic(self._sites.values(), now),
            sites={name: self._traffic((site,), now) for name, site in several.items()},
            processes=tuple(processes),
            connections=connections,
        )

    def _traffic(self, sites: Iterable[_Site], now: float) -> Traffic:
        total, minute = _Counts(), _Counts()
        recent: dict[int, _Counts] = {}
        for site in sites:
            total.add(site.older)
            for second, counts in site.seconds:
                recent.setdefault(second, _Counts()).add(counts)
        for second, counts in recent.items():
            total.add(counts)
            if now - WINDOW_S < second + 1:
                minute.add(counts)
        none = _Counts()
        # The running second is not over.
        seconds = range(max(math.ceil(self._started), int(now) - RECENT_S), int(now))
        return Traffic(
            requests=total.statuses.total(),
            statuses=dict(sorted(total.statuses.items())),
            without_app=total.without_app,
            sent_bytes=total.sent_bytes,
            slow_client_s=total.slow_client_ms / 1000,
            client=_histogram(total.client, total.client_ms),
            app=_histogram(total.app, total.app_ms),
            last_minute=minute.rates(min(WINDOW_S, max(1.0, now - self._started))),
            recent=tuple(recent.get(second, none).rates(1) for second in seconds),
        )


@functools.lru_cache(maxsize=4096)
def _milliseconds(text: str) -> int | None:
    """Return a time of Nginx's, None when there is none.

    Several upstreams, or several tries, make a list: `0.001, 0.002 : 0.004`.
    https://nginx.org/en/docs/http/ngx_http_upstream_module.html#var_upstream_response_time
    """
    numbers = _NUMBER.findall(text)
    return round(sum(map(float, numbers)) * 1000) if numbers else None


def _bucket(ms: int) -> int:
    """Return the largest time of the bucket: each is exact below 128 ms, and to 1.6 % above."""
    shift = max(0, ms.bit_length() - _EXACT_BITS)
    return (((ms >> shift) + 1) << shift) - 1


def _latency(counts: Counter[int]) -> Latency:
    return Latency(
        **{
            f"p{percent}": ms / 1000
            for percent, ms in zip((50, 95, 99), _percentiles(counts, (50, 95, 99)), strict=False)
        }
    )


def _percentiles(counts: Counter[int], percents: Sequence[int]) -> Iterator[int]:
    """Yield the nearest rank of each: https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method."""
    ranks = deque(math.ceil(counts.total() * percent / 100) for percent in percents)
    seen = 0
    for ms in sorted(counts):
        seen += counts[ms]
        while ranks and seen >= ranks[0]:
            ranks.popleft()
            yield ms


def _histogram(counts: Counter[int], sum_ms: int) -> Histogram:
    return Histogram(
        counts=tuple(
            sum(number for ms, number in counts.items() if ms <= bound * 1000) for bound in BOUNDS_S
        ),
        count=counts.total(),
        sum_s=sum_ms / 1000,
    )
