"""Children that stay, and the lines that they write."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import time

import pytest

from outrider import process

LINES = 5000


def heard(program: str) -> list[list[str]]:
    """Run a program to its end and return its lines, as they came together."""
    batches: list[list[str]] = []

    async def run() -> int:
        child = await process.spawn(
            [sys.executable, "-c", program],
            env=dict(os.environ),
            cwd="/",
            account=None,
            on_lines=batches.append,
        )
        return await child.wait()

    assert asyncio.run(run()) == 0
    return batches


def test_every_line_is_heard_once_and_in_order_and_the_last_without_its_end():
    batches = heard(f"for n in range({LINES}): print(n)\nprint('end', end='')")
    assert [line for batch in batches for line in batch] == [*map(str, range(LINES)), "end"]


def test_a_busy_child_is_not_read_for_each_of_its_lines():
    batches = heard(f"for n in range({LINES}): print(n, flush=True)")
    assert len(batches) < LINES / 10


def test_a_child_that_says_something_once_is_heard_at_once():
    assert heard("print('once')") == [["once"]]


# -- its end ---------------------------------------------------------------------------------------

STAYS = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here'); time.sleep(60)"


def test_what_does_not_leave_in_its_time_is_killed():
    assert how_it_ends(patience_s=0.05, cut_short=False) == -signal.SIGKILL


def test_an_end_that_is_cut_short_leaves_nobody_behind():
    assert how_it_ends(patience_s=60, cut_short=True) == -signal.SIGKILL


def how_it_ends(*, patience_s, cut_short):
    async def run() -> int:
        is_here = asyncio.Event()
        argv = [sys.executable, "-uc", STAYS]
        child = await process.spawn(
            argv, env={}, cwd="/", account=None, on_lines=lambda _: is_here.set()
        )
        await is_here.wait()
        ending = asyncio.ensure_future(child.end(patience_s))
        await asyncio.sleep(0)
        if cut_short:
            ending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ending
        return await asyncio.wait_for(child.wait(), 60)

    return asyncio.run(run())


@pytest.mark.parametrize("ticks", range(6))
def test_a_start_that_is_cut_short_leaves_nobody_behind(ticks):
    reader, writer = os.pipe()

    async def run() -> None:
        argv = ["/bin/sh", "-c", "sleep 60 & wait"]
        starting = asyncio.ensure_future(
            process.spawn(
                argv, env={}, cwd="/", account=None, pass_fds=(writer,), on_lines=lambda _: None
            )
        )
        for _ in range(ticks):
            await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - the child has a child by now, and the loop does not know
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            child = await starting
            child.kill()  # it was there already
            await child.wait()

    asyncio.run(run())
    os.close(writer)
    has_nobody, _, _ = select.select([reader], [], [], 60)
    os.close(reader)
    assert has_nobody
