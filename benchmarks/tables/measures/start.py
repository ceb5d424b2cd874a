"""Cold start, memory at rest, and what a reader who has stopped reading costs the kernel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.tables import processes, stalled
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.rig import say

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
READ_FIRST = 4 << 20  # long enough for the kernel to have made its buffers larger
LARGE = "/static/100m.bin"
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
    """Let readers ask for 100 MB, and stop."""
    with rig.sites(STALLED) as sites:
        for number in range(rig.rounds):
            for name, site in sites.items():
                with rig.attempt("stalled", name):
                    rig.add("stalled", number, name, "at once", **_at_once(site))
                    rig.add("stalled", number, name, "later", **_later(site))
            say(f"  round {number + 1} of {rig.rounds}")


def _at_once(site: Site) -> dict[str, float]:
    before = processes.kernel_kb()
    with stalled.readers(site.port, LARGE, READERS, small_window=True, reads_first=0):
        after = processes.kernel_kb()
    figures = {f"{what}_kb": (after[what] - before[what]) / READERS for what in after}
    # Some of one is in the other, so this is the most that it can be.
    return {**figures, "kernel_kb": sum(figures.values())}


def _later(site: Site) -> dict[str, float]:
    # Their own buffers, of another machine in life, would count in what the kernel holds.
    with stalled.readers(site.port, LARGE, READERS, small_window=False, reads_first=READ_FIRST):
        return {"queued_kb": stalled.queued_kb(site.port) / READERS}
