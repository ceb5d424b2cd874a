"""Slow clients wait at Nginx, where they cost a few kilobytes each, and not in a worker.

The same clients against Gunicorn alone stop the same app, which shows that they are slow enough.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.running import (
    APPS,
    NGINXES,
    PATIENCE_S,
    assert_nothing_is_left,
    environment,
    serving,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.xdist_group("load")]

SITE = APPS / "running_site"
CLIENTS = 200
WORKERS = 2
PAUSE_S = 0.2
"""Between two bytes of a client."""
STANDSTILL_S = 3
"""Without an answer for so long a site does not work; an answer takes milliseconds."""
RESPONSE_BYTES = 3 * 2**20
"""More than sockets and Nginx hold in memory."""
HOST = b"Host: 127.0.0.1\r\n"


@dataclass(frozen=True)
class Way:
    """A way to be slow: what is sent at once, then a byte at a time, and what comes back."""

    name: str
    at_once: bytes
    dripped: bytes = b""
    answer_bytes: int = 0


WAYS = (
    Way("sends its headers byte by byte", b"GET / HTTP/1.1\r\n" + HOST + b"X-Slow: ", b"x"),
    Way(
        "sends its body byte by byte",
        b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n",
        b"x",
    ),
    Way(
        "reads the response slowly",
        b"GET /big?bytes=%d HTTP/1.1\r\n" % RESPONSE_BYTES + HOST + b"\r\n",
        answer_bytes=RESPONSE_BYTES,
    ),
)


@dataclass
class Client:
    """One slow client."""

    socket: socket.socket
    received: int = 0
    has_ended: bool = False

    def move(self, dripped: bytes) -> None:
        """Send a byte, or read a few."""
        try:
            if dripped:
                self.socket.send(dripped)
            chunk = self.socket.recv(16)
        except BlockingIOError:
            return
        except OSError:
            self.has_ended = True
            return
        self.received += len(chunk)
        self.has_ended = not chunk


@dataclass
class SlowClients:
    """Many of them, moved by one thread."""

    way: Way
    members: list[Client] = field(default_factory=list)

    def all_wait(self) -> bool:
        """Tell whether each is connected and lacks something of its answer."""
        return len(self.members) == CLIENTS and not any(
            client.has_ended or client.received > self.way.answer_bytes for client in self.members
        )

    def all_read(self) -> bool:
        return all(client.received for client in self.members)


@contextlib.contextmanager
def slow_clients(way: Way, port: int) -> Iterator[SlowClients]:
    """Connect slow clients, which leave when the block ends."""
    clients = SlowClients(way)
    stop = threading.Event()

    def move() -> None:
        while not stop.wait(PAUSE_S):
            for client in clients.members:
                client.move(way.dripped)

    with contextlib.ExitStack() as stack:
        for _ in range(CLIENTS):
            connection = stack.enter_context(socket.socket())
            # The smallest that there is: https://man7.org/linux/man-pages/man7/socket.7.html
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.settimeout(PATIENCE_S)
            connection.connect(("127.0.0.1", port))
            connection.sendall(way.at_once)
            connection.setblocking(False)
            clients.members.append(Client(connection))
        thread = threading.Thread(target=move)
        thread.start()
        try:
            yield clients
        finally:
            stop.set()
            thread.join()


@contextlib.contextmanager
def bare_gunicorn(port: int, home: Path) -> Iterator[None]:
    """Serve the same app with the same workers, without Nginx."""
    argv = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    # Longer than the test, so that no worker is replaced while it waits for a client.
    argv += ["--workers", str(WORKERS), "--timeout", "600", "app:app"]
    env = environment(HOME=str(home))  # where it keeps its control socket
    for name in ("GUNICORN_CMD_ARGS", "LISTEN_FDS", "WEB_CONCURRENCY", "SCRIPT_NAME"):
        del env[name]
    with subprocess.Popen(argv, cwd=SITE, env=env, stderr=subprocess.DEVNULL) as gunicorn:
        try:
            until(lambda: answers(port))
            yield
        finally:
            gunicorn.terminate()


def answers(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), ordinary_request(port) as connection:
        return connection.recv(1024).startswith(b"HTTP/1.1 200 OK")
    return False


def ordinary_request(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    return connection


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_site_answers_while_each_of_200_clients(way, free_port, short_dir):
    for nginx in filter(None, NGINXES.values()):
        with serving("--workers", str(WORKERS), cwd=SITE, port=free_port, nginx=nginx) as site:
            with slow_clients(way, free_port) as clients:
                if way.answer_bytes:
                    until(clients.all_read)
                assert site.get("/").body == b"home\n"
                assert clients.all_wait()
            assert site.stop() == 0
            assert_nothing_is_left(site)

    with bare_gunicorn(free_port, short_dir), contextlib.ExitStack() as stack:
        with slow_clients(way, free_port) as clients:
            connection = stack.enter_context(ordinary_request(free_port))
            connection.settimeout(STANDSTILL_S)
            with pytest.raises(TimeoutError):
                connection.recv(1024)
            assert clients.all_wait()
        connection.settimeout(PATIENCE_S)  # they have left
        assert connection.recv(1024).startswith(b"HTTP/1.1 200 OK")


def test_what_a_client_does_not_read_stays_in_the_file(copy_of, free_port):
    project = copy_of("running_site")
    (project / "files").mkdir()
    with (project / "files" / "large").open("wb") as large:
        large.truncate(64 * 2**20)
    words = ("--workers", "1", "--static", "/files/=files")
    for nginx in filter(None, NGINXES.values()):
        with (
            serving(*words, cwd=project, port=free_port, nginx=nginx) as site,
            socket.socket() as client,
        ):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", free_port))
            client.sendall(b"GET /files/large HTTP/1.1\r\n" + HOST + b"\r\n")
            assert client.recv(1) == b"H"
            held = [0, 0, unsent_bytes(client)]
            while held[-1] > held[-3]:  # Nginx hands more of it over
                time.sleep(0.1)
                held.append(unsent_bytes(client))
            # By itself Linux would take as much as net.ipv4.tcp_wmem says: 4 MB.
            assert 0 < held[-1] < 256 * 1024
            assert site.get("/").body == b"home\n"


def unsent_bytes(client: socket.socket) -> int:
    """Return what the kernel holds of an answer: https://docs.kernel.org/networking/proc_net_tcp.html."""
    mine, site = (f"{place[1]:04X}" for place in (client.getsockname(), client.getpeername()))
    for line in Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if fields[1].endswith(f":{site}") and fields[2].endswith(f":{mine}"):
            return int(fields[4].partition(":")[0], 16)
    return 0
