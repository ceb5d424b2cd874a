"""What all tests share: a poisoned environment, free ports, private directories."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Iterator

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

# How long an example takes, and to make one up, is the machine's matter.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files again")


def pytest_configure() -> None:
    # Under nohup the one is ignored, in the background of a shell the other, by everything that is
    # started from here as well.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return what `-n auto` means: who tests whole sites waits for them half of the time."""
    return (os.cpu_count() or 1) * 3 // 2


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
def free_port() -> Iterator[int]:
    """Return a port that nobody listens on."""
    with reserved() as port:
        yield port


@pytest.fixture
def short_dir():
    """Return a directory with a short path (sockets) that other users may pass through."""
    path = Path(tempfile.mkdtemp(prefix="otr-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
