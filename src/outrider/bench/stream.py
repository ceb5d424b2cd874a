"""A stream of ordinary requests that does not wait for the site: visitors do not know each other.

Requests are due at times fixed before, and each one's latency is counted from then. A client that
sends the next request only after the last answer would ask less, the slower the site gets, and so
leave out what it should measure ("coordinated omission"):
https://www.scylladb.com/2021/04/22/on-coordinated-omission/ https://github.com/giltene/wrk2#readme
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from outrider.values import Address

LIMIT_S = 5.0
"""After so long without its answer a request has failed: the visitor has left."""
_MOST_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Sample:
    """One request.

    Attributes:
        due_s: when it was due, from the beginning of the stream.
        latency_s: from then until the last byte of its answer; infinite: it has failed.
        status: of its answer; 0: there was none.
        failure: why it has failed; empty: it has not.
    """

    due_s: float
    latency_s: float
    status: int
    failure: str = ""


class _BrokenError(Exception):
    """The answer is none, or not whole."""


def poisson(per_s: float, seconds: float, seed: int = 1) -> list[float]:
    """Return when requests are due that come at random, as those of strangers do.

    The same seed gives the same times, so that two sites are asked the same.
    """
    dice = random.Random(seed)  # noqa: S311 - arrivals, no secrets
    dues: list[float] = []
    due = dice.expovariate(per_s)
    while due < seconds:
        dues.append(due)
        due += dice.expovariate(per_s)
    return dues


def even(per_s: float, seconds: float) -> list[float]:
    """Return when requests are due that come at even intervals."""
    return [n / per_s for n in range(math.floor(per_s * seconds))]


def percentile(latencies: Iterable[float], percent: float) -> float:
    """Return the latency that this many per cent of requests do not exceed (nearest rank).

    Failed requests count, as infinite ones.
    """
    ordered = sorted(latencies)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass
class Stream:
    """Requests of one path at fixed times.

    Attributes:
        address: of the site, numeric.
        dues: when requests are due, in seconds from the beginning.
        path: what they ask for.
        host: of their Host header; without it the address.
        limit_s: after this a request has failed.
        keeps: use kept connections, as long as there are idle ones; else each request has its own.
        on_sample: hears of each request when it is over.
    """

    address: Address
    dues: Sequence[float]
    path: str = "/"
    host: str | None = None
    limit_s: float = LIMIT_S
    keeps: bool = False
    on_sample: Callable[[Sample], None] | None = None
    samples: list[Sample] = field(default_factory=list)
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def run(self) -> list[Sample]:
        """Send them all, and return what has become of each, in the order of being due."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            async with asyncio.TaskGroup() as group:
                for due in self.dues:
                    await asyncio.sleep(start + due - loop.time())
                    group.create_task(self._ask(start, due))
        finally:
            while self._idle:
                self._idle.pop()[1].close()
        self.samples.sort(key=lambda sample: sample.due_s)
        return self.samples

    async def _ask(self, start: float, due: float) -> None:
        loop = asyncio.get_running_loop()
        status, failure = 0, ""
        try:
            async with asyncio.timeout_at(start + due + self.limit_s):
                status = await self._exchange()
        except TimeoutError:
            failure = f"no answer within {self.limit_s:g} s"
        except ConnectionRefusedError:
            failure = "connection refused"
        except ConnectionResetError:
            failure = "connection reset"
        except OSError as error:
            failure = error.strerror or str(error)
        except _BrokenError as error:
            failure = str(error)
        if status >= 500:
            failure = f"status {status}"
        latency = math.inf if failure else loop.time() - start - due
        sample = Sample(due, latency, status, failure)
        self.samples.append(sample)
        if self.on_sample:
            self.on_sample(sample)

    async def _exchange(self) -> int:
        while self._idle:
            pair = self._idle.pop()
            try:
                return await self._on(*pair)
            except (ConnectionResetError, BrokenPipeError, _BrokenError):
                continue  # it was closed while idle: as browsers do, on another one
        pair = await asyncio.open_connection(self.address.host, self.address.port)
        return await self._on(*pair)

    async def _on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        is_kept = False
        host = self.host or str(self.address)
        connection = "keep-alive" if self.keeps else "close"
        try:
            writer.write(
                f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n"
                "User-Agent: outrider-bench\r\nAccept: */*\r\n\r\n".encode("latin-1")
            )
            answer = await read_answer(reader)
            is_kept = self.keeps and answer.may_be_kept
        finally:
            if is_kept:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return answer.status


@dataclass(frozen=True)
class Answer:
    """An answer that has come whole."""

    status: int
    body_bytes: int
    may_be_kept: bool


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read one answer to a GET, and throw its body away.

    Raises:
        _BrokenError: it is none, or not whole.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise _BrokenError("closed without an answer" if not error.partial else "cut off") from None
    except asyncio.LimitOverrunError:
        raise _BrokenError(f"a head of more than {_MOST_HEAD_BYTES} bytes") from None
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise _BrokenError("no HTTP answer")
    status = int(rest[:3])
    headers = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (line.partition(":") for line in lines)
    }
    keeps = version == "HTTP/1.1" and headers.get("connection") != "close"
    try:
        size, has_end = await _read_body(reader, headers, status)
    except asyncio.IncompleteReadError:
        raise _BrokenError("cut off") from None
    except ValueError:
        raise _BrokenError("a length that is no number") from None
    return Answer(status, size, keeps and has_end)


async def _read_body(
    reader: asyncio.StreamReader, headers: dict[str, str], status: int
) -> tuple[int, bool]:
    """Return its length, and whether the end is known without the connection's."""
    if status in (204, 304):
        return 0, True
    if headers.get("transfer-encoding") == "chunked":
        total = 0
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
            total += size
        await reader.readuntil(b"\r\n")
        return total, True
    if "content-length" in headers:
        left = total = int(headers["content-length"])
        while left:
            chunk = await reader.read(min(left, 2**16))
            if not chunk:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(chunk)
        return total, True
    total = 0
    while chunk := await reader.read(2**16):
        total += len(chunk)
    return total, False


async def fetch(
    address: Address, path: str, host: str | None = None, limit_s: float = LIMIT_S
) -> Answer:
    """Ask once.

    Raises:
        OSError: nobody answers, or not with HTTP; TimeoutError is one of them.
    """
    async with asyncio.timeout(limit_s):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        with contextlib.closing(writer):
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: {host or address}\r\n"
                "Connection: close\r\n\r\n".encode("latin-1")
            )
            try:
                return await read_answer(reader)
            except _BrokenError as error:
                raise OSError(str(error)) from None
