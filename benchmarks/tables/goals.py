"""The goals for Outrider, and which of them a run has met.

Each is judged by the median of ratios, or of differences, of one round each; what must not happen
at all is judged by the sum of all rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.tables.records import Records, differences, ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.tables.records import Compared

# Our worker class behind the same nginx.conf as the peers, and the whole product.
WORKER, THREADS = "nginx+worker", "nginx+worker-threads"
PRODUCT, PRODUCT_THREADS = "outrider", "outrider-threads"
_FORMS = {WORKER: "worker class", THREADS: "worker class", PRODUCT: "`outrider run`"}


@dataclass(frozen=True)
class Result:
    """One goal."""

    goal: str
    wanted: str
    measured: str
    is_met: bool | None = None  # None: not measured

    @property
    def verdict(self) -> str:
        """Return a word for the table."""
        return {True: "yes", False: "**no**", None: "not measured"}[self.is_met]


def results(records: Records) -> list[Result]:
    """Judge all goals."""
    return [
        *_throughput(records.of("throughput")),
        *_slow(records.of("slow")),
        *_many(records.of("many")),
        *_stalled(records),
        *_mixed(records.of("mixed")),
        *_changes(records),
        *_static(records.of("static")),
        *_start(records.of("start")),
    ]


def at_least(goal: str, wanted: float, found: Compared | None) -> Result:
    """Judge a median that should be high."""
    return _judged(goal, f"at least {wanted:g}", found, lambda median: median >= wanted)


def at_most(goal: str, wanted: float, found: Compared | None, unit: str = "") -> Result:
    """Judge a median that should be low."""
    return _judged(
        goal, f"at most {wanted:.3g}{unit}", found, lambda median: median <= round(wanted, 2)
    )


def none_of(goal: str, found: Records, contender: str, most: float = 0) -> Result:
    """Judge POSTs that were lost: no more than that in all rounds together."""
    wanted = f"at most {most:,.0f}" if most else "none"
    failed, sent = (found.total(contender, "POST", figure) for figure in ("failed", "sent"))
    if failed is None or not sent:
        return Result(goal, wanted, "-")
    return Result(goal, wanted, f"{failed:,.0f} of {sent:,.0f}", failed <= most)


def _judged(
    goal: str, wanted: str, found: Compared | None, is_met: Callable[[float], bool]
) -> Result:
    if found is None:
        return Result(goal, wanted, "-")
    # Judged as it is printed: 0.996 is 1.00 to whoever reads the table.
    return Result(goal, wanted, str(found), is_met(round(found.median, 2)))


def _against(
    found: Records, ours: str, other: str, cell: str, figure: str = "rate"
) -> Compared | None:
    return ratios(found.series(ours, cell, figure), found.series(other, cell, figure))


def _throughput(found: Records) -> Iterator[Result]:
    wanted = {
        "nginx+sync": {"c16": 2.2, "c64": 2.5},
        "nginx+uwsgi": {"c16": 1.0, "c64": 1.0},
        "nginx+granian": {"c16": 1.0, "c64": 1.0},
    }
    for ours in (WORKER, PRODUCT):
        for other, cells in wanted.items():
            for cell, ratio in cells.items():
                goal = f"{_FORMS[ours]}: requests/s against {other}, {cell}"
                yield at_least(goal, ratio, _against(found, ours, other, cell))
        goal = f"{_FORMS[ours]}: p99 against nginx+granian, c64"
        yield at_most(goal, 1 / 3, _against(found, ours, "nginx+granian", "c64", "p99_ms"))
    for ours, other in ((THREADS, WORKER), (PRODUCT_THREADS, PRODUCT)):
        for cell in ("c16", "c64"):
            goal = f"{_FORMS[other]}: four threads against one, {cell}"
            yield at_least(goal, 0.95, _against(found, ours, other, cell))


def _slow(found: Records) -> Iterator[Result]:
    for count in (1000, 5000):
        for kind in ("headers", "body", "reading"):
            for figure, judge, wanted in (("rate", at_least, 0.95), ("p99_ms", at_most, 1.5)):
                one = found.series(PRODUCT, f"{kind} {count}", figure)
                other = found.series(PRODUCT, f"none before {count}", figure)
                what = "requests/s" if figure == "rate" else "p99"
                goal = f"{what} beside {count:,} slow clients ({kind}), against alone"
                yield judge(goal, wanted, ratios(one, other))


def _many(found: Records) -> Iterator[Result]:
    one = found.series(PRODUCT, "headers 30000", "rate")
    other = found.series(PRODUCT, "none", "rate")
    held = found.median(PRODUCT, "headers 30000", "held")
    goal = "requests/s beside 30,000 slow clients (headers), against alone"
    yield at_least(goal, 0.95, ratios(one, other))
    text = "-" if held is None else f"{held:,.0f}"
    is_met = None if held is None else held >= 29_700  # some are on their way back
    yield Result("of 30,000 slow clients held", "all", text, is_met)


def _stalled(records: Records) -> Iterator[Result]:
    found = records.of("stalled")
    for cell, figure, who in (
        ("at once", "kernel_kb", "that never read"),
        ("later", "queued_kb", "that stopped after 4 MB"),
    ):
        kernel = found.series(PRODUCT, cell, figure)
        nothing = dict.fromkeys(kernel, 0.0)
        goal = f"kernel memory for each reader of a large file {who}, KB"
        yield at_most(goal, 130, differences(kernel, nothing))
    static = records.of("static")
    goal = "speed of one download of 100 MB, against minimal Nginx"
    yield at_least(goal, 0.95, _against(static, PRODUCT, "nginx+sync", "100m", "bytes_s"))


def _mixed(found: Records) -> Iterator[Result]:
    for ours, form in ((THREADS, _FORMS[THREADS]), (PRODUCT_THREADS, _FORMS[PRODUCT])):
        goal = f"{form}, four threads: p99 of fast requests beside slow ones, against nginx+granian"
        yield at_most(goal, 1.2, _against(found, ours, "nginx+granian", "fast", "p99_ms"))


def _changes(records: Records) -> Iterator[Result]:
    reload, ended, killed = (records.of(name) for name in ("reload", "max_requests", "kill"))
    for name in (PRODUCT, PRODUCT_THREADS):
        times = reload.total(name, "POST", "reloads") or 0
        goal = f"`{name}`: POSTs lost under {times:.0f} reloads"
        yield none_of(goal, reload, name)
    for name in (WORKER, THREADS):
        goal = f"`{name}`: POSTs lost under `max_requests = 50`"
        yield none_of(goal, ended, name)
    for name, threads in ((PRODUCT, 1), (PRODUCT_THREADS, 4)):
        kills = killed.total(name, "POST", "kills") or 0
        goal = f"`{name}`: POSTs lost with {kills:.0f} killed workers, {threads} at most each"
        yield none_of(goal, killed, name, most=kills * threads)
    for name in (PRODUCT, PRODUCT_THREADS):
        worst = reload.series(name, "POST", "worst_ms")
        goal = f"`{name}`: worst request under reloads, against without, ms more"
        yield at_most(goal, 20, differences(worst, reload.series(name, "POST", "calm_ms")))


def _static(found: Records) -> Iterator[Result]:
    for cell, size in (("20k", "20 KB"), ("1m", "1 MB")):
        goal = f"static files of {size}, against minimal Nginx"
        yield at_least(goal, 0.98, _against(found, PRODUCT, "nginx+sync", cell))


def _start(found: Records) -> Iterator[Result]:
    for figure, wanted, goal in (
        ("cold_start_s", 0.5, "cold start to the first page, against bare Gunicorn, s more"),
        ("besides_mb", 12, "memory of all but workers and supervisor, against bare Gunicorn, MB"),
    ):
        one = found.series(PRODUCT, "start", figure)
        yield at_most(goal, wanted, differences(one, found.series("sync", "start", figure)))
    own = found.series(PRODUCT, "start", "supervisor_mb")
    nothing = dict.fromkeys(own, 0.0)
    yield at_most("memory of the supervisor, MB", 30, differences(own, nothing))
