"""What fast clients get of a site, and the processor time that each side has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.tables import processes, wrk

if TYPE_CHECKING:
    from benchmarks.tables.site import Site

_FRONTS = {"nginx", "caddy"}


def figures(site: Site, connections: int, seconds: int) -> dict[str, float]:
    """Ask for the page over so many connections, and return what belongs into a record."""
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
