"""Fast requests while one in twenty takes 300 ms, at a rate that leaves time for both."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from benchmarks.tables.rig import say

from outrider.bench.stream import Stream, percentile, poisson
from outrider.values import Address

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig
    from benchmarks.tables.site import Site

NAMES = (
    "outrider",
    "outrider-threads",
    "nginx+worker-threads",
    "nginx+sync",
    "nginx+gthread",
    "nginx+gevent",
    "nginx+uwsgi",
    "nginx+granian",
    "granian",
)
RATE = 60.0
SHARE = 0.05
SECONDS = 5.0


def measure(rig: Rig) -> None:
    """Ask at random times, which are the same for all contenders of a round."""
    with rig.sites(NAMES) as sites:
        for number in range(rig.rounds):
            fast, slow = arrivals(number)
            for name, site in sites.items():
                with rig.attempt("mixed", name):
                    rig.add("mixed", number, name, "fast", **asyncio.run(_ask(site, fast, slow)))
            say(f"  round {number + 1} of {rig.rounds}")


def arrivals(seed: int) -> tuple[list[float], list[float]]:
    """Return when fast and slow requests are due."""
    dice = random.Random(seed)
    fast: list[float] = []
    slow: list[float] = []
    for due in poisson(RATE, SECONDS, seed):
        (slow if dice.random() < SHARE else fast).append(due)
    return fast, slow


async def _ask(site: Site, fast: list[float], slow: list[float]) -> dict[str, float]:
    address = Address(host="127.0.0.1", port=site.port)
    samples, _ = await asyncio.gather(
        Stream(address, fast).run(), Stream(address, slow, path="/wait").run()
    )
    good = [sample.latency_s * 1000 for sample in samples if not sample.failure]
    return {
        "p50_ms": percentile(good, 50),
        "p95_ms": percentile(good, 95),
        "p99_ms": percentile(good, 99),
        "failed": len(samples) - len(good),
    }
