"""What fast clients get while slow ones are held."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from benchmarks.tables import asked, processes
from benchmarks.tables.rig import say

from outrider.bench.slow import SlowClients, holding
from outrider.values import Address

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig
    from benchmarks.tables.site import Site

KINDS = ("headers", "body", "reading")
COUNTS = (1000, 5000)
MANY = 30_000
_PATHS = {"headers": "/", "body": "/upload", "reading": "/large"}
# One of each kind of server, and three of those behind Nginx, which decides here.
NAMES = (
    "outrider",
    "nginx+sync",
    "nginx+uwsgi",
    "nginx+granian",
    "sync",
    "gthread",
    "gevent",
    "granian",
    "waitress",
    "uvicorn",
    "mod_wsgi",
    "caddy+sync",
    "caddysnake",
)
# The others in the first alone: with them it is a matter of whether, not of how much.
IN_ALL_ROUNDS = ("outrider",)
# All are there before the first has to go for having sent no header in 15 seconds.
CONNECT_PER_S = 5000.0
RAMP_S = 8
SETTLE_S = 6
RECOVERY_S = 15
# Below this share of what they get alone, fast clients are not served.
STANDSTILL = 0.02


def measure(rig: Rig) -> None:
    """Go through the kinds and counts, contender by contender, alone in between."""
    for number in range(rig.rounds):
        names = NAMES if number == 0 else IN_ALL_ROUNDS
        for contender in rig.chosen(names):
            with rig.sites((contender.name,)) as sites:
                for name, site in sites.items():
                    with rig.attempt("slow", name):
                        _matrix(rig, number, site)
        say(f"  round {number + 1} of {rig.rounds}")


def _matrix(rig: Rig, number: int, site: Site) -> None:
    name = site.contender.name
    failed: set[str] = set()
    for count in COUNTS:
        if "headers" in failed:
            return  # what a thousand stop, five thousand do
        # Alone before each of the two, so that the machine's mood weighs on both sides.
        alone = _fast(rig, number, site, "slow", f"none before {count}")
        for kind in KINDS:
            if kind in failed or "headers" in failed:
                continue
            rate = _beside(rig, number, site, "slow", kind, count)
            if rate < alone * STANDSTILL:
                failed.add(kind)
                say(f"  {name} stands still beside {count} of {kind}")
            if not _recovered(site):
                say(f"  {name} does not answer any more after {count} of {kind}")
                rig.add("slow", number, name, f"{kind} {count} after", answers=0)
                return


def measure_many(rig: Rig) -> None:
    """Hold 30,000 clients with headers that never end, and let them go, in turns."""
    with rig.sites(("outrider",), extra=f"--connections {MANY + 1000}") as sites:
        for site in sites.values():
            for number in range(rig.rounds):
                _fast(rig, number, site, "many", "none")
                _beside(rig, number, site, "many", "headers", MANY)
                _recovered(site)
                say(f"  round {number + 1} of {rig.rounds}")


def _fast(rig: Rig, number: int, site: Site, table: str, cell: str) -> float:
    figures = asked.figures(site, 16, rig.seconds)
    rig.add(table, number, site.contender.name, cell, **figures)
    return figures["rate"]


def _beside(rig: Rig, number: int, site: Site, table: str, kind: str, count: int) -> float:
    clients = SlowClients(
        Address(host="127.0.0.1", port=site.port),
        kind,
        count,
        path=_PATHS[kind],
        connect_per_s=CONNECT_PER_S,
    )
    others = processes.children(os.getpid())
    with holding(clients) as held:
        held.wait_until_held(RAMP_S if count < MANY else 6 * RAMP_S, share=0.99)
        _settled(site)
        slow = [pid for pid in processes.children(os.getpid()) if pid not in others]
        begun, cpu_s = time.monotonic(), processes.cpu_s(slow)
        figures = asked.figures(site, 16, rig.seconds)
        clients_cpu = (processes.cpu_s(slow) - cpu_s) / (time.monotonic() - begun)
        counts = held.counts
    rig.add(
        table,
        number,
        site.contender.name,
        f"{kind} {count}",
        **figures,
        clients_cpu=clients_cpu,
        held=counts.held,
        dropped=counts.dropped,
        refused=counts.refused,
    )
    return figures["rate"]


def _settled(site: Site) -> None:
    """Wait until the app has done what slow readers have asked for, if it ever does."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        begun = time.monotonic()
        if site.status() == 200 and time.monotonic() - begun < 0.1:
            return
        time.sleep(0.1)


def _recovered(site: Site) -> bool:
    deadline = time.monotonic() + RECOVERY_S
    while time.monotonic() < deadline:
        if site.status() == 200:
            time.sleep(0.5)
            return True
        time.sleep(0.2)
    return False
