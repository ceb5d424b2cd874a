"""The blog as its users meet it: `outrider run`, with real Nginx and Gunicorn, and visitors."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.mongo import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOG = Path(__file__).parent.parent.parent


@dataclass
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


@dataclass
class Site:
    """A running `outrider run`."""

    process: subprocess.Popen
    port: int
    output: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """What a browser opens."""
        return f"http://127.0.0.1:{self.port}"

    def logged(self, request_id: str) -> dict[str, Any]:
        """Wait for what Nginx logs of a request and return it (with --log-format json)."""
        pattern = rf'^{{.*"source":"nginx".*"request_id":"{request_id}".*'
        return json.loads(self.wait_for(pattern)[0])

    def workers(self) -> set[int]:
        """Return the processes that answer: Gunicorn's and Nginx's."""
        return set(_below(self.process.pid))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait for a line of its output."""

        def find():
            assert self.process.poll() is None, "".join(self.output)
            return next(filter(None, (re.search(pattern, line) for line in self.output)), None)

        return until(find, lambda: f"{pattern!r} did not come:\n{''.join(self.output)}")


@dataclass
class Visitor:
    """Somebody with a browser: keeps cookies, and sends the token of the page a form is on."""

    site: Site
    address: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def ask(self, method: str, path: str, *, headers=(), body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.site.port, timeout=PATIENCE_S, source_address=(self.address, 0)
        )
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(connection):
            sent = {"Cookie": cookie} if cookie else {}
            connection.request(method, path, body=body, headers={**sent, **dict(headers)})
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", ()):
                self.cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
            return Answer(response.status, response.headers, response.read())

    def send(self, path: str, headers=(), **fields: str) -> Answer:
        """Fill in the form of a page and send it."""
        page = self.get(path)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert token, page.text
        return self.post(path, headers, csrf_token=token[1], **fields)

    def post(self, path: str, headers=(), **fields: str) -> Answer:
        body = urlencode(fields).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, headers={**form, **dict(headers)}, body=body)


@contextlib.contextmanager
def serving(*words: str, port: int, env: dict[str, str]) -> Iterator[Site]:
    """Run a copy of the blog in a directory of its own, gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="blog-", dir="/tmp"))
    place.chmod(0o755)
    shutil.copytree(
        BLOG,
        place / "blog",
        ignore=shutil.ignore_patterns("instance", "tests", ".*", "__pycache__"),
    )
    (place / "temp").mkdir()
    outrider = Path(sysconfig.get_path("scripts"), "outrider")
    where = ["--bind", f"127.0.0.1:{port}", "--run-dir", place / "run"]
    process = subprocess.Popen(
        [outrider, "run", *where, *words],
        cwd=place / "blog",
        env={**env, "TMPDIR": str(place / "temp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    site = Site(process, port)
    reader = threading.Thread(target=_read, args=(process.stdout, site.output), daemon=True)
    reader.start()
    try:
        site.wait_for("is served at")
        yield site
    finally:
        family = site.workers()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        reader.join(10)
        process.stdout.close()
        shutil.rmtree(place, ignore_errors=True)


def until(condition: Callable[[], object], why: Callable[[], object] = lambda: "in vain"):
    """Wait until something is true and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)
    return found


def _read(stream, lines: list[str]) -> None:
    for line in iter(stream.readline, b""):
        lines.append(line.decode("utf-8", "replace"))  # noqa: PERF401 - read while it grows


def _below(pid: int) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from _below(int(child))
