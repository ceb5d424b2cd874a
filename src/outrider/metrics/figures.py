"""The figures of a running site: what `status`, the dashboard and Prometheus tell."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Of the histograms: Prometheus's usual ones, and the minute that a slow client may take."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long requests took, in seconds; None when there were none."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The figures of a time."""

    requests_per_second: float
    error_share: float
    """Of all requests, those answered with 500 and above."""
    static_share: float
    """Of all requests, those that Nginx answered without the app."""
    client: Latency
    """From the first byte of the request to the last of the answer."""
    app: Latency
    """What the app took of it."""
    slow_client_workers: float
    """How many workers slow clients would have kept busy without Nginx in front."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many took at most so many seconds, since the start."""

    counts: tuple[int, ...]
    """For each of BOUNDS_S, those of the bounds below included."""
    count: int
    sum_s: float


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The requests of a site.

    Attributes:
        requests: how many since the start.
        statuses: how many of them were answered with which status.
        without_app: how many of them Nginx answered by itself.
        sent_bytes: of the answers' bodies.
        slow_client_s: seconds for which slow clients would have held a worker: what Nginx spent on
            requests to the app, less what the app did.
        client: as in the rates.
        app: as in the rates.
        last_minute: the rates of the last 60 seconds, or of those since the start.
        recent: the rates of each of the last seconds, the latest at the end.
    """

    requests: int
    statuses: Mapping[str, int]
    without_app: int
    sent_bytes: int
    slow_client_s: float
    client: Histogram
    app: Histogram
    last_minute: Rates
    recent: tuple[Rates, ...]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that is being answered."""

    method: str
    """`WEBSOCKET` for one."""
    path: str
    """Without its query, which may hold secrets."""
    seconds: float
    id: str
    is_stream: bool = False
    """It may last for hours by its nature."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process of the running site."""

    pid: int
    title: str
    """`Nginx`, `Gunicorn`, or the name of an extra process."""
    role: str
    """`master`, `worker`, or `child`: anything else that one of them has started."""
    site: str = ""
    generation: int | None = None
    state: str
    """`idle`, `busy` (it has requests), `stopped` or `ended`; of others than workers `running`."""
    age_s: float
    memory_bytes: int
    """Resident, as `ps` shows it."""
    cpu_s: float
    requests: int | None = None
    """Begun since the worker started; None where nothing is known of its requests."""
    in_flight: int = 0
    doing: tuple[Request, ...] = ()
    """The slowest of them first."""


_STATES = re.compile(r"Reading: (\d+) Writing: (\d+) Waiting: (\d+)")


@dataclass(frozen=True, kw_only=True)
class Connections:
    """The clients' connections now: https://nginx.org/en/docs/http/ngx_http_stub_status_module.html."""

    active: int
    reading: int
    """A request is being read."""
    writing: int
    """One is being answered."""
    waiting: int
    """Kept for the next one."""

    @classmethod
    def told(cls, text: str) -> Connections | None:
        """Return what the module says to a client of our own, who does not count."""
        if (found := _STATES.search(text)) is None:
            return None
        reading, writing, waiting = map(int, found.groups())
        writing = max(0, writing - 1)
        return cls(
            active=reading + writing + waiting, reading=reading, writing=writing, waiting=waiting
        )


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All figures of a running Outrider at one time."""

    uptime_s: float
    traffic: Traffic
    """Of all sites."""
    sites: Mapping[str, Traffic]
    """Of each, where there are several."""
    processes: tuple[Process, ...] = ()
    connections: Connections | None = None

    @property
    def workers(self) -> tuple[Process, ...]:
        """The processes that answer for the apps."""
        return tuple(one for one in self.processes if one.requests is not None)

    @property
    def slowest(self) -> Request | None:
        """See slowest_of."""
        return slowest_of(self.workers)

    def as_json(self) -> dict[str, Any]:
        """Return what json.dumps takes."""
        slowest = self.slowest
        return {
            **asdict(self),
            "histogram_bounds_s": BOUNDS_S,
            "requests_in_flight": sum(worker.in_flight for worker in self.workers),
            "slowest": asdict(slowest) if slowest else None,
        }


def slowest_of(workers: Iterable[Process]) -> Request | None:
    """Return, of the requests that are being answered, the one that began first; no stream."""
    doing = [one for worker in workers for one in worker.doing if not one.is_stream]
    return max(doing, key=lambda one: one.seconds, default=None)
