"""Answers a second and the slowest one in a hundred, at 16 and at 64 connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.tables import asked, wrk
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.rig import say

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig

NAMES = tuple(contender.name for contender in CONTENDERS)


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
                        figures = asked.figures(site, connections, rig.seconds)
                        rig.add("throughput", number, name, f"c{connections}", **figures)
            say(f"  round {number + 1} of {rig.rounds}")
