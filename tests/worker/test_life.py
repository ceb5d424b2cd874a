"""What happens to a worker while requests are on their way: rows of the table in hazards.py."""

from __future__ import annotations

import functools
import re
import signal
import threading
import time

import psutil
import pytest

from tests.integration.running import is_alive
from tests.worker.rig import (
    KINDS,
    PATIENCE_S,
    Later,
    asking,
    connected,
    receive,
    request,
    serving,
    until,
)

pytestmark = [pytest.mark.integration, pytest.mark.slow]

POSTS = 200
TIMEOUT_S = 2


def post(number: int | str, seconds: float = 0, body: bytes = b"body") -> bytes:
    path = f"/serve?id={number}" + (f"&seconds={seconds}" if seconds else "")
    return request(path, method="POST", body=body)


class Visitors:
    """Some clients who post, one request after the other, until they have done so often enough."""

    def __init__(self, served, count: int, *, at_a_time: int = 4, slow: int = 0) -> None:
        self._served, self._slow = served, slow
        self._numbers = iter(range(count))
        self._lock = threading.Lock()
        self.answers: dict[int, str] = {}
        self._threads = [threading.Thread(target=self._post) for _ in range(at_a_time)]
        for thread in self._threads:
            thread.start()

    def _post(self) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                return
            seconds = 0.03 if self._slow and number % self._slow == 0 else 0
            reply = self._served.through(post(number, seconds))
            is_right = reply.kind == "200" and reply.body == b"%d 4" % number
            self.answers[number] = "200" if is_right else f"{reply.kind} {reply.body[:80]!r}"

    def wait_for(self, share: float) -> None:
        """Wait until a share of them has been answered."""
        total = POSTS
        until(lambda: len(self.answers) >= share * total, self._served)

    def failed(self) -> dict[int, str]:
        """Return what went wrong, once all have been answered."""
        for thread in self._threads:
            thread.join(4 * PATIENCE_S)
            assert not thread.is_alive()
        return {number: answer for number, answer in self.answers.items() if answer != "200"}


def all_are_new(served, before: set[int]) -> bool:
    return before.isdisjoint(worker.pid for worker in served.workers())


def all_have_loaded(served) -> bool:
    """Two, and none of them still on its way to hearing signals: Gunicorn would wait for it."""
    workers = {str(worker.pid) for worker in served.workers()}
    return len(workers) == 2 and workers <= {pid for pid, *_ in served.notes("loaded")}


def counts(served) -> dict[str, int]:
    """Return how often the app has seen each request."""
    seen: dict[str, int] = {}
    for number, _ in served.notes("served"):
        seen[number] = seen.get(number, 0) + 1
    return seen


# -- no request is lost ----------------------------------------------------------------------------


def test_reload(kind, expected):
    with serving(kind, workers=2) as served:
        visitors = Visitors(served, POSTS)
        for share in (0.1, 0.25, 0.4, 0.55, 0.7):
            visitors.wait_for(share)
            until(functools.partial(all_have_loaded, served), served)
            before = {worker.pid for worker in served.workers()}
            served.gunicorn.send_signal(signal.SIGHUP)
            until(functools.partial(all_are_new, served, before), served)
        assert visitors.failed() == {}
        assert set(counts(served).values()) == {1}
        assert expected == "no failure"


def test_max_requests(kind, expected):
    with serving(kind, "max_requests = 20\nmax_requests_jitter = 5", workers=2) as served:
        assert Visitors(served, POSTS).failed() == {}
        pids = {pid for _, pid in served.notes("served")}
        assert len(pids) >= POSTS / 25 / 2  # they were replaced
        assert len(counts(served)) == POSTS
        assert set(counts(served).values()) == {1}
        assert expected == "no failure"


def test_killed_worker(kind, expected):
    """A POST is never sent again, so what the worker was serving is lost, and nothing else."""
    with serving(kind, workers=2) as served:
        visitors = Visitors(served, POSTS, slow=3)
        killed = 0
        for share in (0.2, 0.4, 0.6):
            visitors.wait_for(share)
            served.workers()[0].kill()
            killed += 1
        assert len(visitors.failed()) <= killed * kind.threads
        assert set(counts(served).values()) == {1}
        assert expected == "at most what it was serving"


def test_hand_over(kind, expected):
    """Slow requests let the lead of a threaded worker change hands all the time."""
    with serving(kind, workers=2) as served:
        visitors = Visitors(served, POSTS, at_a_time=8, slow=4)
        for share in (0.2, 0.5, 0.8):
            visitors.wait_for(share)
            served.gunicorn.send_signal(signal.SIGHUP)
        assert visitors.failed() == {}
        assert counts(served) == {str(number): 1 for number in range(POSTS)}
        assert expected == "each answered once"


def test_a_quick_request_is_not_behind_a_slow_one(kind):
    """One process, all threads but one asleep: the last one still serves."""
    with serving(kind) as served:
        held = [served.later(request(f"/wait?{number}/go")) for number in range(kind.threads - 1)]
        for number in range(kind.threads - 1):
            served.until_noted("waits", str(number))
        for _ in range(20):
            assert served.through(request("/pid")).status == 200
        served.touch("go")
        assert [later.reply().kind for later in held] == ["200"] * len(held)


def test_backlog_full(kind, expected):
    """A full backlog of a Unix socket refuses at once: https://man7.org/linux/man-pages/man2/connect.2.html."""
    with serving(kind, "backlog = 2") as served:
        busy = []
        for number in range(kind.threads):
            busy.append(served.later(request(f"/wait?{number}/go")))
            served.until_noted("waits", str(number))  # one after the other, or some are refused
        more = [served.later(post(number)) for number in range(40)]
        if kind.name == "gthread":
            refused = 0
        else:
            until(lambda: sum(not later.is_alive() for later in more) >= 10, served)
            refused = 10
        served.touch("go")
        kinds = [later.reply().kind for later in more]
        assert {later.reply().kind for later in busy} == {"200"}
        assert set(kinds) <= {"200", "502"}
        assert kinds.count("502") >= refused
        assert kinds.count("200") == len(served.notes("served"))
        assert Visitors(served, 20, at_a_time=1).failed() == {}
        if kind.name == "gthread":
            assert kinds.count("200") > kinds.count("502")
            assert expected == "they wait in the worker, most of them"
        else:
            assert expected == "502 for these, recovers"


# -- signals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", ["master", "worker"])
def test_term_while_serving(kind, expected, whom):
    with serving(kind) as served:
        [worker] = served.workers()
        later = served.later(request("/wait?1/go"))
        served.until_noted("waits", "1")
        told = served.gunicorn if whom == "master" else worker
        told.send_signal(signal.SIGTERM)
        # Nobody may take its place in the queue for long: a new worker does, if there is one.
        if whom == "worker" and not kind.is_ours:
            assert worker.is_running()
        served.touch("go")
        assert later.reply().body == b"waited"
        until(lambda: not is_alive(worker), served)
        assert expected == "the request ends, then the worker"


def test_term_while_idle(kind, expected):
    with serving(kind) as served:
        [worker] = served.workers()
        served.gunicorn.send_signal(signal.SIGTERM)
        served.gunicorn.wait(PATIENCE_S)
        assert served.gunicorn.returncode == 0
        assert not worker.is_running()
        assert "SIGKILL" not in served.log
        assert expected == "ends at once"


def test_quit_while_serving(kind, expected):
    with serving(kind) as served:
        [worker] = served.workers()
        later = served.later(request("/wait?1/go"))
        served.until_noted("waits", "1")
        worker.send_signal(signal.SIGQUIT)
        if expected != "the request is cut":
            served.touch("go")
            assert later.reply().body == b"waited"
            assert expected == "the request ends, then the worker"
        assert later.reply().status in (200, 500, 502)
        assert (later.reply().status == 200) == (expected != "the request is cut")
        until(lambda: served.workers() not in ([], [worker]), served)
        until(lambda: served.through(request("/pid")).status == 200, served)


def test_harmless_signals(kind, expected):
    with serving(kind) as served:
        [worker] = served.workers()
        later = served.later(request("/wait?1/go"))
        served.until_noted("waits", "1")
        with connected(served.socket) as connection:  # one that the worker may be reading
            connection.sendall(b"GET /pid HTTP/1.1\r\nConnection: close\r\n")
            for number in (signal.SIGUSR1, signal.SIGWINCH) * 5:
                worker.send_signal(number)
                time.sleep(0.01)
            served.touch("go")
            assert later.reply().body == b"waited"
            worker.send_signal(signal.SIGUSR1)
            connection.sendall(b"\r\n")
            assert receive(connection).body == str(worker.pid).encode()
        # While it sends and receives more than a connection holds.
        large = served.later(request("/pour?30"))
        while large.is_alive():
            worker.send_signal(signal.SIGUSR1)
            time.sleep(0.002)
        assert len(large.reply().rest) > 30 * 2**20
        assert large.reply().raw.endswith(b"\r\n0\r\n\r\n")
        large = served.later(request("/digest", method="POST", body=bytes(30 * 2**20)))
        while large.is_alive():
            worker.send_signal(signal.SIGUSR1)
            time.sleep(0.002)
        assert large.reply().body.startswith(b"31457280 ")
        assert [one.pid for one in served.workers()] == [worker.pid]
        assert expected == "nothing"


def test_parent_killed(kind, expected):
    with serving(kind, workers=2, timeout=4) as served:
        workers = served.workers()
        served.gunicorn.kill()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert alive == []
        assert expected == "the workers end"


# -- requests that hang ----------------------------------------------------------------------------


HANGS = {
    "python": "sit_in_a_loop",
    "lock": "sit_in_a_lock",
    "c": "sit_in_c",
    "c-released": "sit_in_c",
    "started": "sit_in_a_loop",
}
"""The ways to hang, and the function that the stack is to name."""


def outcome_of_hang(kind, how: str) -> str:
    """Let a request hang and say what its client and the log are told; the site recovers."""
    with serving(kind, timeout=TIMEOUT_S) as served:
        [worker] = served.workers()
        later = served.later(request(f"/hang?{how}/1"))
        served.until_noted("hangs", "1")
        reply = later.reply()
        until(lambda: served.through(request("/pid")).status == 200, served)
        told = "cut" if reply.kind == "cut" else str(reply.status)
        is_logged = re.search(rf"\b{HANGS[how]}\b", served.log) is not None
        is_replaced = [one.pid for one in served.workers()] != [worker.pid]
    if is_logged:
        told += " after `timeout`, logged with its stack"
    return told + ", the worker is replaced" * (is_replaced and how.startswith("c"))


@functools.cache
def outcomes_on_gthread() -> dict[str, str]:
    """Return the same of Gunicorn's threaded worker, which goes on, so that all hang together."""
    ways = [how for how in HANGS if how != "c"]
    gthread = next(kind for kind in KINDS if kind.name == "gthread")
    with serving(gthread, timeout=TIMEOUT_S) as served:
        workers = served.workers()
        hanging = {how: served.later(request(f"/hang?{how}/{how}")) for how in ways}
        for how in ways:
            served.until_noted("hangs", how)
        replies = {how: later.reply() for how, later in hanging.items()}
        assert served.workers() == workers
        assert not any(stack in served.log for stack in HANGS.values())
        return {
            how: f"{'cut' if reply.kind == 'cut' else reply.status} from Nginx, nothing logged"
            for how, reply in replies.items()
        }


def outcome(kind, how: str) -> str:
    if kind.name == "gthread" and how != "c":
        return outcomes_on_gthread()[how]
    return outcome_of_hang(kind, how)


def test_hang_in_python(kind, expected):
    assert outcome(kind, "python") == expected


def test_hang_in_a_lock(kind, expected):
    assert outcome(kind, "lock") == expected


def test_hang_in_c(kind, expected):
    assert outcome(kind, "c") == expected


def test_hang_in_c_without_the_lock(kind, expected):
    assert outcome(kind, "c-released") == expected


def test_hang_after_the_first_block(kind, expected):
    assert outcome(kind, "started") == expected


@pytest.mark.parametrize("how", ["python", "lock", "c-released"])
def test_neighbours_of_a_hang(kind, expected, how):
    if kind.threads == 1:
        assert expected == "there are none"
        return
    if kind.name == "gthread" and how != "python":
        return  # it knows of none of them
    timeout = TIMEOUT_S if kind.name == "gthread" else 2 * TIMEOUT_S
    with serving(kind, timeout=timeout) as served:
        [worker] = served.workers()
        hanging = served.later(request(f"/hang?{how}/1"))
        served.until_noted("hangs", "1")
        began = time.monotonic()
        # It begins before the other is ended and ends after that.
        neighbour: list[Later] = []
        answers = []
        while hanging.is_alive():
            answers.append(served.through(request("/pid")).body.decode())
            if not neighbour and time.monotonic() - began > 0.6 * timeout:
                neighbour.append(served.later(request("/wait?2/go")))
            time.sleep(0.02)
        assert hanging.reply().status >= 500
        served.touch("go")
        assert neighbour[0].reply().body == b"waited"
        answers += [served.through(request("/pid")).body.decode() for _ in range(20)]
        assert set(answers) == {str(worker.pid)}
        assert [one.pid for one in served.workers()] == [worker.pid]
        assert expected == "served"


def test_more_hang_than_threads(kind):
    """More requests hang than there are threads: the site comes back all the same."""
    if not kind.is_ours:
        pytest.skip("shown by the hangs above")
    with serving(kind, timeout=TIMEOUT_S) as served:
        ways = ["lock", "python", "c-released"] * 2
        hanging = [
            served.later(request(f"/hang?{how}/{number}"))
            for number, how in enumerate(ways[: kind.threads + 1])
        ]
        assert {later.reply().status for later in hanging} <= {500, 502, 504}
        until(lambda: served.through(request("/pid")).status == 200, served)


def test_a_worker_that_hangs_can_still_be_stopped(kind):
    if kind.name == "gthread":
        pytest.skip("it waits for graceful_timeout")
    with serving(kind, "graceful_timeout = 2", timeout=0) as served:
        served.later(request("/hang?lock/1"))
        served.until_noted("hangs", "1")
        served.gunicorn.send_signal(signal.SIGTERM)
        served.gunicorn.wait(PATIENCE_S)


def test_an_answer_that_nobody_reads_is_ended(kind):
    """Nginx reads all; another client may not."""
    if kind.name == "gthread":
        pytest.skip("it never finds out")
    with serving(kind, timeout=TIMEOUT_S) as served, connected(served.socket) as connection:
        path = asking(id="1", blocks=[{"byte": "x", "times": 100_000}] * 30)
        connection.sendall(request(path))
        assert connection.recv(10)
        served.until_noted("closed", "1")
        until(lambda: served.through(request("/pid")).status == 200, served)
