"""The blog as `outrider run` serves it, for tests that look from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sysconfig
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOG = Path(__file__).parents[2]
PATIENCE_S = 90


@dataclass
class Served:
    """A site that is being served, and where its log is."""

    address: str
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """Return what Nginx has logged, one dict for each request."""
        lines = self.log.read_text().splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in told if "uri" in one]


@contextlib.contextmanager
def served(mongo_url: str, folder: Path, *words: str) -> Iterator[Served]:
    """Run the blog with a database, its uploads and its log in `folder`."""
    address = f"127.0.0.1:{free_port()}"
    env = os.environ | {"MONGO_URL": mongo_url, "MEDIA_ROOT": str(folder / "media")}
    env["PATH"] = f"{sysconfig.get_path('scripts')}:{env['PATH']}"
    # An umask and a folder by which Nginx may read the uploads, whoever runs it.
    folder.chmod(0o755)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                "outrider",
                "run",
                "--bind",
                address,
                "--workers",
                "2",
                "--log-format",
                "json",
                *words,
            ],
            cwd=BLOG,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    site = Served(f"http://{address}", folder / "log")
    try:
        _wait(site, process)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()


def _wait(site: Served, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{site.address}/_outrider/health").close()
            return
        assert process.poll() is None, site.log.read_text()
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.1)
