"""The blog through `outrider run` and through Gunicorn alone: requests a second, side by side."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sysconfig
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOG = Path(__file__).resolve().parents[2] / "examples" / "blog"
SCRIPTS = sysconfig.get_path("scripts")
ENV = os.environ | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
WORKERS = 2
PATIENCE_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--connections", type=int, default=16)
    asked = parser.parse_args()
    with sites() as (outrider, gunicorn):
        loads = list(find(outrider))
        rates: dict[tuple[str, str], list[float]] = {}
        for _ in range(asked.rounds):  # in turns, so that other work falls on both alike
            for name, path, slow in loads:
                for site in (outrider, gunicorn):
                    with slow_clients(site, slow):
                        rate = wrk(site + path, asked.connections, asked.seconds)
                    rates.setdefault((name, site), []).append(rate)
    print("|  | `outrider run` | Gunicorn alone | ratio, of each round |")
    print("|---|---|---|---|")
    for name, _, _ in loads:
        with_nginx, alone = rates[name, outrider], rates[name, gunicorn]
        print(
            f"| {name} | {statistics.median(with_nginx):,.0f} | {statistics.median(alone):,.0f} | ",
            end="",
        )
        ratios = [one / other for one, other in zip(with_nginx, alone, strict=True) if other]
        print(
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
            if ratios
            else "none |"
        )


@contextlib.contextmanager
def sites() -> Iterator[tuple[str, str]]:
    """Serve a copy of the blog, with its example posts, in both ways from one database."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        copy = Path(folder, "blog")
        shutil.copytree(BLOG, copy, ignore=shutil.ignore_patterns("instance", "tests"))
        Path(folder).chmod(0o755)
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        env = ENV | {"MONGO_PORT": str(free_port())}
        for name in ("MONGO_URL", "MEDIA_ROOT", "SECRET_KEY"):
            env.pop(name, None)
        words = ["--bind", addresses[0], "--workers", str(WORKERS)]
        stack.enter_context(running(["outrider", "run", *words], copy, env))
        wait(f"http://{addresses[0]}/post/slow-readers")
        words = ["--bind", addresses[1], "--workers", str(WORKERS)]
        stack.enter_context(running(["gunicorn", *words, "wsgi:app"], copy, env))
        wait(f"http://{addresses[1]}/post/slow-readers")
        yield f"http://{addresses[0]}", f"http://{addresses[1]}"


@contextlib.contextmanager
def running(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[None]:
    with Path(folder.parent, f"{command[0]}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)


def find(site: str) -> Iterator[tuple[str, str, int]]:
    """Yield what is asked for: its name, its path and beside how many slow clients."""
    page = urllib.request.urlopen(f"{site}/post/slow-readers").read().decode()
    yield "front page", "/", 0
    yield "article page", "/post/slow-readers", 0
    yield "style sheet", re.search(r'href="(/static/style[^"]+)"', page)[1], 0
    yield "picture", re.search(r'src="(/media/[^"]+)"', page)[1], 0
    yield "front page, beside 4 slow clients", "/", 4


def wrk(url: str, connections: int, seconds: int) -> float:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


@contextlib.contextmanager
def slow_clients(site: str, count: int) -> Iterator[None]:
    """Keep so many clients busy that send a byte of their request every half second."""
    stop = threading.Event()
    host, port = site.removeprefix("http://").split(":")

    def crawl() -> None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: example.org\r\nX-Slow: ")
            while not stop.wait(0.5):
                client.sendall(b"x")

    clients = [threading.Thread(target=crawl) for _ in range(count)]
    for client in clients:
        client.start()
    if clients:
        time.sleep(0.5)  # until they have a worker each, where they get one
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join()


def wait(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


if __name__ == "__main__":
    main()
