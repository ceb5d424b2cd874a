"""Kill each process of a site under load: what is lost, how soon it serves again, what stays.

    python benchmarks/faults.py                      # each kind 20 times, the supervisor 5 times
    python benchmarks/faults.py --rounds 4 --supervisors 1

Each round has a site of its own, in which each kind of process is killed once, at a random moment:
a master that dies twice within a minute starts again more slowly, on purpose.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
from benchmarks.reliability.load import Load, Request, uploads_in_doubt
from benchmarks.reliability.report import Row, add_options, conclude
from benchmarks.reliability.site import WORKERS, Project, project, seconds_until_answered
from benchmarks.tables.rig import say
from tests.integration.running import (
    Running,
    assert_nothing_is_left,
    is_alive,
    processes_of,
    until,
)
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("Gunicorn worker", "Gunicorn master", "Nginx worker", "Nginx master")
SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Kill:
    """A process that was killed, and what came of it.

    Attributes:
        kind: of process.
        threads: of each Gunicorn worker.
        in_flight: requests of all clients at that moment.
        failed: of those.
        crossed: requests that met the closing of an idle connection by an old Nginx worker.
            HTTP has no way to avoid that: https://www.rfc-editor.org/rfc/rfc9112#section-9.5
        failed_later: others that were begun when it was dead.
        answered_s: until a new connection was answered.
        whole_s: until all processes were there again.
        slowest_s: what the slowest request took of those that were answered.
    """

    kind: str
    threads: int
    in_flight: int
    failed: int
    crossed: int
    failed_later: int
    answered_s: float
    whole_s: float
    slowest_s: float


@dataclass
class Trial:
    """Sites that are started one after the other, and whose processes are killed."""

    random: random.Random
    kills: list[Kill] = field(default_factory=list)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def run(self, threads: int, *, is_supervisor_killed: bool) -> None:
        """Start a site, kill one process of each kind, and stop it or kill it altogether."""
        with reserved() as port, project() as code:
            with code.serving(port, threads) as site:
                with Load(port) as load:
                    for kind in self.random.sample(KINDS, len(KINDS)):
                        self._kill(kind, site, load, threads)
                    if is_supervisor_killed:
                        self._kill_supervisor(site, load, threads)
                self.faults += uploads_in_doubt(load.done, code.ledger)
                if not is_supervisor_killed:
                    self._stop(site)
            if is_supervisor_killed:
                self._start_again(code, port, threads)

    def _kill(self, kind: str, site: Running, load: Load, threads: int) -> None:
        # Only what is whole can be judged, and the moment is to be any.
        until(lambda: is_whole(site))
        time.sleep(0.5 + self.random.random())
        victim = self.random.choice(find(kind, site))
        others = {one.pid for one in family(site)} - {victim.pid}
        number, begun = len(load.done), time.monotonic()
        victim.kill()
        until(lambda: not is_alive(victim))
        dead = time.monotonic()
        answered_s = seconds_until_answered(load.port, begun)
        until(lambda: is_whole(site) and victim.pid not in {p.pid for p in family(site)})
        until(lambda: {one.pid for one in family(site)} - others)
        whole_s = time.monotonic() - begun
        time.sleep(1)  # what waits for something comes to its end
        in_flight = [one for one in load.done[number:] if one.begun <= dead and one.ended >= begun]
        failed = [one for one in load.done[number:] if one.failure]
        crossed = [one for one in failed if has_crossed(kind, one, dead)]
        failed = [one for one in failed if one not in crossed]
        well = [one.ended - one.begun for one in load.done[number:] if not one.failure]
        self.failures.update((kind, f"{one.kind}: met a closing connection") for one in crossed)
        self._judge(kind, failed, dead, limit(kind, threads))
        later = sum(one.begun > dead for one in failed)
        self.kills.append(
            Kill(
                kind=kind,
                threads=threads,
                in_flight=len(in_flight),
                failed=len(failed) - later,
                crossed=len(crossed),
                failed_later=later,
                answered_s=answered_s,
                whole_s=whole_s,
                slowest_s=max(well, default=0),
            )
        )

    def _judge(self, kind: str, failed: list[Request], dead: float, most: int | None) -> None:
        self.failures.update((kind, f"{one.kind}: {one.failure}") for one in failed)
        if most is not None and len(failed) > most:
            self.faults.append(f"{kind}: {len(failed)} requests failed, {most} were in it")
        for one in failed:
            if one.begun > dead:
                late = f"{1000 * (one.begun - dead):.0f} ms after the death"
                how = "a kept" if one.is_kept else "a new"
                self.faults.append(f"{kind}: {one.kind} on {how} connection, begun {late}, failed")

    def _kill_supervisor(self, site: Running, load: Load, threads: int) -> None:
        until(lambda: is_whole(site))
        time.sleep(self.random.random())
        number, begun = len(load.done), time.monotonic()
        in_flight = len(load.in_flight)
        site.process.kill()
        site.wait()
        until(lambda: not processes_of(site))
        gone_s = time.monotonic() - begun
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", load.port))
            except OSError as error:
                self.faults.append(f"the supervisor was killed, and the port is held: {error}")
        time.sleep(1)  # for the clients to take note
        failed = [one for one in load.done[number:] if one.failure and one.begun < begun]
        self.kills.append(Kill(SUPERVISOR, threads, in_flight, len(failed), 0, 0, 0, gone_s, 0))

    def _start_again(self, code: Project, port: int, threads: int) -> None:
        begun = time.monotonic()
        with code.serving(port, threads) as site:
            seconds_until_answered(port, begun)
            self._stop(site)

    def _stop(self, site: Running) -> None:
        if (exit_code := site.stop()) != 0:
            self.faults.append(f"the site ended with exit code {exit_code}")
        try:
            assert_nothing_is_left(site)
        except AssertionError as error:
            self.faults.append(f"something is left behind: {error}")

    def rows(self) -> list[Row]:
        """Return a row for each kind of process."""
        found: list[Row] = []
        for kind in (*KINDS, SUPERVISOR):
            kills = [one for one in self.kills if one.kind == kind]
            if not kills:
                continue
            is_all = kind == SUPERVISOR
            answered, whole, slowest = (
                _seconds([getattr(one, name) for one in kills])
                for name in ("answered_s", "whole_s", "slowest_s")
            )
            found.append(
                {
                    "killed": kind,
                    "times": len(kills),
                    "in flight at the site": sum(one.in_flight for one in kills),
                    "of these failed": sum(one.failed for one in kills),
                    "most at a time": max(one.failed for one in kills),
                    "met a closing connection": sum(one.crossed for one in kills),
                    "begun later and failed": "all" if is_all else _later(kills),
                    "answered again after s": "next start" if is_all else answered,
                    "slowest answer s": "-" if is_all else slowest,
                    "whole again after s": f"all gone: {whole}" if is_all else whole,
                }
            )
        return found

    def failure_rows(self) -> list[Row]:
        """Return a row for each way in which requests failed."""
        return [
            {"killed": kind, "failed": how, "times": count}
            for (kind, how), count in sorted(self.failures.items())
        ]


def _later(kills: list[Kill]) -> str:
    return str(sum(one.failed_later for one in kills))


def _seconds(found: list[float]) -> str:
    return f"{statistics.median(found):.2f}, at most {max(found):.2f}"


def limit(kind: str, threads: int) -> int | None:
    """Return how many requests may be in a process of this kind; None when it has them all."""
    limits = {"Gunicorn worker": threads, "Gunicorn master": 0, "Nginx master": 0}
    return limits.get(kind)


def has_crossed(kind: str, one: Request, dead: float) -> bool:
    """Tell whether a request was sent while its idle connection was being closed."""
    return kind == "Nginx master" and one.is_kept and one.failure == "reset" and one.begun > dead


def masters(site: Running, is_it: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the supervisor's children of one kind."""
    try:
        children = psutil.Process(site.process.pid).children()
        return [one for one in children if is_alive(one) and is_it(one)]
    except psutil.NoSuchProcess:  # one has just ended
        return []


def _is_gunicorn(one: psutil.Process) -> bool:
    return "launch.py" in " ".join(one.cmdline())


def _is_nginx(one: psutil.Process) -> bool:
    return "nginx" in one.name()


def find(kind: str, site: Running) -> list[psutil.Process]:
    """Return the processes of a kind."""
    server, part = kind.split()
    found = masters(site, _is_gunicorn if server == "Gunicorn" else _is_nginx)
    if part == "master":
        return found
    try:
        return [child for one in found for child in one.children() if is_alive(child)]
    except psutil.NoSuchProcess:
        return []


def family(site: Running) -> list[psutil.Process]:
    """Return every process that serves."""
    return [one for kind in KINDS for one in find(kind, site)]


def is_whole(site: Running) -> bool:
    """Tell whether there are as many processes as there should be."""
    one_each = len(find("Gunicorn master", site)) == len(find("Nginx master", site)) == 1
    return (
        one_each
        and len(find("Gunicorn worker", site)) == WORKERS
        and bool(find("Nginx worker", site))
    )


def main() -> int:
    """Try it, print the tables in Markdown, and return the exit code."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument(
        "--rounds", type=int, default=20, help="each kind is killed once in each"
    )
    arguments.add_argument(
        "--supervisors", type=int, default=5, help="rounds that end with its death"
    )
    arguments.add_argument("--threads", default="1,4", help="of each worker, in turns")
    arguments.add_argument("--seed", type=int, default=7, help="of the moments")
    add_options(arguments)
    chosen = arguments.parse_args()
    threads = [int(word) for word in chosen.threads.split(",")]
    trial = Trial(random.Random(chosen.seed))
    for number in range(chosen.rounds):
        say(f"round {number + 1} of {chosen.rounds}")
        trial.run(
            threads[number % len(threads)],
            is_supervisor_killed=number >= chosen.rounds - chosen.supervisors,
        )
    tables = {"Killed processes": trial.rows(), "How requests failed": trial.failure_rows()}
    kills = [asdict(one) for one in trial.kills]
    return conclude("benchmarks/faults.py", tables, trial.faults, chosen, kills=kills)


if __name__ == "__main__":
    sys.exit(main())
