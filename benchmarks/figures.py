"""What the figures of `outrider status` cost: the same site with them and without, asked in turns.

    python benchmarks/figures.py [ROUNDS [SECONDS]]

CPU time of all processes of a site for each request says more than the rate on a machine that is
shared: both are printed, as the median of the rounds' ratios.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = """\
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
PATHS = {"a page of 5 bytes": "/", "a static file of 600 bytes": "/static/a.txt"}
WITH = "from outrider.cli import main; main()"
WITHOUT = f"""\
from outrider import monitor, observe
monitor.Monitor.hear = lambda *_: None
observe.make_scoreboard = lambda _: None
{WITH}
"""


def main() -> None:
    """Print a line for each page."""
    rounds, seconds = (int(word) for word in (*sys.argv[1:], "7", "3")[:2])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        (folder / "app.py").write_text(APP)
        (folder / "static").mkdir()
        (folder / "static" / "a.txt").write_text("x" * 600)
        sites = [stack.enter_context(running(code, folder)) for code in (WITH, WITHOUT)]
        for title, path in PATHS.items():
            pairs = [in_turn(sites, path, seconds, number % 2) for number in range(rounds)]
            rate = statistics.median(a[0] / b[0] for a, b in pairs)
            cost = statistics.median(a[1] / b[1] for a, b in pairs)
            cpu = [statistics.median(pair[which][1] for pair in pairs) * 1e6 for which in (0, 1)]
            print(f"{title}: with the figures {100 * (rate - 1):+.1f} % requests a second;")
            print(f"    CPU time {cpu[0]:.1f} us a request, {100 * (cost - 1):+.1f} %")


def in_turn(
    sites: list[tuple[psutil.Process, int]], path: str, seconds: int, first: int
) -> list[tuple[float, float]]:
    """Ask both sites, and return the results in the order of the sites."""
    found = {which: asked(*sites[which], path, seconds) for which in (first, 1 - first)}
    return [found[0], found[1]]


@contextlib.contextmanager
def running(code: str, folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    """Run a site and yield its supervisor and its port."""
    from outrider.sockets import free_address  # noqa: PLC0415

    port = free_address().port
    words = ["run", "app:app", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    words += ["--static", f"/static/={folder}/static", "--run-dir", str(folder / f"run-{port}")]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "stop" in line:
                break
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.communicate(timeout=60)


def asked(site: psutil.Process, port: int, path: str, seconds: int) -> tuple[float, float]:
    """Return requests a second, and the CPU time of a request."""
    before = cpu_s(site)
    words = ["wrk", "-t1", "-c8", f"-d{seconds}", f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    time.sleep(0.5)  # the last lines of the log
    requests = int(said.partition(" requests in ")[0].split()[-1])
    assert "Non-2xx" not in said, said
    return requests / seconds, (cpu_s(site) - before) / requests


def cpu_s(site: psutil.Process) -> float:
    """Return the CPU time of a process and of all below it."""
    family = [site, *site.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)


if __name__ == "__main__":
    main()
