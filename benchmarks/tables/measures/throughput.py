"""Answers a second and the slowest one in a hundred, at 16 and at 64 connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.tables import processes, wrk
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.rig import say

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig
    from benchmarks.tables.site import Site

NAMES = tuple(contender.name for contender in CONTENDERS)
_FRONTS = {"nginx", "caddy"}


def measure(rig: Rig) -> None:
    """Ask for the page, all contenders in turns."""
    with rig.sites(NAMES) as sites:
        for name, site in sites.items():  # what is imported late, is then
            with rig.attempt("throughput", name):
                wrk.run(site.url + "/", 4, 1)
        for number in range(rig.rounds):
            for connections in (16, 64):
                for name, site in sites.items():
                    with rig.attempt("throughput", name):
                        figures = _figures(site, connections, rig.seconds)
                        rig.add("throughput", number, name, f"c{connections}", **figures)
            say(f"  round {number + 1} of {rig.rounds}")


def _figures(site: Site, connections: int, seconds: int) -> dict[str, float]:
    everyone = site.all_processes()
    fronts = [pid for pid in everyone if processes.name(pid) in _FRONTS]
    servers = [pid for pid in everyone if pid not in fronts]
    before = processes.cpu_s(fronts), processes.cpu_s(servers)
    speed = wrk.run(site.url + "/", connections, seconds)
    answers = max(1.0, speed.rate * seconds)
    return {
        "rate": speed.rate,
        "p50_ms": speed.p50_ms,
        "p99_ms": speed.p99_ms,
        "errors": speed.errors,
        # Less moved by what else the machine does than the rate.
        "front_us": (processes.cpu_s(fronts) - before[0]) / answers * 1e6,
        "server_us": (processes.cpu_s(servers) - before[1]) / answers * 1e6,
    }
