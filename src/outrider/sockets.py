"""The only file that binds. The supervisor owns the sockets; processes come and go.

A process that dies or is replaced does not close them, so that new connections wait in the backlog
instead of being refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from outrider import errors
from outrider.values import Address

if TYPE_CHECKING:
    from outrider.site import User

UNSENT_BYTES = 32 * 1024
"""What may wait in the kernel for a client that reads slowly, beside what is on its way."""


def bind_public(address: Address, backlog: int, user: str, taken_by: str | None) -> socket.socket:
    """Return a listening TCP socket, inheritable.

    Args:
        address: where.
        backlog: connections that may wait.
        user: who we are, for messages.
        taken_by: who listens there now, as far as can be seen.

    Raises:
        OutriderError: the port is taken or needs a right, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # As Nginx does, so that both agree on what the inherited socket is.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address.host, address.port))
        listener.listen(backlog)
        # Connections inherit it. A client that stops reading a large file would hold up to 4 MB of
        # the kernel's memory. A small SO_SNDBUF would be its buffer for what is on its way too, and
        # 256 KB of that make 4 MB/s of a download over 100 ms:
        # https://man7.org/linux/man-pages/man7/tcp.7.html (tcp_wmem), https://lwn.net/Articles/560082/
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise errors.port_taken(str(address), taken_by, _free(address)) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise errors.port_forbidden(str(address), user) from None
        raise errors.cannot_bind(str(address), error.strerror or str(error)) from None
    # Nginx takes an inherited socket as it is. Two of its workers that are woken for one connection
    # both call accept(), and one of them would wait there and serve nobody.
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def _free(address: Address) -> str:
    """Return an address nearby that can be bound, for the advice."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    for port in range(address.port + 1, min(address.port + 100, 65536)):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((address.host, port))
            return str(type(address)(host=address.host, port=port))
    return str(type(address)(host=address.host, port=8080))


def bind_metrics(address: Address) -> socket.socket:
    """Return a listening TCP socket that children do not inherit.

    Raises:
        OutriderError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise errors.cannot_tell_figures(str(address), error.strerror or str(error)) from None
    return listener


_LOW_PORTS = range(10_000, 32_000)
"""Below those that the kernel gives to outgoing connections, each of which would be in the way for
a minute after its end: https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range)"""


def free_address() -> Address:
    """Return an address of this machine alone that nobody listens on at the moment.

    Raises:
        OSError: all that were tried are taken.
    """
    taken = OSError()
    for port in random.sample(_LOW_PORTS, 100):
        try:
            with socket.socket() as trial:
                trial.bind(("127.0.0.1", port))
        except OSError as error:
            taken = error
        else:
            return Address(host="127.0.0.1", port=port)
    raise taken


def resolve(host: str, port: int) -> str:
    """Return the numeric address of a host name.

    Raises:
        OSError: nobody knows it.
    """
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def bind_private(path: str, backlog: int, user: User | None) -> socket.socket:
    """Return a listening Unix socket that only `user` may connect to, inheritable.

    Without one, only who we are.

    Gunicorn believes whoever connects to it, so nobody else may.

    Raises:
        OutriderError: it cannot be made there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)
        if user is not None and user.is_changed:
            os.chown(path, user.uid, user.gid)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise errors.cannot_write(path, error.strerror or str(error)) from None
    listener.set_inheritable(True)
    return listener


def connect_private(path: str, timeout_s: float) -> socket.socket:
    """Return a connection to a Unix socket that this user, and nobody else, listens on.

    Raises:
        OSError: nobody listens, or it is somebody else who does (PermissionError).
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(path)
        if _listener_of(connection, path) != os.geteuid():
            raise PermissionError(errno.EPERM, "another user listens there", path)
    except BaseException:
        connection.close()
        raise
    return connection


def _listener_of(connection: socket.socket, path: str) -> int:
    """Return the user who listens at the other end.

    On Linux the kernel says so; a file can be put in the place of another by whoever owns the
    folder. https://man7.org/linux/man-pages/man7/unix.7.html (SO_PEERCRED)
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return Path(path).lstat().st_uid
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", told)[1]
    return uid


async def is_alive(address: Address, path: str) -> bool:
    """Tell whether Nginx answers on the public address."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(*_reached_at(address))
            try:
                writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status


def ask_briefly(address: Address, path: str, timeout_s: float = 0.1) -> str:
    """Return what Nginx answers on the public address, or nothing when it does not within moments.

    The caller waits for it.
    """
    try:
        with socket.create_connection(_reached_at(address), timeout_s) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = connection.recv(4096)  # it is small, and comes in one piece
    except OSError:
        return ""
    head, _, body = answer.decode("latin-1").partition("\r\n\r\n")
    return body if " 200 " in head.partition("\r\n")[0] else ""


def _reached_at(address: Address) -> tuple[str, int]:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 - compared
    return host, address.port


async def is_bound(path: str) -> bool:
    """Tell whether somebody listens on a Unix socket."""
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
