"""An open loop of POSTs: they are sent when they are due, whether or not others were answered.

A POST shows what GET hides: Nginx repeats a lost GET on its own, and never a POST.
Each has a connection of its own, so that a kept one that ends in between is nobody's failure.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from outrider.bench.stream import read_answer

LIMIT_S = 10.0


@dataclass(frozen=True)
class Posted:
    """What became of one."""

    due_s: float
    latency_ms: float
    failure: str


@dataclass(frozen=True)
class Posts:
    """What became of all."""

    all: tuple[Posted, ...]

    def failures(self) -> list[str]:
        """Return why some have failed."""
        return [posted.failure for posted in self.all if posted.failure]

    def worst_ms(self) -> float:
        """Return the longest of those that were answered."""
        return max((posted.latency_ms for posted in self.all if not posted.failure), default=0.0)


async def send(port: int, rate: float, seconds: float) -> Posts:
    """Send so many a second for so long."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    tasks = []
    for number in range(math.floor(rate * seconds)):
        due = number / rate
        await asyncio.sleep(begun + due - loop.time())
        tasks.append(asyncio.create_task(_post(port, begun, due)))
    return Posts(tuple(await asyncio.gather(*tasks)))


async def _post(port: int, begun: float, due: float) -> Posted:
    loop = asyncio.get_running_loop()
    failure = ""
    try:
        async with asyncio.timeout(LIMIT_S):
            failure = await _exchange(port)
    except TimeoutError:
        failure = "no answer"
    except OSError as error:
        failure = error.strerror or str(error)
    except Exception as error:  # noqa: BLE001 - an answer that is none, however it is broken
        failure = str(error) or type(error).__name__
    return Posted(due, (loop.time() - begun - due) * 1000, failure)


async def _exchange(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b"x" * 64
    try:
        writer.write(
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        answer = await read_answer(reader)
    finally:
        writer.close()
    if answer.status != 200:
        return f"status {answer.status}"
    return "" if answer.body_bytes == len(body) else f"{answer.body_bytes} bytes"
