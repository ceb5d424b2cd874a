"""Cold start, memory at rest, and what a reader who has stopped reading costs the kernel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.tables import processes
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.rig import say

from outrider.bench.slow import SlowClients, holding
from outrider.values import Address

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig
    from benchmarks.tables.site import Site

# Threads add nothing here to what one without has.
NAMES = tuple(
    contender.name
    for contender in CONTENDERS
    if contender.name not in ("outrider-threads", "nginx+worker-threads", "nginx+gthread")
)
STALLED = ("outrider", "nginx+sync")
READERS = 400
REST_S = 0.5


def measure(rig: Rig) -> None:
    """Start each, wait for its first page, and look at its processes."""
    for number in range(rig.rounds):
        for contender in rig.chosen(NAMES):
            with rig.sites((contender.name,)) as sites:
                for name, site in sites.items():
                    with rig.attempt("start", name):
                        rig.add("start", number, name, "start", **_memory(site))
        say(f"  round {number + 1} of {rig.rounds}")


def _memory(site: Site) -> dict[str, float]:
    workers = site.find_workers()
    time.sleep(REST_S)
    sizes = {pid: processes.pss_kb(pid) / 1024 for pid in site.all_processes()}
    figures = {
        "cold_start_s": site.cold_start_s,
        "total_mb": sum(sizes.values()),
        "workers_mb": sum(size for pid, size in sizes.items() if pid in workers),
        "processes": len(sizes),
    }
    besides = {pid: size for pid, size in sizes.items() if pid not in workers}
    if site.contender.name.startswith("outrider"):
        figures["supervisor_mb"] = besides.pop(site.roots()[0])
    figures["besides_mb"] = sum(besides.values())
    return figures


def measure_stalled(rig: Rig) -> None:
    """Let readers ask for 100 MB and take a few bytes."""
    with rig.sites(STALLED) as sites:
        for number in range(rig.rounds):
            for segment, cell in ((0, "local"), (1400, "internet")):
                for name, site in sites.items():
                    with rig.attempt("stalled", name):
                        rig.add("stalled", number, name, cell, **_stalled(site, segment))
            say(f"  round {number + 1} of {rig.rounds}")


def _stalled(site: Site, segment_bytes: int) -> dict[str, float]:
    clients = SlowClients(
        Address(host="127.0.0.1", port=site.port),
        "reading",
        READERS,
        path="/static/100m.bin",
        segment_bytes=segment_bytes,
    )
    before = processes.kernel_kb()
    with holding(clients) as held:
        held.wait_until_held(10)
        time.sleep(1)
        after = processes.kernel_kb()
        count = max(1, held.counts.held)
    time.sleep(1)  # until the kernel has taken it back
    figures = {f"{what}_kb": (after[what] - before[what]) / count for what in after}
    # Some of one is in the other, so this is the most that it can be.
    return {**figures, "kernel_kb": sum(figures.values()), "held": count}
