"""The runner between the machine and the processes: what comes in at one moment, or too late."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace

import pytest

from outrider import lifecycle
from outrider.errors import OutriderError
from outrider.lifecycle import FRONT, Coming, Ended, Main, Phase, Stop, WorkerReady
from outrider.process import Child
from outrider.serve.generation import App, Generation
from outrider.serve.log import Log
from outrider.serve.reload import Reload
from outrider.serve.runner import Runner
from outrider.serve.standing import Life, Standing
from tests.situations import fleet

OLD, NEW = "app@1", "app@2"


class Heard:
    """A reporter that remembers the warnings."""

    def __init__(self):
        self.warnings = []

    def __getattr__(self, name):
        return self.warnings.append if name == "warn" else lambda *_: None


def generation(number, sites):
    return Generation(number, sites, {f"app@{number}": App(sites.first, {}, None)})


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def reloading(tmp_path, heard):
    """Return how to make a site that serves while the new code boots; no process of it is real."""
    with socket.socket() as public:
        yield lambda: while_new_code_boots(tmp_path, public, heard)


def while_new_code_boots(root, public, heard):
    sites = fleet(run_dir=str(root / "gone"))
    standing = Standing.at_first(generation(1, sites))
    standing.generations[2] = generation(2, sites)
    standing.machine = replace(
        standing.machine,
        phase=Phase.SERVING,
        mains={name: Main(is_ready=True) for name in (FRONT, OLD)},
        alive=frozenset({FRONT, OLD, NEW}),
        newest=2,
        coming=Coming(
            generation=2,
            apps={NEW: lifecycle.App(boot_timeout_s=600)},
            awaited={NEW: time.monotonic() + 600},
            ready={NEW: frozenset()},
            is_front_changed=True,
        ),
    )
    log = Log(heard, lambda _: None)
    runner = Runner(
        root=root,
        report=log,
        env={},
        launcher="",
        announce=lambda: None,
        plan_again=lambda: (sites, []),
        public=public,
        held={},
        standing=standing,
        monitor=None,  # type: ignore[arg-type]
    )
    runner.events = asyncio.Queue()
    runner.reloading = Reload(
        tell=lambda *_: None,
        log=log,
        root=root,
        running=standing.current,
        nginx=lambda: None,
    )
    runner.reloading.made = standing.generations[2]
    return runner


def happens(runner, *events):
    for event in events:
        runner.events.put_nowait(event)


async def refused(waiting):
    """Return the id of the error that ends it."""
    with pytest.raises(OutriderError) as caught:
        await asyncio.wait_for(waiting, 60)
    return caught.value.id


def test_the_old_code_serves_on_when_the_new_one_dies_as_soon_as_it_is_ready(reloading, tmp_path):
    async def run():
        runner = reloading()
        asked = asyncio.ensure_future(runner.reloading.wait())
        happens(runner, WorkerReady(NEW, 7), Ended(NEW, 3))
        living = asyncio.ensure_future(runner._live())
        assert await refused(asked) == "reload-failed"
        await asyncio.wait_for(asyncio.gather(*runner.tasks), 60)
        assert list(tmp_path.iterdir()) == []  # Nginx still has the file of the old code
        happens(runner, Stop(), Ended(FRONT, 0), Ended(OLD, 0))
        return await asyncio.wait_for(living, 60)

    assert asyncio.run(run()).kind == "drained"


def test_a_reload_is_refused_while_the_site_stops(reloading):
    async def run():
        runner = reloading()
        asked = asyncio.ensure_future(runner.reloading.wait())
        happens(runner, Stop())
        living = asyncio.ensure_future(runner._live())
        assert await refused(asked) == "reload-stopped"
        assert await refused(runner.reload(lambda *_: None)) == "reload-refused"
        happens(runner, *(Ended(name, 0) for name in (FRONT, OLD, NEW)))
        await asyncio.wait_for(living, 60)

    asyncio.run(run())


def test_nobody_waits_for_the_socket_of_a_server_that_has_ended(reloading):
    async def run():
        runner = reloading()
        runner.standing.lives[OLD] = Life(Child(2**30, None), 1.0)  # type: ignore[arg-type]
        runner._hear_worker(OLD, "ready 7")
        await asyncio.sleep(0)
        del runner.standing.lives[OLD]
        await asyncio.wait_for(asyncio.gather(*runner.tasks), 60)
        return runner.events.empty()

    assert asyncio.run(run())


def test_a_mark_that_cannot_be_made_is_told_and_the_site_serves_on(reloading, heard):
    async def run():
        runner = reloading()
        await runner._do(lifecycle.MarkStarting(OLD, is_starting=True))

    asyncio.run(run())
    assert len(heard.warnings) == 1
    assert heard.warnings[0].endswith("/gone/app.starting: No such file or directory")
