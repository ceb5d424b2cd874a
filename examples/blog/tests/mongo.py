"""A database server of the tests."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from blog import local_mongo

PATIENCE_S = 60
"""How long anything may take before a test gives up; nothing waits that long when all is well."""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


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
