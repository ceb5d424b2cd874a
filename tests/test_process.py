"""Children that stay, and the lines that they write."""

from __future__ import annotations

import asyncio
import os
import sys

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
