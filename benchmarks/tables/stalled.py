"""Readers that ask for a large file and stop, and what the kernel then holds for the server."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_WINDOW_BYTES = 4096
_REST_S = 1.5


@contextlib.contextmanager
def readers(
    port: int, path: str, count: int, *, small_window: bool, reads_first: int
) -> Iterator[None]:
    """Hold so many of them; each has read that many bytes at full speed before it stops."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.settimeout(10)
            if small_window:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW_BYTES)
            client.connect(("127.0.0.1", port))
            client.sendall(request)
            left = reads_first
            while left > 0 and (piece := client.recv(min(left, 65536))):
                left -= len(piece)
        time.sleep(_REST_S)
        yield
    time.sleep(_REST_S)  # until the kernel has taken it back


def queued_kb(port: int) -> float:
    """Return what waits in the send queues of the server's connections, as the kernel counts it."""
    words = ["ss", "--tcp", "--numeric", "--memory", "--no-header", "state", "established"]
    done = subprocess.run(
        [*words, f"( sport = :{port} )"], capture_output=True, text=True, check=True
    )
    return parse_queued(done.stdout)


def parse_queued(text: str) -> float:
    """Sum up the memory of queues, in KB: https://man7.org/linux/man-pages/man8/ss.8.html (-m)."""
    return sum(int(number) for number in re.findall(r"skmem:\([^)]*?,w(\d+),", text)) / 1024
