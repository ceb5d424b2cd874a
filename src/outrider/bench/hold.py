"""Holds slow clients: a program of its own, started by `slow`, which imports nothing of Outrider.

One process holds thousands of sockets with one selector and reports its counts several times a
second, a line of JSON each. It ends when it is told to, or when its parent is gone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import selectors
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

BODY_BYTES = 100_000
"""What a slow body promises: less than most limits of a site, more than a form needs."""
READ_BYTES = 256
"""What a slow reader takes at a time."""
REPORT_S = 0.1
REST_S = 1.0
"""How long a place stays empty after its client was dropped or refused: no client hammers."""
AT_ONCE = 64
"""Connections that one turn of the loop opens at most: those that are open are not forgotten."""


@dataclass(frozen=True)
class Orders:
    """What one process has to hold.

    Attributes:
        host: the numeric address to connect to.
        port: its port.
        source: the local address to connect from; empty: the kernel's choice.
        at_once: what each client sends when it is connected.
        dripped: what it sends after that, again and again; empty: it reads instead.
        pace_s: seconds between two of these.
        count: clients.
        connect_per_s: how many of them connect in a second.
        segment_bytes: for a reader, the largest TCP segment that it takes; 0: the kernel's choice.
        replaces: a client that was dropped or refused connects again.
    """

    host: str
    port: int
    source: str
    at_once: str
    dripped: str
    pace_s: float
    count: int
    connect_per_s: float
    segment_bytes: int = 0
    replaces: bool = True


@dataclass(eq=False)
class Client:
    """One slow client; its socket is new each time it connects."""

    socket: socket.socket | None = None
    is_connected: bool = False
    opened: int = 0
    """How many times it has connected, so that a drip meant for an earlier socket is known."""


@dataclass
class Holder:
    """The clients of one process, and what has become of them."""

    orders: Orders
    clock: Any = time.monotonic
    waiting: deque[tuple[float, Client]] = field(default_factory=deque)
    """Who connects when: the first ones by the ramp, then those who connect again."""
    again: deque[tuple[float, Client]] = field(default_factory=deque)
    drips: deque[tuple[float, Client, int]] = field(default_factory=deque)
    """Who moves when, in the order of time, because each comes back after the same pause."""
    counts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    next_connect: float = 0.0

    def __post_init__(self) -> None:
        """Lay out the ramp."""
        start = self.clock()
        step = 1 / self.orders.connect_per_s
        self.waiting.extend((start + n * step, Client()) for n in range(self.orders.count))

    def turn(self) -> None:
        """Do what is due, and wait for sockets no longer than until something else is."""
        now = self.clock()
        self._connect_due(now)
        self._drip_due(now)
        dues = [line[0][0] for line in (self.waiting, self.again, self.drips) if line]
        timeout = max(0.0, min([*dues, now + REPORT_S]) - self.clock())
        for key, _ in self.selector.select(timeout):
            client: Client = key.data
            if client.socket is not key.fileobj:
                continue  # closed a moment ago, in this very turn
            if client.is_connected:
                self._hear(client)
            else:
                self._greet(client)

    def report(self) -> str:
        """Return the counts, as a line."""
        shown = {name: self.counts[name] for name in ("held", "connecting", "dropped", "refused")}
        return json.dumps({**shown, "answers": self.answers}) + "\n"

    # -- connecting --------------------------------------------------------------------------------

    def _connect_due(self, now: float) -> None:
        for line in (self.waiting, self.again):
            for _ in range(AT_ONCE):
                if not line or line[0][0] > now:
                    break
                self._connect(line.popleft()[1])

    def _connect(self, client: Client) -> None:
        family = socket.AF_INET6 if ":" in self.orders.host else socket.AF_INET
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._refused(client, error)
            return
        client.socket, client.is_connected = connection, False
        client.opened += 1
        self.counts["connecting"] += 1
        try:
            self._prepare(connection)
            connection.connect((self.orders.host, self.orders.port))
        except BlockingIOError:
            pass
        except OSError as error:
            self._close(client)
            self._refused(client, error)
            return
        self.selector.register(connection, selectors.EVENT_WRITE, client)

    def _prepare(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.orders.dripped:
            # As small as there is: https://man7.org/linux/man-pages/man7/socket.7.html
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            if self.orders.segment_bytes:
                connection.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_MAXSEG, self.orders.segment_bytes
                )
        if self.orders.source:
            # The port is chosen by connect(), which knows that only the pair must be unique.
            # https://man7.org/linux/man-pages/man7/ip.7.html (IP_BIND_ADDRESS_NO_PORT is 24)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_IP, 24, 1)
            connection.bind((self.orders.source, 0))

    def _greet(self, client: Client) -> None:
        assert client.socket is not None
        number = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._close(client)
            self._refused(client, OSError(number, os.strerror(number)))
            return
        try:
            client.socket.send(self.orders.at_once.encode("latin-1"))
        except OSError as error:
            self._close(client)
            self._refused(client, error)
            return
        client.is_connected = True
        self.counts["connecting"] -= 1
        self.counts["held"] += 1
        if self.orders.dripped:
            self.selector.modify(client.socket, selectors.EVENT_READ, client)
        else:  # there is always something to read, which is left lying
            self.selector.unregister(client.socket)
        self.drips.append((self.clock() + self.orders.pace_s, client, client.opened))

    # -- being slow --------------------------------------------------------------------------------

    def _drip_due(self, now: float) -> None:
        while self.drips and self.drips[0][0] <= now:
            _, client, opened = self.drips.popleft()
            if client.socket is None or client.opened != opened:
                continue
            try:
                if self.orders.dripped:
                    client.socket.send(self.orders.dripped.encode("latin-1"))
                elif not client.socket.recv(READ_BYTES):
                    self._dropped(client)
                    continue
            except BlockingIOError:
                pass
            except OSError:
                self._dropped(client)
                continue
            self.drips.append((now + self.orders.pace_s, client, opened))

    def _hear(self, client: Client) -> None:
        """The site has answered an unfinished request, or closed the connection."""
        assert client.socket is not None
        try:
            said = client.socket.recv(64)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if said.startswith(b"HTTP/"):
            self.answers[said[9:12].decode("latin-1")] += 1
        self._dropped(client)

    def _dropped(self, client: Client) -> None:
        self._close(client)
        self.counts["dropped"] += 1
        self._come_again(client)

    def _refused(self, client: Client, error: OSError) -> None:
        self.counts["refused"] += 1
        self.answers[errno.errorcode.get(error.errno or 0, "refused")] += 1
        self._come_again(client)

    def _come_again(self, client: Client) -> None:
        if self.orders.replaces:
            # No faster than the ramp, or a site that drops all of them would be flooded.
            due = max(self.clock() + REST_S, self.next_connect)
            self.next_connect = due + 1 / self.orders.connect_per_s
            self.again.append((due, client))

    def _close(self, client: Client) -> None:
        assert client.socket is not None
        self.counts["held" if client.is_connected else "connecting"] -= 1
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(client.socket)
        client.socket.close()
        client.socket = None
        client.is_connected = False


def main(words: list[str]) -> None:
    """Hold what the orders say until the end."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    holder = Holder(Orders(**json.loads(words[0])))
    due = 0.0
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        while True:
            holder.turn()
            if (now := time.monotonic()) >= due:
                due = now + REPORT_S
                os.write(1, holder.report().encode())


if __name__ == "__main__":
    main(sys.argv[1:])
