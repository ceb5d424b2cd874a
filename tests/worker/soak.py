"""Ten minutes of all kinds of requests, after which every process is as large as after two.

Not among the tests, for its time: `make soak`, or with less of it

    SOAK_SECONDS=120 python -m pytest tests/worker/soak.py -s
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.integration.running import Running, environment, serving
from tests.ports import reserved
from tests.worker.rig import APP, Reply, asking, connected, exchange, request
from tests.worker.test_requests import chunked

if TYPE_CHECKING:
    from collections.abc import Callable

LASTS_S = int(os.environ.get("SOAK_SECONDS", "600"))
CLIENTS = 6
PAUSE_S = 0.01
"""Between two requests of one of them, so that the machine can do something else."""
SETTLED = 0.2
"""The share of the time after which memory is to stay as it is."""
SAMPLE_S = LASTS_S / 120
MORE_AT_MOST = 2 * 2**20
"""Bytes that a process may have more at the end: an allocator's pieces, and no more."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LASTS_S + 300)]


def usual(reply: Reply) -> bool:
    return reply.kind == "200"


def failed(reply: Reply) -> bool:
    return reply.kind == "500"


def cut(reply: Reply) -> bool:
    return reply.kind == "cut"


def refused(reply: Reply) -> bool:
    return reply.status == 400


Ask = tuple[bytes, "Callable[[Reply], bool]"]


def small(chance: random.Random) -> Ask:
    cookie = "x" * chance.randrange(2000)
    return request("/pid", f"Cookie: a={cookie}", f"X-{chance.randrange(10**6)}: a"), usual


def many_headers(chance: random.Random) -> Ask:
    headers = [f"X-{chance.random()}: " + "a" * chance.randrange(300) for _ in range(60)]
    return request(f"/pid?{chance.random()}", *headers), usual


def upload(chance: random.Random) -> Ask:
    return request("/digest", method="POST", body=bytes(chance.randrange(400_000))), usual


def upload_in_chunks(chance: random.Random) -> Ask:
    head = request("/digest", "Transfer-Encoding: chunked", method="POST")
    return head + chunked(*(bytes(chance.randrange(1, 9000)) for _ in range(20))), usual


def upload_ignored(chance: random.Random) -> Ask:
    body = bytes(chance.randrange(3_000_000))
    return request("/refuse", method="POST", body=body), lambda reply: reply.kind == "413"


def download(chance: random.Random) -> Ask:
    return request(f"/pour?{chance.randrange(1, 4)}"), usual


def file(chance: random.Random) -> Ask:
    return request(f"/file?name=file&at={chance.randrange(1000)}"), usual


def slow(chance: random.Random) -> Ask:
    return request(f"/serve?id=1&seconds={chance.random() / 20}"), usual


def hints(_: random.Random) -> Ask:
    return request(asking(write=["a"], blocks=["b"])), usual


def no_body(chance: random.Random) -> Ask:
    if chance.random() < 0.5:
        return request("/pid", method="HEAD"), usual
    path = asking(status="304 Not Modified", blocks=["a"])
    return request(path), lambda reply: reply.kind == "304"


def error(chance: random.Random) -> Ask:
    if chance.random() < 0.5:
        return request(asking(blocks=["raise"])), failed
    return request(asking(status="200\r\nX: a")), failed


def error_in_the_middle(_: random.Random) -> Ask:
    return request(asking(blocks=["a", "raise"])), cut


def malformed(chance: random.Random) -> Ask:
    return b"GET / HTTP/1.1\r\nHost: a b\r\n" + bytes(chance.randrange(50)) + b"\r\n\r\n", refused


ASKS = (
    *[small] * 20,
    *[many_headers] * 3,
    *[upload] * 3,
    upload_in_chunks,
    upload_ignored,
    *[download] * 2,
    *[file] * 3,
    *[slow] * 3,
    hints,
    *[no_body] * 2,
    *[error] * 2,
    error_in_the_middle,
    malformed,
)


@dataclass
class Crowd:
    """Clients who ask for one thing after the other, until they are told to stop."""

    port: int
    is_over: threading.Event = field(default_factory=threading.Event)
    asked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def start(self) -> list[threading.Thread]:
        """Start them all."""
        threads = [
            threading.Thread(target=self._ask, args=(random.Random(number),))
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _ask(self, chance: random.Random) -> None:
        while not self.is_over.wait(PAUSE_S):
            ask = chance.choice(ASKS)
            data, is_right = ask(chance)
            if chance.random() < 0.03:
                self._leave(data)
                continue
            reply = exchange(self.port, data)
            self.asked[ask.__name__] += 1
            if not is_right(reply):
                self.wrong.append(f"{ask.__name__}: {reply.kind} {reply.raw[:200]!r}")

    def _leave(self, data: bytes) -> None:
        """Go away in the middle of the answer."""
        with contextlib.suppress(OSError), connected(self.port) as connection:
            connection.sendall(data)
            connection.recv(10)


def sizes(site: Running) -> dict[str, int]:
    """Return what each process has for itself, by what it is."""
    found = {}
    for process in [psutil.Process(site.process.pid), *site.family()]:
        name = "supervisor" if process.pid == site.process.pid else process.name()
        found[f"{name} {process.pid}"] = process.memory_full_info().uss
    return found


def grown(samples: list[dict[str, int]]) -> dict[str, int]:
    """Return by how much each process is larger in the last tenth than when it had settled."""
    tenth = max(1, len(samples) // 10)
    begin = int(len(samples) * SETTLED)
    early, late = samples[begin : begin + tenth], samples[-tenth:]
    assert early[0].keys() == late[-1].keys()  # none was replaced
    return {
        name: int(statistics.median(s[name] for s in late))
        - int(statistics.median(s[name] for s in early))
        for name in early[0]
    }


@pytest.mark.parametrize("threads", ["1", "4"])
def test_every_process_is_as_large_at_the_end_as_when_it_had_settled(threads, short_dir):
    (short_dir / "file").write_bytes(bytes(200_000))
    words = ("hazards:app", "--workers", "1", "--threads", threads, "--body-limit", "200m")
    env = environment(HAZARDS_STATE=str(short_dir))
    with reserved() as port, serving(*words, cwd=APP, port=port, env=env) as site:
        crowd = Crowd(port)
        clients = crowd.start()
        end = time.monotonic() + LASTS_S
        samples = []
        while time.monotonic() < end:
            time.sleep(SAMPLE_S)
            samples.append(sizes(site))
        crowd.is_over.set()
        for client in clients:
            client.join(60)
        print(f"\n{threads} threads, {sum(crowd.asked.values())} requests in {LASTS_S} s")
        for name, more in grown(samples).items():
            course = [sample[name] / 2**20 for sample in samples[:: max(1, len(samples) // 10)]]
            print(f"  {name:24} {more / 2**10:+7.0f} KB; MB:", *(f"{one:.1f}" for one in course))
        assert crowd.wrong == []
        assert set(crowd.asked) == {ask.__name__ for ask in ASKS}
        assert {name: more for name, more in grown(samples).items() if more > MORE_AT_MOST} == {}
        assert site.stop() == 0
