"""What the processes of a site do: of a /proc that is written here, and of this machine's own."""

import itertools
import os
import subprocess
import sys
import time

import pytest

from outrider import observe
from outrider.app.shim import scoreboard
from outrider.app.shim.scoreboard import BLOCK_BYTES, Scoreboard
from outrider.observe import Main

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def board():
    descriptor = observe.make_scoreboard(2)
    assert descriptor is not None
    yield descriptor
    os.close(descriptor)


class Proc:
    """A /proc of a few files."""

    def __init__(self, root):
        self.root = root

    def add(self, pid, children=(), *, name="gunicorn", state="S", started_s=100):
        place = self.root / str(pid) / "task" / str(pid)
        place.mkdir(parents=True)
        (place / "children").write_text("".join(f"{child} " for child in children))
        after = [
            state,
            *["1", "1", "1", "0", "-1", "0", "0", "0", "0", "0"],
            str(3 * TICK),
            str(TICK),
            *["0", "0", "20", "0"],
        ]
        after += ["1", "0", str(started_s * TICK), "9999", "512", "0"]
        (self.root / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(after)}\n")

    def observed(self, *mains, board=None, now=0.0):
        return observe.processes(mains, board, now, 160.0, str(self.root))


@pytest.fixture
def proc(tmp_path):
    return Proc(tmp_path)


def test_a_process_has_age_memory_and_time(proc):
    proc.add(7, name="a) S 1 (b")
    (one,) = proc.observed(Main(pid=7, title="Gunicorn", generation=3))

    assert (one.pid, one.title, one.role, one.generation) == (7, "Gunicorn", "master", 3)
    assert (one.age_s, one.memory_bytes, one.cpu_s) == (60.0, 512 * PAGE, 4.0)
    assert (one.state, one.requests) == ("running", None)


def test_workers_are_found_below(proc):
    proc.add(7, [8, 9])
    proc.add(8, [10])
    proc.add(9)
    proc.add(10)
    found = proc.observed(Main(pid=7, title="Nginx", has_workers=True))

    assert [(one.pid, one.role) for one in found] == [
        (7, "master"),
        (8, "worker"),
        (10, "child"),
        (9, "worker"),
    ]


def test_what_has_just_ended_is_left_out(proc):
    proc.add(7, [8])

    assert [one.pid for one in proc.observed(Main(pid=7, title="x"), Main(pid=99, title="y"))] == [
        7
    ]


@pytest.mark.parametrize(("letter", "state"), [("Z", "ended"), ("T", "stopped"), ("D", "running")])
def test_states_are_words(proc, letter, state):
    proc.add(7, state=letter)

    assert proc.observed(Main(pid=7, title="x"))[0].state == state


def test_an_app_that_starts_processes_without_end_is_not_followed(proc):
    for pid in range(1, 50):
        proc.add(pid, [pid + 1])

    assert len(proc.observed(Main(pid=1, title="x"))) == observe.DEPTH + 1


def test_a_workers_requests_are_those_that_it_writes_down(proc, board):
    mine = os.getpid()
    proc.add(7, [mine])
    proc.add(mine)
    worker = Scoreboard(str(board))
    quick, slow = worker.begin(b"q GET /quick"), worker.begin(b"s POST /slow")
    now = time.monotonic() + 5
    _, one = proc.observed(Main(pid=7, title="Gunicorn"), board=board, now=now)

    assert (one.role, one.state, one.requests, one.in_flight) == ("worker", "busy", 2, 2)
    assert [each.path for each in one.doing] == ["/quick", "/slow"]
    assert 5 <= one.doing[1].seconds <= one.doing[0].seconds

    worker.end(quick)
    worker.end(slow)
    _, one = proc.observed(Main(pid=7, title="Gunicorn"), board=board)
    assert (one.state, one.requests, one.in_flight) == ("idle", 2, 0)


def test_of_many_requests_the_slowest_are_named(proc, board, monkeypatch):
    proc.add(os.getpid())
    worker = Scoreboard(str(board))
    count = observe.TOLD + 5
    for slot in [worker.begin(b" GET /") for _ in range(count)]:
        worker.end(slot)  # the last one is now the first to be taken
    monkeypatch.setattr(scoreboard, "monotonic", itertools.count(100).__next__)
    for number in range(count):
        worker.begin(f" GET /{number}".encode())
    (one,) = proc.observed(Main(pid=os.getpid(), title="x"), board=board, now=200)

    assert one.in_flight == count
    assert [each.path for each in one.doing] == [f"/{number}" for number in range(observe.TOLD)]


def test_a_clock_that_is_behind_gives_no_negative_times(proc, board):
    proc.add(os.getpid(), started_s=10_000)
    Scoreboard(str(board)).begin(b" GET /")
    (one,) = proc.observed(Main(pid=os.getpid(), title="x"), board=board)

    assert (one.age_s, one.doing[0].seconds) == (0, 0)


def test_this_very_process_can_be_looked_at():
    words = [sys.executable, "-c", "print(flush=True); input()"]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        child.stdout.readline()
        since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        found = observe.processes([Main(pid=os.getpid(), title="x")], None, 0.0, since_boot_s)
    finally:
        child.communicate(b"\n", timeout=60)

    known = {one.pid: one for one in found}
    assert os.getpid() in known
    # What Linux says is where we look for it: a Python that has just begun.
    assert 2**20 < known[child.pid].memory_bytes < 2**30
    assert known[child.pid].age_s < 60
    assert known[child.pid].cpu_s < 60


def test_the_memory_cannot_be_made_larger_by_an_app(board):
    with pytest.raises(PermissionError):
        os.ftruncate(board, 10**9)
    with pytest.raises(PermissionError):
        os.ftruncate(board, 0)
    assert os.fstat(board).st_size % BLOCK_BYTES == 0
