"""The figures as Prometheus reads them.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.metrics.figures import BOUNDS_S, slowest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from outrider.metrics.figures import Figures, Histogram, Process, Traffic

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Sample = tuple[str, dict[str, str], float]
"""What follows the metric's name, the labels and the value."""


def prometheus(figures: Figures) -> str:
    """Return all metrics as text."""
    return "".join(line + "\n" for line in _lines(figures))


def _lines(figures: Figures) -> Iterator[str]:
    sites = figures.sites or {"": figures.traffic}
    yield from _metric(
        "outrider_uptime_seconds",
        "gauge",
        "Since Outrider started.",
        [("", {}, figures.uptime_s)],
    )
    for name, help_text, samples in _COUNTERS:
        found = ((label, samples(one)) for label, one in sites.items())
        yield from _metric(
            name,
            "counter",
            help_text,
            [
                (suffix, {"site": site, **labels}, value)
                for site, several in found
                for suffix, labels, value in several
            ],
        )
    for name, help_text, histogram in _HISTOGRAMS:
        yield from _metric(
            name,
            "histogram",
            help_text,
            [
                sample
                for site, traffic in sites.items()
                for sample in _histogram(site, histogram(traffic))
            ],
        )
    yield from _processes(figures)
    if figures.connections is not None:
        states = ("reading", "writing", "waiting")
        yield from _metric(
            "outrider_connections",
            "gauge",
            "Connections of clients to Nginx.",
            [("", {"state": one}, getattr(figures.connections, one)) for one in states],
        )


def _statuses(traffic: Traffic) -> Iterator[_Sample]:
    for status, number in traffic.statuses.items():
        yield "", {"code": status}, number


_COUNTERS: tuple[tuple[str, str, Callable[[Traffic], Iterable[_Sample]]], ...] = (
    ("outrider_http_requests_total", "Requests that Nginx has answered.", _statuses),
    (
        "outrider_http_requests_without_app_total",
        "Requests that Nginx has answered without the app: static files, redirects, refusals.",
        lambda traffic: [("", {}, traffic.without_app)],
    ),
    (
        "outrider_http_response_bytes_total",
        "Bytes of the bodies that Nginx has sent.",
        lambda traffic: [("", {}, traffic.sent_bytes)],
    ),
    (
        "outrider_slow_client_seconds_total",
        "Time for which slow clients would have held a worker if Nginx was not in front.",
        lambda traffic: [("", {}, traffic.slow_client_s)],
    ),
)

_HISTOGRAMS: tuple[tuple[str, str, Callable[[Traffic], Histogram]], ...] = (
    (
        "outrider_http_request_duration_seconds",
        "From the first byte of a request to the last one of its answer, as the client sees it.",
        lambda traffic: traffic.client,
    ),
    (
        "outrider_app_response_duration_seconds",
        "What the app took to answer.",
        lambda traffic: traffic.app,
    ),
)


def _histogram(site: str, histogram: Histogram) -> Iterator[_Sample]:
    for bound, number in zip(BOUNDS_S, histogram.counts, strict=True):
        yield "_bucket", {"site": site, "le": str(bound)}, number
    yield "_bucket", {"site": site, "le": "+Inf"}, histogram.count
    yield "_sum", {"site": site}, histogram.sum_s
    yield "_count", {"site": site}, histogram.count


def _processes(figures: Figures) -> Iterator[str]:
    """Tell of the processes of each kind together: a label for each would grow without end."""
    kinds: dict[tuple[str, str, str], list[Process]] = {}
    for one in figures.processes:
        kinds.setdefault((one.site, one.title, one.role), []).append(one)
    labels = [
        ({"site": site, "process": title, "role": role}, several)
        for (site, title, role), several in kinds.items()
    ]
    yield from _metric(
        "outrider_processes",
        "gauge",
        "Processes that run.",
        [("", label, len(several)) for label, several in labels],
    )
    yield from _metric(
        "outrider_process_resident_memory_bytes",
        "gauge",
        "Resident memory of all processes of a kind.",
        [("", label, sum(one.memory_bytes for one in several)) for label, several in labels],
    )
    workers: dict[str, list[Process]] = {}
    for one in figures.workers:
        workers.setdefault(one.site, []).append(one)
    yield from _metric(
        "outrider_requests_in_flight",
        "gauge",
        "Requests that workers are answering now.",
        [("", {"site": site}, sum(one.in_flight for one in of)) for site, of in workers.items()],
    )
    yield from _metric(
        "outrider_workers_busy",
        "gauge",
        "Workers that are answering a request now.",
        [
            ("", {"site": site}, sum(one.in_flight > 0 for one in of))
            for site, of in workers.items()
        ],
    )
    yield from _metric(
        "outrider_slowest_request_seconds",
        "gauge",
        "How long the request takes already that began first; 0 without one.",
        [("", {"site": site}, _slowest_s(of)) for site, of in workers.items()],
    )


def _slowest_s(workers: list[Process]) -> float:
    slowest = slowest_of(workers)
    return slowest.seconds if slowest else 0


def _metric(name: str, kind: str, help_text: str, samples: list[_Sample]) -> Iterator[str]:
    if not samples:
        return
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{suffix}{{{told}}} {value}" if told else f"{name}{suffix} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
