"""Where connections come from, and how one is closed of which not all has been read."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from typing import Any, Callable, NamedTuple

# Without the layer that Python puts on it, which nothing here needs and which costs more than
# reading a request: https://docs.python.org/3/library/socket.html#socket.SocketType
Connection = socket.SocketType

_LINGER_S = 2.0
_DRAIN_BYTES = 256 * 1024


class Taken(NamedTuple):
    """A connection that has been accepted."""

    listener: Listener
    connection: Connection
    address: Any
    """The peer's; empty for a Unix socket."""


class Listener:
    """One of the sockets that Gunicorn listens on.

    Args:
        own: Gunicorn's.
        allowed: `forwarded_allow_ips`.
    """

    def __init__(self, own: Any, allowed: Any) -> None:
        self.own = own
        self.descriptor = own.fileno()
        sock = getattr(own, "sock", own)
        self.family = sock.family
        is_unix = self.family == socket.AF_UNIX
        self.place: tuple[str, str] | None = None
        """Its host and port."""
        self.path = ""
        """Of a Unix socket."""
        if is_unix:
            self.path = str(own.getsockname())
        else:
            host, port, *_ = own.getsockname()
            self.place = host, str(port)
        self.is_trusted = is_unix or "*" in allowed
        """Whoever comes may say which scheme the client has used."""
        self._trusted = frozenset(map(str, allowed))
        # The half of accept() that is in C, if it is there.
        self._accept = getattr(sock, "_accept", None) or _accept_with(sock)

    def take(self) -> Taken:
        """Return a connection that waits.

        Raises:
            BlockingIOError: there is none.
        """
        descriptor, address = self._accept()
        connection = Connection(self.family, socket.SOCK_STREAM, 0, descriptor)
        if socket.getdefaulttimeout() is not None:  # an app may set it for its own connections
            connection.setblocking(True)
        return Taken(self, connection, address)

    def trusts(self, address: Any) -> bool:
        """Tell whether a peer may say which scheme the client has used."""
        return self.is_trusted or address[0] in self._trusted


def _accept_with(sock: socket.socket) -> Callable[[], tuple[int, Any]]:
    def accept() -> tuple[int, Any]:
        connection, address = sock.accept()
        return connection.detach(), address

    return accept


class Queue:
    """The connections that wait to be taken, of all sockets together.

    Args:
        listeners: at least one.
        wake: a descriptor that ends the waiting when it can be read.
    """

    def __init__(self, listeners: list[Listener], wake: int) -> None:
        self._listeners = listeners
        self._wake = wake
        self._poll: Any
        if hasattr(select, "epoll"):
            # Of the workers that wait one is woken, not all of them.
            # https://man7.org/linux/man-pages/man2/epoll_ctl.2.html
            self._poll, ready = select.epoll(), select.EPOLLIN | select.EPOLLEXCLUSIVE
            self._units_in_s = 1
        else:
            self._poll, ready = select.poll(), select.POLLIN
            self._units_in_s = 1000
        for listener in listeners:
            self._poll.register(listener.descriptor, ready)
        self._poll.register(wake, select.POLLIN)

    def take(self) -> Taken | None:
        """Return a connection, or None when there is none."""
        for listener in self._listeners:
            try:
                taken = listener.take()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            if len(self._listeners) > 1:
                # The others first, the next time: a busy one is not to starve them.
                self._listeners = [*self._listeners[1:], self._listeners[0]]
            return taken
        return None

    def wait(self, timeout_s: float) -> bool:
        """Wait for a connection; False when there was none."""
        ready = [descriptor for descriptor, _ in self._poll.poll(timeout_s * self._units_in_s)]
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
        return any(descriptor != self._wake for descriptor in ready)


class Begun(socket.socket):
    """A connection of which something has been read already."""

    begun = b""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what has been read before anything else."""
        if self.begun:
            data, self.begun = self.begun[:size], self.begun[size:]
            return data
        return super().recv(size, flags)


def close_when_read(connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
    """Close a connection of which not all has been read, so that the answer still arrives.

    Closed at once, Nginx would meet an error as it goes on sending, and would not look at the
    answer. It stops sending when it has that, so that this takes no time.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        until = clock() + _LINGER_S
        while clock() < until:
            connection.settimeout(max(0.001, until - clock()))
            if not connection.recv(_DRAIN_BYTES):
                break
    except OSError:
        pass  # Nginx was faster
    finally:
        connection.close()
