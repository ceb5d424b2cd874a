"""One contender that runs: its processes, from the first to the last."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.tables import fronts, processes
from benchmarks.tables.environments import UnavailableError

if TYPE_CHECKING:
    from typing import Self

    from benchmarks.tables.contenders import Contender

START_S = 30
STOP_S = 15
# What would change how a server starts, and must not come from whoever runs the tables.
_POISON = ("GUNICORN", "GRANIAN", "UVICORN", "OUTRIDER", "PYTHON", "LISTEN", "WEB_", "FLASK")


@dataclass(frozen=True)
class Programs:
    """Where the programs of a contender lie."""

    scripts: Path
    app: Path
    nginx: str
    caddy: str = ""


@dataclass
class Site:
    """A contender that serves; stops all that it started at the end."""

    contender: Contender
    programs: Programs
    extra: str = ""  # words added to the command
    port: int = 0
    run: Path = Path()
    cold_start_s: float = 0.0
    server: subprocess.Popen[bytes] | None = None
    front: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start all, and wait for the first page.

        Raises:
            UnavailableError: there is none; nothing is left behind.
        """
        self.run = Path(tempfile.mkdtemp(prefix="tables-"))
        self.run.chmod(0o755)  # Apache serves as another user when root starts it
        self.port = free_port()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        contender, programs = self.contender, self.programs
        path = str(self.run / "app.sock")
        places = {
            "bin": str(programs.scripts),
            "app": str(programs.app),
            "run": str(self.run),
            "socket": path,
            "port": str(self.port),
            "bind": f"unix:{path}" if contender.front else f"127.0.0.1:{self.port}",
        }
        words = [word.format_map(places) for word in contender.command.split()]
        words += self.extra.split()
        begun = time.monotonic()
        self.server = self._run(words, "server")
        if contender.front == "nginx":
            conf = self.run / "nginx.conf"
            conf.write_text(
                fronts.nginx_conf(
                    contender.upstream,
                    run=places["run"],
                    app=places["app"],
                    socket=path,
                    port=self.port,
                )
            )
            self.front = self._run(
                [programs.nginx, "-e", str(self.run / "nginx-error.log"), "-c", str(conf)], "front"
            )
        elif contender.front == "caddy":
            conf = self.run / "Caddyfile"
            conf.write_text(fronts.caddyfile(app=places["app"], socket=path, port=self.port))
            self.front = self._run(
                [programs.caddy, "run", "--config", str(conf), "--adapter", "caddyfile"], "front"
            )
        self._wait(begun)

    def _run(self, words: list[str], what: str) -> subprocess.Popen[bytes]:
        env = {key: value for key, value in os.environ.items() if not key.startswith(_POISON)}
        path = f"{self.programs.scripts}:{os.environ['PATH']}"  # caddysnake looks for `python3`
        env |= {"PATH": path, "HOME": str(self.run)}
        with (self.run / f"{what}.log").open("wb") as log:
            return subprocess.Popen(
                words,
                cwd=self.programs.app,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait(self, begun: float) -> None:
        while self.status() != 200:
            ended = [p for p in (self.server, self.front) if p and p.poll() is not None]
            if ended or time.monotonic() - begun > START_S:
                what = f"ended with {ended[0].returncode}" if ended else f"silent for {START_S} s"
                raise UnavailableError(f"{what}: {self.last_words()}")
            time.sleep(0.002)
        self.cold_start_s = time.monotonic() - begun

    def status(self, path: str = "/", timeout: float = 2) -> int:
        """Return the status of a page, 0 when there is no answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            client.request("GET", path)
            return client.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            client.close()

    def last_words(self) -> str:
        """Return the end of what the programs wrote."""
        lines: list[str] = []
        for log in ("server.log", "front.log"):
            if (self.run / log).exists():
                lines += (self.run / log).read_text(errors="replace").split("\n")
        return " / ".join([line.strip() for line in lines if line.strip()][-3:])[-400:]

    @property
    def url(self) -> str:
        """Return the address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def roots(self) -> list[int]:
        """Return the processes that we started ourselves."""
        return [p.pid for p in (self.server, self.front) if p and p.poll() is None]

    def all_processes(self) -> list[int]:
        """Return every process of the site."""
        return [pid for root in self.roots() for pid in processes.family(root)]

    def find_workers(self) -> set[int]:
        """Return the processes that have the app, by asking it until they all have answered."""
        found: set[int] = set()

        def ask() -> None:
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                client.request("GET", "/pid")
                found.add(int(client.getresponse().read()))
            client.close()

        for _ in range(5):
            threads = [threading.Thread(target=ask) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if len(found) >= self.contender.workers:
                return found
        # One worker may take all connections as long as it can; the others are its like.
        return found | {
            other
            for pid in found
            for other in processes.children(processes.parent(pid))
            if processes.name(other) == processes.name(pid)
        }

    def master(self) -> int:
        """Return the process that starts the app's workers and is told to reload."""
        return processes.parent(min(self.find_workers()))

    def stop(self) -> None:
        """End all, the front first, each process by its own id."""
        everyone = {pid: processes.started(pid) for pid in self.all_processes()}
        for process in (self.front, self.server):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in (self.front, self.server):
            if process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))
        for pid, begun in everyone.items():
            # The id may be another's by now.
            if processes.is_alive(pid) and processes.started(pid) == begun:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        for process in (self.front, self.server):
            if process:
                process.wait(5)
        shutil.rmtree(self.run, ignore_errors=True)


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
