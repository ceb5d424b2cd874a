"""POSTs while workers come and go: reloads, max_requests, a worker that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from benchmarks.tables import posts
from benchmarks.tables.rig import say

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig
    from benchmarks.tables.site import Site

RELOADED = (
    "outrider",
    "outrider-threads",
    "sync",
    "granian",
    "gthread",
    "nginx+sync",
    "nginx+granian",
    "uvicorn",
    "mod_wsgi",
)
# The others in the first round alone.
RELOADED_IN_ALL_ROUNDS = ("outrider", "outrider-threads", "sync", "granian")
REPLACED = ("nginx+worker", "nginx+worker-threads", "nginx+sync", "nginx+gthread")
KILLED = ("outrider", "outrider-threads", "nginx+sync", "sync", "nginx+granian")
RATE = 100.0
RELOADS = 10  # in a round: 50 in five
PAUSE_S = 0.8  # so that one reload is over before the next
CALM_S = 5.0
ENDING_S = 4.0
KILLS = 4
KILL_PAUSE_S = 0.8


def measure_reloads(rig: Rig) -> None:
    """Tell the master to reload again and again, and compare with as long a time without."""
    with rig.sites(RELOADED) as sites:
        for number in range(rig.rounds):
            for name, site in sites.items():
                if number == 0 or name in RELOADED_IN_ALL_ROUNDS:
                    with rig.attempt("reload", name):
                        _compare_reloads(rig, number, site)
            say(f"  round {number + 1} of {rig.rounds}")


def _compare_reloads(rig: Rig, number: int, site: Site) -> None:
    reload = site.contender.reload or signal.SIGHUP
    master = site.master()
    calm = asyncio.run(posts.send(site.port, RATE, CALM_S))
    found = asyncio.run(_reloading(site, master, reload))
    more = {"reloads": RELOADS, "calm_ms": calm.worst_ms(), "calm_failed": len(calm.failures())}
    _add(rig, "reload", number, site, found, **more)


def measure_max_requests(rig: Rig) -> None:
    """Let each worker end after 50 requests."""
    with rig.sites(REPLACED, extra="--max-requests 50") as sites:
        for number in range(rig.rounds):
            for name, site in sites.items():
                with rig.attempt("max_requests", name):
                    found = asyncio.run(posts.send(site.port, RATE, ENDING_S))
                    _add(rig, "max_requests", number, site, found)
            say(f"  round {number + 1} of {rig.rounds}")


def measure_kills(rig: Rig) -> None:
    """Kill one worker after the other."""
    with rig.sites(KILLED) as sites:
        for number in range(rig.rounds):
            for name, site in sites.items():
                with rig.attempt("kill", name):
                    _add(rig, "kill", number, site, asyncio.run(_killing(site)), kills=KILLS)
            say(f"  round {number + 1} of {rig.rounds}")


def _add(rig: Rig, table: str, number: int, site: Site, found: posts.Posts, **more: float) -> None:
    name = site.contender.name
    figures = {
        "sent": len(found.all),
        "failed": len(found.failures()),
        "worst_ms": found.worst_ms(),
        **more,
    }
    rig.add(table, number, name, "POST", **figures)
    _tell(name, found)


def _tell(name: str, found: posts.Posts) -> None:
    if failures := found.failures():
        kinds = {why: failures.count(why) for why in dict.fromkeys(failures)}
        say(f"  {name}: {kinds}")


async def _reloading(site: Site, master: int, signal_to_reload: signal.Signals) -> posts.Posts:
    sending = asyncio.create_task(posts.send(site.port, RATE, RELOADS * PAUSE_S + 0.5))
    for _ in range(RELOADS):
        await asyncio.sleep(PAUSE_S)
        with contextlib.suppress(ProcessLookupError):
            os.kill(master, signal_to_reload)
    return await sending


async def _killing(site: Site) -> posts.Posts:
    sending = asyncio.create_task(posts.send(site.port, RATE, (KILLS + 1) * KILL_PAUSE_S))
    for _ in range(KILLS):
        await asyncio.sleep(KILL_PAUSE_S)
        workers = await asyncio.to_thread(site.find_workers)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(min(workers), signal.SIGKILL)
    return await sending
