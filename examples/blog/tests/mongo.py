"""A database server of the tests."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

from blog import local_mongo

PATIENCE_S = 60
"""How long anything may take before a test gives up; nothing waits that long when all is well."""


FIRST_PORT, PORTS = 15_000, 16_000
"""Below the kernel's own range for outgoing connections, which starts at 32768."""

_held: list[IO[str]] = []
_turns = count(os.getpid() * 37)


def free_port() -> int:
    """Return a port that nobody listens on, and that no other test process is given."""
    place = Path(tempfile.gettempdir(), f"blog-test-ports-{os.geteuid()}")
    place.mkdir(exist_ok=True)
    for _ in range(1000):
        port = FIRST_PORT + next(_turns) % PORTS
        lock = (place / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _held.append(lock)  # until this process ends
        return port
    message = "no free port"
    raise AssertionError(message)


@dataclass
class Server:
    """A database server of the tests, which they may stop and start again."""

    port: int
    folder: Path
    process: subprocess.Popen | None = None

    def start(self) -> None:
        program = Path(sysconfig.get_path("scripts"), local_mongo.PROGRAM)
        with Path(f"{self.folder}.log").open("ab") as log:
            self.process = subprocess.Popen(
                local_mongo.command(self.port, self.folder, program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder.parent,
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            said = Path(f"{self.folder}.log").read_text()
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
