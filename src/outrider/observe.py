"""What the processes of a running site do, from /proc and from what the workers write down.

https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outrider.app.shim import scoreboard
from outrider.metrics import Process, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from outrider.app.shim.scoreboard import Board

TOLD = 20
"""Of one worker's requests, the slowest."""
DEPTH = 3
"""Of processes below processes: an app may start whatever it likes."""
SCOREBOARD_VARIABLE = scoreboard.VARIABLE


@dataclass(frozen=True, kw_only=True)
class Main:
    """A process that the supervisor has started.

    Attributes:
        title: what it is called.
        site: whose it is, where there are several.
        generation: of which code, where that counts.
        has_workers: what it starts does its work.
    """

    pid: int
    title: str
    site: str = ""
    generation: int | None = None
    has_workers: bool = False


def make_scoreboard(workers: int) -> int | None:
    """Return a descriptor of memory in which so many processes can write what they do.

    There is none without Linux. What nobody writes to takes no memory.
    """
    if not hasattr(os, "memfd_create"):
        return None
    # A new generation beside the old one, and in each a worker that is being replaced.
    blocks = 3 * workers + 4
    descriptor = os.memfd_create("outrider-scoreboard", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, blocks * scoreboard.BLOCK_BYTES)
    # An app cannot make us read more.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor


def processes(
    mains: Iterable[Main], board: int | None, now: float, since_boot_s: float, root: str = "/proc"
) -> tuple[Process, ...]:
    """Return what all processes of a site do.

    Args:
        mains: the first processes; those below them are found.
        board: what make_scoreboard has returned.
        now: the time of CLOCK_MONOTONIC, as the workers take it.
        since_boot_s: the time of CLOCK_BOOTTIME, as /proc has it.
        root: where /proc is.
    """
    boards = _boards(board)
    return tuple(
        one
        for main in mains
        for pid, depth in _family(Path(root), main.pid)
        if (one := _process(Path(root), main, pid, depth, boards.get(pid), (now, since_boot_s)))
    )


def _boards(board: int | None) -> Mapping[int, Board]:
    if board is None:
        return {}
    data = os.pread(board, os.fstat(board).st_size, 0)
    return {one.pid: one for one in scoreboard.read(data)}


def _family(root: Path, pid: int, depth: int = 0) -> Iterator[tuple[int, int]]:
    yield pid, depth
    if depth == DEPTH:
        return
    for task in _listed(root / str(pid) / "task"):
        for child in _text(task / "children").split():
            yield from _family(root, int(child), depth + 1)


def _process(
    root: Path, main: Main, pid: int, depth: int, board: Board | None, at: tuple[float, float]
) -> Process | None:
    # After the name, which may have any letters in it.
    stat = _text(root / str(pid) / "stat").rpartition(")")[2].split()
    if not stat:
        return None  # it has just ended
    now, since_boot_s = at
    tick = os.sysconf("SC_CLK_TCK")
    doing = [
        Request(
            method=one.method,
            path=one.path,
            seconds=round(max(0.0, now - one.begun), 3),
            id=one.id,
            is_stream=one.is_stream,
        )
        for one in (board.doing if board else ())
    ]
    in_flight = len(doing) + (board.beyond if board else 0)
    is_worker = board is not None or (main.has_workers and depth == 1)
    return Process(
        pid=pid,
        title=main.title,
        role="worker" if is_worker else "child" if depth else "master",
        site=main.site,
        generation=main.generation,
        state=_state(stat[0], in_flight, is_known=board is not None),
        age_s=round(max(0.0, since_boot_s - int(stat[19]) / tick), 1),
        memory_bytes=int(stat[21]) * os.sysconf("SC_PAGE_SIZE"),
        cpu_s=(int(stat[11]) + int(stat[12])) / tick,
        requests=board.requests if board else None,
        in_flight=in_flight,
        doing=tuple(sorted(doing, key=lambda one: -one.seconds)[:TOLD]),
    )


def _state(letter: str, in_flight: int, *, is_known: bool) -> str:
    if letter in "ZX":
        return "ended"
    if letter in "Tt":
        return "stopped"
    if not is_known:
        return "running"
    return "busy" if in_flight else "idle"


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _listed(path: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(path.iterdir())
    return []
