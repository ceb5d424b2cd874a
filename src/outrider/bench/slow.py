"""Slow clients of three kinds, by the thousand.

For a measurement that is not asyncio itself:

    with slow.holding(SlowClients(Address(host="127.0.0.1", port=8000), "headers", 5000)) as held:
        assert held.wait_until_held(timeout_s=20)
        ...
        print(held.counts)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from outrider import process
from outrider.bench.hold import BODY_BYTES, Orders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outrider.values import Address

KINDS = {
    "headers": "never end their headers",
    "body": "never end their body",
    "reading": "hardly read the answer",
}
"""How a client can be slow, by name: what such clients do."""
PACE_S = 5.0
"""Seconds between two bytes of a client.

What holds a worker is the wait, not the bytes: with one in five seconds 1000 clients cost both
sides 200 system calls a second, which no measurement of the site can see. Servers that limit the
pause between two reads allow more than that (Nginx 60 s, Outrider's 30 s).
"""
CONNECT_PER_S = 2000.0
SEGMENT_BYTES = 1400
"""A reader's largest segment: what arrives through the internet.

On the loopback interface it is 64 KB, and the kernel would take a megabyte for each reader off the
server's hands, as it does for nobody outside (`tcp_sndbuf_expand` in net/ipv4/tcp_input.c).
"""
LARGE_BYTES = 256 * 1024
"""What a reader must ask for at least, so that it does not fit into the buffers of both kernels."""
_PER_PROCESS = 10_000
_PER_SOURCE = 10_000
"""Connections from one address to one port. The kernel has 28,232 local ports for them, and looks
through all of one parity first (`__inet_hash_connect` in net/ipv4/inet_hashtables.c): beyond 14,116
each connect() tries that many, which takes more of the machine than all that is measured.
"""
_SPARE_DESCRIPTORS = 32


@dataclass(frozen=True)
class Counts:
    """What has become of slow clients.

    Attributes:
        held: connected, and have sent what they send at once.
        connecting: on their way, or in a queue of the site's kernel that is full.
        dropped: how often the site has closed a connection that was held: its time limit for
            headers, or an answer to what was not complete.
        refused: how often one could not connect at all.
        answers: status codes that came with being dropped, and names of errors that came with
            being refused.
    """

    held: int = 0
    connecting: int = 0
    dropped: int = 0
    refused: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        return Counts(
            held=self.held + other.held,
            connecting=self.connecting + other.connecting,
            dropped=self.dropped + other.dropped,
            refused=self.refused + other.refused,
            answers=dict(Counter(self.answers) + Counter(other.answers)),
        )


class SlowClients:
    """Slow clients of one kind, in processes of their own; stop() ends them.

    Args:
        address: of the site, numeric.
        kind: one of KINDS.
        count: how many.
        path: what they ask for; a reader needs something of at least LARGE_BYTES.
        host: of their Host header; without it the address.
        connect_per_s: how fast they come.
        delay_s: when the first comes, after start().
        pace_s: seconds between two bytes of one client.
        replaces: who is dropped or refused comes again, a second later at the earliest, so that
            the site goes on having `count` of them.
        segment_bytes: largest TCP segment of a reader; 0: what the interface has.
        env: environment of their processes; they need none.
    """

    def __init__(
        self,
        address: Address,
        kind: str,
        count: int,
        *,
        path: str = "/",
        host: str | None = None,
        connect_per_s: float = CONNECT_PER_S,
        delay_s: float = 0,
        pace_s: float = PACE_S,
        replaces: bool = True,
        segment_bytes: int = SEGMENT_BYTES,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.kind = kind
        self.count = count
        self.trouble: list[str] = []
        """The traceback of a process that has failed; nobody expects one."""
        self._env = env
        at_once, dripped = opening(kind, path, host or str(address))
        self._orders = [
            Orders(
                host=address.host,
                port=address.port,
                source=source,
                at_once=at_once,
                dripped=dripped,
                pace_s=pace_s,
                count=share,
                connect_per_s=connect_per_s * share / count,
                delay_s=delay_s,
                segment_bytes=segment_bytes,
                replaces=replaces,
            )
            for share, source in shares(count, address.host, per_process())
        ]
        self._children: list[process.Child] = []
        self._counts = [Counts() for _ in self._orders]
        self._news = asyncio.Event()

    @property
    def counts(self) -> Counts:
        """As they were a moment ago."""
        return sum(self._counts, Counts())

    async def start(self) -> None:
        """Let them come."""
        for number, orders in enumerate(self._orders):
            self._children.append(await self._spawn(number, orders))

    async def _spawn(self, number: int, orders: Orders) -> process.Child:
        def hear(lines: list[str]) -> None:
            for line in lines:
                if line.startswith("{"):
                    self._counts[number] = Counts(**json.loads(line))
                    self._news.set()
                else:
                    self.trouble.append(line)

        program = str(Path(__file__).with_name("hold.py"))
        return await process.spawn(
            [sys.executable, "-I", "-S", program, json.dumps(asdict(orders))],
            env=self._env,
            cwd="/",
            account=None,
            on_lines=hear,
        )

    async def stop(self) -> None:
        """Let them go, all at once."""
        for child in self._children:
            child.kill()
        for child in self._children:
            await child.wait()
        self._children.clear()

    async def until_held(self, timeout_s: float, share: float = 1.0) -> bool:
        """Wait until this share of them is held, and tell whether that has come to pass."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.counts.held < self.count * share:
                    self._news.clear()
                    await self._news.wait()
        return self.counts.held >= self.count * share


def opening(kind: str, path: str, host: str) -> tuple[str, str]:
    """Return what a client of a kind sends at once, and what it sends again and again."""
    match kind:
        case "headers":
            return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Slow: ", "x"
        case "body":
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {BODY_BYTES}\r\n"
            return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nx=", "x"
        case _:
            return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n", ""


def per_process() -> int:
    """Return how many clients one process may hold: its limit of open files says."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return _PER_PROCESS
    return max(1, min(_PER_PROCESS, hard - _SPARE_DESCRIPTORS))


def shares(count: int, host: str, most: int) -> list[tuple[int, str]]:
    """Divide clients among processes: how many each holds, and the address that they come from.

    All of 127.0.0.0/8 is this machine's, so that there are as many local ports as it takes.
    """
    number = -(-count // most)
    parts = [count // number + (n < count % number) for n in range(number)]
    found, before = [], 0
    for part in parts:
        block = (before + part - 1) // _PER_SOURCE
        source = f"127.0.0.{1 + block}" if host.startswith("127.") and block else ""
        found.append((part, source))
        before += part
    return found


@dataclass
class Held:
    """Slow clients in the background, for code that is not asyncio."""

    clients: SlowClients
    _loop: asyncio.AbstractEventLoop

    @property
    def counts(self) -> Counts:
        """As they were a moment ago."""
        return self.clients.counts

    def wait_until_held(self, timeout_s: float, share: float = 1.0) -> bool:
        """Wait until this share of them is held, and tell whether that has come to pass."""
        waiting = self.clients.until_held(timeout_s, share)
        return asyncio.run_coroutine_threadsafe(waiting, self._loop).result()


@contextlib.contextmanager
def holding(clients: SlowClients) -> Iterator[Held]:
    """Hold slow clients for as long as the block takes, with the loop in a thread."""
    loop = asyncio.new_event_loop()
    # Children die with the thread that has started them, so it is there until they have ended.
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(clients.start(), loop).result()
        yield Held(clients, loop)
    finally:
        asyncio.run_coroutine_threadsafe(clients.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
