"""A Docker engine for the tests: the one that runs, or else one of their own.

An engine that runs already is used as it is, with the images that it has or gets from its registry:
nothing is built under an official name there. A second engine beside it would take away its
packet filter rules, so the tests start one only where none runs. That one keeps everything below
two folders of the tests, and gets stand-ins for the official images (tests/containers/images.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path.home() / ".cache" / "outrider-tests"
"""Kept between runs: the engine's images and its build cache."""

RUN = Path("/run/outrider-tests")
"""Sockets, locks and logs; a short path, because a socket's may have 107 characters."""

_START_S, _STOP_S = 60, 60


@dataclass(frozen=True)
class Engine:
    """A running engine, and how its client reaches it."""

    client: str
    env: dict[str, str]
    has_stand_ins: bool

    def docker(self, *words: str, timeout: float = 600) -> str:
        """Return what the client says."""
        return run([self.client, *words], env=self.env, timeout=timeout)

    def has(self, image: str) -> bool:
        """Tell whether the engine has an image of this name."""
        listed = self.docker("image", "ls", "--quiet", image)
        return bool(listed.strip())


def run(
    argv: list[str], *, env: dict[str, str], cwd: Path | None = None, timeout: float = 600
) -> str:
    """Return a program's standard output; the test fails with all that it said if it fails."""
    done = subprocess.run(
        argv,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-6000:]
        pytest.fail(f"{' '.join(argv)} ended with {done.returncode}:\n{said}")
    return done.stdout


def missing(what: str) -> None:
    """Skip, but fail in CI, where .ci/run installs everything."""
    if "CI" in os.environ:
        pytest.fail(what)
    pytest.skip(what)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Let one process at a time through."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """Yield the engine that is there, or one of our own that ends with its last user."""
    # Not the tests' poison, nor what would change a build.
    env = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "DOCKER_BUILDKIT": "1"}
    if "DOCKER_HOST" in os.environ:
        env["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    client = shutil.which("docker")
    if client is not None and _answers(client, env):
        yield Engine(client, env, has_stand_ins=False)
        return
    if os.geteuid() != 0:
        missing("no Docker engine runs, and only root can start one")
    for program, package in {"dockerd": "docker.io", "mmdebstrap": "mmdebstrap"}.items():
        if shutil.which(program) is None:
            missing(f"no Docker engine runs, and there is no {program}: apt-get install {package}")
    with _shared() as engine:
        yield engine


@contextlib.contextmanager
def _shared() -> Iterator[Engine]:
    """Start the engine unless another worker has; the last one to leave ends it."""
    for folder in (RUN, CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    socket = RUN / "docker.sock"
    # Debian's own client has BuildKit without a plug-in, which the newer ones of Docker have not.
    client = "/usr/bin/docker"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "DOCKER_BUILDKIT": "1",
        "DOCKER_HOST": f"unix://{socket}",
        # Compose finds buildx there, and nobody's credentials.
        "DOCKER_CONFIG": str(CACHE / "docker-config"),
    }
    with (RUN / "users").open("w") as users:
        with exclusive(RUN / "starting"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not _answers(client, env):
                _start(client, env)
        try:
            yield Engine(client, env, has_stand_ins=True)
        finally:
            with exclusive(RUN / "starting"), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop()


def _answers(client: str, env: dict[str, str]) -> bool:
    words = [client, "info", "--format", "{{.ServerVersion}}"]
    done = subprocess.run(words, env=env, capture_output=True, timeout=60, check=False)
    # Some clients end with 0 although only they themselves could tell something.
    return done.returncode == 0 and bool(done.stdout.strip())


def _start(client: str, env: dict[str, str]) -> None:
    configuration = RUN / "daemon.json"
    # In place of /etc/docker/daemon.json. The build cache would grow with every run.
    configuration.write_text(
        json.dumps({"builder": {"gc": {"enabled": True, "defaultKeepStorage": "6GB"}}})
    )
    log = RUN / "log"
    words = [
        *("dockerd", "--config-file", str(configuration), "--host", env["DOCKER_HOST"]),
        *("--data-root", str(CACHE / "engine"), "--exec-root", str(RUN / "exec")),
        *("--pidfile", str(_PID)),
    ]
    with log.open("w") as output:
        # It outlives the worker that starts it, and is no child of anybody here.
        subprocess.run(
            ["setsid", "--fork", *words],
            env={**env, "PATH": f"{env['PATH']}:/usr/sbin:/sbin"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )
    deadline = time.monotonic() + _START_S
    while not _answers(client, env):
        if time.monotonic() > deadline:
            missing(f"dockerd does not start here:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


_PID = RUN / "pid"


def _stop() -> None:
    """End our engine by its own id, and wait until it has gone."""
    if not _is_ours():
        return
    pid = int(_PID.read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_S
    while _is_ours():
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.1)


def _is_ours() -> bool:
    try:
        line = Path("/proc", _PID.read_text().strip(), "cmdline").read_bytes()
    except FileNotFoundError:
        return False
    return str(_PID).encode() in line
