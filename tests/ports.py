"""Ports that nobody listens on, each held by one test of one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, LAST = 11_000, 32_000
"""Below the kernel's own range for outgoing connections, which starts at 32768."""

# Processes begin at different places, so that they seldom try the same port.
_turns = count(os.getpid() * 37)


@contextlib.contextmanager
def reserved() -> Iterator[int]:
    """Hold an even port; the odd one behind it is nobody's, for errors that advise the next."""
    place = Path(tempfile.gettempdir(), f"outrider-test-ports-{os.geteuid()}")
    place.mkdir(exist_ok=True)
    for _ in range(1000):
        port = FIRST + 2 * (next(_turns) % ((LAST - FIRST) // 2))
        with (place / str(port)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _bind(port)
            except OSError:
                continue
            yield port
            return
    msg = "no free port"
    raise AssertionError(msg)


def _bind(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(("127.0.0.1", port))
