"""What the figures of `outrider status` cost: a site that makes them and does not, in turns.

    python benchmarks/figures.py [ROUNDS]

One site, in which a switch is turned while nobody asks. Two sites that are alike in everything do
not take the same CPU time for a request, for as long as both live: that would be taken for what
the figures cost. In each round the site is asked four times, in any order: with the figures that
come from the log, with those and a record of each request in progress, and twice without. What
lies between these two is what a difference is worth on this machine at this time.

CPU time of all processes of the site for each request says more than the rate on a machine that is
shared, and the least of it more than the mean: what else runs can only add to it. What the two
parts cost by themselves comes first. It takes less than five minutes.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from outrider import observe
from outrider.app.shim.scoreboard import Scoreboard
from outrider.metrics import Metrics
from outrider.sockets import free_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROUNDS = 20
ASKED_S = 1
"""At a time: the shorter, the more alike is what else the machine does."""
SETTLED_S = 0.5
"""Until all lines of the log are read: Nginx hands them on within 250 ms."""
BATCH = 200
"""Rows that come at once: of 10,000 requests a second, read fifty times a second."""
PATHS = {"a page of Flask's": "/", "a static file of 600 bytes": "/static/a.txt"}
NOTHING, COUNTED, WRITTEN = range(3)
ROLES = {"without": NOTHING, "counted": COUNTED, "written down": WRITTEN, "again": NOTHING}
"""What the switch is turned to: with no figures, with those of the log, and with the requests in
progress as well; `again` is `without` once more."""
SWITCH = """\
import mmap

with open("switch", "rb") as file:
    is_on = mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ)

def switched(act, least):
    return lambda *given: act(*given) if is_on[0] >= least else None
"""
APP = f"""\
import sys
import flask
{SWITCH}
shim = sys.modules.get("outrider_shim.scoreboard")
if shim:  # in a worker
    shim.Scoreboard.enter = switched(shim.Scoreboard.enter, {WRITTEN})
    shim.Scoreboard.leave = switched(shim.Scoreboard.leave, {WRITTEN})

app = flask.Flask(__name__, static_folder=None)

@app.get("/")
def page():
    return "hello"
"""
OUTRIDER = f"""\
from outrider.cli import main
from outrider.monitor import Monitor
{SWITCH}
Monitor.hear = switched(Monitor.hear, {COUNTED})
main()
"""


class Cost(NamedTuple):
    """What one page cost at one time."""

    rate: float
    cpu_us: float
    """Of all processes of the site, for each request."""


def main() -> None:
    """Print the parts, and for each page what the whole costs."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"to count a request: {counting_us():.2f} us")
    print(f"to write a request down: {writing_us():.2f} us", flush=True)
    found: dict[str, list[Mapping[str, Cost]]] = {title: [] for title in PATHS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "app.py").write_text(APP)
        (folder / "switch").write_bytes(b"\0")
        (folder / "static").mkdir()
        (folder / "static" / "a.txt").write_text("x" * 600)
        with running(folder) as (site, url):
            for state in (NOTHING, COUNTED, WRITTEN):
                insist(folder, url, state)
            for _ in range(rounds):
                for title, path in PATHS.items():
                    found[title].append(compared(site, url + path, folder))
    for title, costs in found.items():
        print(f"\n{title}, {rounds} rounds", *told(costs), sep="\n    ")


def told(costs: Sequence[Mapping[str, Cost]]) -> Iterator[str]:
    """Yield in lines what was found out about one page."""
    for role in ROLES:
        least_us = min(one[role].cpu_us for one in costs)
        yield f"{role}: at the least {least_us:.1f} us of CPU time a request"
    pair = ("without", "again")
    for role, others in (("counted", pair), ("written down", pair), ("again", pair[:1])):
        ratios = [ratio_of(one[role], *(one[other] for other in others)) for one in costs]
        cpu = difference([ratio.cpu_us for ratio in ratios])
        rate = difference([ratio.rate for ratio in ratios])
        yield f"{role}, beside {' and '.join(others)}: CPU time {cpu}, requests a second {rate}"


def ratio_of(one: Cost, *others: Cost) -> Cost:
    """Return what one has of the mean of others."""
    return Cost(
        one.rate / statistics.mean(other.rate for other in others),
        one.cpu_us / statistics.mean(other.cpu_us for other in others),
    )


def difference(ratios: Sequence[float]) -> str:
    """Return the geometric mean of ratios in per cent, and twice its standard error."""
    logarithms = [math.log(ratio) for ratio in ratios]
    error = statistics.stdev(logarithms) / len(ratios) ** 0.5 if len(ratios) > 1 else math.inf
    return f"{100 * math.expm1(statistics.mean(logarithms)):+.1f} % (+- {200 * error:.1f})"


# -- the parts -------------------------------------------------------------------------------------


def counting_us() -> float:
    """Return what the supervisor takes to count a request, in batches of a busy site."""
    metrics = Metrics(0.0)
    place = ("12:00:00", "", "0123456789abcdef", "127.0.0.1", "GET", "/")
    rows = [
        (*place, "200", "800", f"0.0{number % 20:02}", "200", f"0.0{number % 10:02}")
        for number in range(BATCH)
    ]
    return cpu_us_of(lambda: metrics.add(rows, 1.0), 500) / BATCH


def writing_us() -> float:
    """Return what a worker takes to write down a request and its end."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/a/page", "HTTP_X_REQUEST_ID": "0" * 32}
    descriptor = observe.make_scoreboard(1)
    assert descriptor is not None
    board = Scoreboard(str(descriptor))

    def write() -> None:
        board.enter(environ)
        board.leave()

    took_us = cpu_us_of(write, 50_000)
    os.close(descriptor)
    return took_us


def cpu_us_of(work: Callable[[], object], number: int) -> float:
    """Return the CPU time of one call, in the best of five rows."""
    return min(timeit.repeat(work, timer=time.process_time, number=number)) / number * 1e6


# -- the whole -------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    """Run a site, and yield its supervisor and its URL."""
    port = free_address().port
    words = ["run", "app:app", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    words += ["--static", f"/static/={folder}/static", "--run-dir", str(folder / "run")]
    process = subprocess.Popen(
        [sys.executable, "-c", OUTRIDER, *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if "stop" in line:
                break
        else:
            sys.exit("the site did not start:\n" + "".join(said))
        yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=60)


def turn(folder: Path, state: int) -> None:
    """Turn the switch in place: the site has mapped it."""
    with (folder / "switch").open("r+b") as file:
        file.write(bytes([state]))


def insist(folder: Path, url: str, state: int) -> None:
    """Ask for all pages, and end it all if the figures do not say what the switch says."""
    turn(folder, state)
    for path in PATHS.values():
        asked(url + path)
    time.sleep(SETTLED_S)
    words = [sys.executable, "-m", "outrider", "status", "--json", str(folder / "run")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    figures = json.loads(said)["figures"]
    counted = figures["traffic"]["requests"] > 0
    written = any(one["requests"] for one in figures["processes"])
    if (counted, written) != (state >= COUNTED, state >= WRITTEN):
        sys.exit(f"the switch is {state}, but requests counted: {counted}, written down: {written}")


def compared(site: psutil.Process, url: str, folder: Path) -> Mapping[str, Cost]:
    """Ask for a page in all roles."""
    found = {}
    for role in random.sample([*ROLES], len(ROLES)):
        turn(folder, ROLES[role])
        before_s = cpu_s(site)
        requests = asked(url)
        time.sleep(SETTLED_S)
        found[role] = Cost(requests / ASKED_S, (cpu_s(site) - before_s) / requests * 1e6)
    return found


def asked(url: str) -> int:
    """Ask as often as possible, and return how often that was."""
    words = ["wrk", "-t1", "-c8", f"-d{ASKED_S}", url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    return int(said.partition(" requests in ")[0].split()[-1])


def cpu_s(site: psutil.Process) -> float:
    """Return the CPU time of a process and of all below it."""
    return sum(sum(one.cpu_times()[:2]) for one in (site, *site.children(recursive=True)))


if __name__ == "__main__":
    main()
