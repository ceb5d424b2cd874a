"""What all tests share: a poisoned environment, free ports, private directories."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

POISON = {
    # Each of these changes what Gunicorn, Nginx or Flask do when nobody takes care.
    "GUNICORN_CMD_ARGS": "--workers 31 --bind 127.0.0.1:1",
    "WEB_CONCURRENCY": "29",
    "FORWARDED_ALLOW_IPS": "*",
    "SCRIPT_NAME": "/poison",
    "NGINX": "99;",
    "LISTEN_FDS": "1",
    "PORT": "1",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files again")


@pytest.fixture(autouse=True)
def _poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OUTRIDER_", "FLASK_", "XDG_")) or name in (
            "VIRTUAL_ENV",
            "CONDA_PREFIX",
        ):
            monkeypatch.delenv(name)
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def free_port(worker_id: str) -> int:
    """Return a port that nobody listens on; each pytest worker has a range of its own."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    # Below the kernel's own range for outgoing connections, which starts at 32768.
    for port in _ports(20_000 + number * 500):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail("no free port")


_next: dict[int, int] = {}


def _ports(first: int):
    """Each call goes on where the last one stopped, so that two sites of a test never share."""
    for _ in range(500):
        port = _next.get(first, first)
        _next[first] = first + (port + 1 - first) % 500
        yield port


@pytest.fixture
def short_dir():
    """Return a directory with a short path (sockets) that other users may pass through."""
    path = Path(tempfile.mkdtemp(prefix="otr-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
