"""How the figures of each table are laid out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: a figure of a cell, or a median of ratios."""

    heading: str
    cell: str
    figure: str
    form: str = ",.0f"
    scale: float = 1.0
    against: str = ""  # the contender whose figure of the same round is divided by
    other_figure: str = ""  # with `against`: the contender's own figure that is subtracted instead
    is_total: bool = False
    clients: int = 0  # slow ones: how many of them were held is said when it is not all


@dataclass(frozen=True)
class Layout:
    """One table."""

    table: str
    title: str
    what: str
    columns: tuple[Column, ...]


def _throughput(cell: str) -> tuple[Column, ...]:
    return (
        Column(f"{cell} answers/s", cell, "rate"),
        Column("/ nginx+sync", cell, "rate", ".2f", against="nginx+sync"),
        Column("p99 ms", cell, "p99_ms", ".1f"),
        Column("errors", cell, "errors", is_total=True),
    )


def _beside(count: int) -> tuple[Column, ...]:
    return (
        Column("alone", f"none before {count}", "rate"),
        *(
            column
            for kind in ("headers", "body", "reading")
            for column in (
                Column(kind, f"{kind} {count}", "rate", clients=count),
                Column("p99 ms", f"{kind} {count}", "p99_ms"),
            )
        ),
    )


LAYOUTS = (
    Layout(
        "throughput",
        "Throughput",
        "A trivial Flask page over 16 and 64 kept connections. Microseconds are processor time for"
        " one request, in the front and in the server, at 16.",
        (
            *_throughput("c16"),
            *_throughput("c64"),
            Column("front us", "c16", "front_us"),
            Column("server us", "c16", "server_us"),
        ),
    ),
    Layout(
        "slow",
        "1,000 slow clients",
        "Answers a second to 16 fast clients: alone, and beside 1,000 slow ones of each kind. 0"
        " says that none of them was answered in the time of the measurement.",
        _beside(1000),
    ),
    Layout(
        "slow",
        "5,000 slow clients",
        "The same beside 5,000, for those who served beside 1,000 of the kind.",
        _beside(5000),
    ),
    Layout(
        "many",
        "30,000 slow clients",
        "The same beside 30,000 clients whose headers never end. Microseconds are processor time"
        " for one answer; CPU is what the processes take that play the slow clients.",
        (
            Column("alone", "none", "rate"),
            Column("p99 ms", "none", "p99_ms", ".1f"),
            Column("front us", "none", "front_us"),
            Column("server us", "none", "server_us"),
            Column("beside them", "headers 30000", "rate", clients=30_000),
            Column("p99 ms", "headers 30000", "p99_ms", ".1f"),
            Column("front us", "headers 30000", "front_us"),
            Column("server us", "headers 30000", "server_us"),
            Column("CPU", "headers 30000", "clients_cpu", ".2f"),
            Column("held", "headers 30000", "held"),
        ),
    ),
    Layout(
        "static",
        "Static files",
        "A file of 20 KB and one of 1 MB over 16 connections; one download of 100 MB, the best of"
        " three. nginx+sync is Nginx with a minimal configuration: no file gets to Gunicorn.",
        (
            Column("20 KB files/s", "20k", "rate"),
            Column("/ nginx+sync", "20k", "rate", ".2f", against="nginx+sync"),
            Column("1 MB files/s", "1m", "rate"),
            Column("/ nginx+sync", "1m", "rate", ".2f", against="nginx+sync"),
            Column("100 MB, GB/s", "100m", "bytes_s", ".2f", scale=1e-9),
            Column("/ nginx+sync", "100m", "bytes_s", ".2f", against="nginx+sync"),
            Column("errors", "20k", "errors", is_total=True),
        ),
    ),
    Layout(
        "uploads",
        "Uploads",
        "Bodies of 1 MB, read by the app in pieces of 64 KB, eight clients.",
        (
            Column("uploads/s", "1m", "rate"),
            Column("/ nginx+sync", "1m", "rate", ".2f", against="nginx+sync"),
            Column("p99 ms", "1m", "p99_ms"),
            Column("errors", "1m", "errors", is_total=True),
        ),
    ),
    Layout(
        "mixed",
        "Fast beside slow requests",
        "60 requests a second at random times, one in twenty takes 300 ms; latency of the others,"
        " counted from when each was due.",
        (
            Column("p50 ms", "fast", "p50_ms", ".1f"),
            Column("p95 ms", "fast", "p95_ms", ".1f"),
            Column("p99 ms", "fast", "p99_ms", ".1f"),
            Column("p99 / nginx+granian", "fast", "p99_ms", ".2f", against="nginx+granian"),
            Column("failed", "fast", "failed", is_total=True),
        ),
    ),
    Layout(
        "reload",
        "Reloads under load",
        "100 POSTs a second, each on a new connection, while the server is told to reload"
        " ten times a round; before that five seconds without.",
        (
            Column("reloads", "POST", "reloads", is_total=True),
            Column("sent", "POST", "sent", is_total=True),
            Column("failed", "POST", "failed", is_total=True),
            Column("worst ms", "POST", "worst_ms"),
            Column("worst without", "POST", "calm_ms"),
            Column("more", "POST", "worst_ms", ".0f", against="itself", other_figure="calm_ms"),
        ),
    ),
    Layout(
        "max_requests",
        "Workers that end after 50 requests",
        "100 POSTs a second while each worker ends after 50.",
        (
            Column("sent", "POST", "sent", is_total=True),
            Column("failed", "POST", "failed", is_total=True),
            Column("worst ms", "POST", "worst_ms"),
        ),
    ),
    Layout(
        "kill",
        "Killed workers",
        "100 POSTs a second while a worker is killed every 0.8 seconds.",
        (
            Column("kills", "POST", "kills", is_total=True),
            Column("sent", "POST", "sent", is_total=True),
            Column("failed", "POST", "failed", is_total=True),
        ),
    ),
    Layout(
        "start",
        "Cold start and memory at rest",
        "From the command to the first page; proportional set size half a second later. The rest is"
        " all but the app's workers and, with Outrider, the supervisor.",
        (
            Column("first page s", "start", "cold_start_s", ".2f"),
            Column("all MB", "start", "total_mb", ".1f"),
            Column("workers MB", "start", "workers_mb", ".1f"),
            Column("rest MB", "start", "besides_mb", ".1f"),
            Column("supervisor MB", "start", "supervisor_mb", ".1f"),
            Column("processes", "start", "processes"),
        ),
    ),
    Layout(
        "stalled",
        "Readers that have stopped",
        "KB of kernel memory for each of 400 clients that ask for 100 MB. First those that never"
        " read, with a small window: buffers of TCP sockets (/proc/net/sockstat) and small objects"
        " (Slab in /proc/meminfo), of both ends. Then those that stop after 4 MB, with a window as"
        " large as usual: what waits in the server's send queue (`ss --memory`).",
        (
            Column("TCP buffers", "at once", "tcp_kb"),
            Column("slab", "at once", "slab_kb"),
            Column("sum", "at once", "kernel_kb"),
            Column("send queue after 4 MB", "later", "queued_kb"),
        ),
    ),
)
