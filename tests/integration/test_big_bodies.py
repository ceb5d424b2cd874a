"""A gigabyte up, a gigabyte down: whole, and without any process growing by it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import shutil
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest

from tests.integration.running import APPS, PATIENCE_S, assert_nothing_is_left, environment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.running import Running

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.xdist_group("load")]

SITE = APPS / "running_big"
MEGABYTE = 2**20
PIECES = 1024
SIZE = PIECES * MEGABYTE
MORE_AT_MOST = 64 * MEGABYTE
DISK_AT_LEAST = 4 * SIZE
"""Nginx spools a whole body; the file that is sent is sparse."""


class Received(NamedTuple):
    """What a client has got."""

    status: int
    size: int
    digest: str


def pieces() -> Iterator[bytes]:
    """Yield megabytes of which no two are the same."""
    piece = random.Random("up").randbytes(MEGABYTE)
    for number in range(PIECES):
        yield number.to_bytes(8, "big") + piece[8:]


def download(port: int, path: str) -> Received:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        digest, size = hashlib.blake2b(), 0
        while piece := response.read(MEGABYTE):
            digest.update(piece)
            size += len(piece)
        return Received(response.status, size, digest.hexdigest())


@contextlib.contextmanager
def memory_stays_flat(site: Running) -> Iterator[None]:
    """Measure again and again what each process of a site has of memory for itself."""
    members = [psutil.Process(site.process.pid), *site.family()]
    before = {process: own_memory(process) for process in members}
    highest = dict(before)
    stop = threading.Event()

    def measure() -> None:
        while not stop.wait(0.1):
            for process in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    highest[process] = max(highest[process], own_memory(process))

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert site.family() == members[1:]  # none was replaced
    growth = {process: highest[process] - before[process] for process in members}
    assert not {process: more for process, more in growth.items() if more >= MORE_AT_MOST}


def own_memory(process: psutil.Process) -> int:
    return process.memory_full_info().uss


@pytest.fixture
def site(short_dir, free_port):
    if shutil.disk_usage(short_dir).free < DISK_AT_LEAST:
        pytest.skip("there are no 4 GB of disk free")
    # A request may take as long as a slow machine needs.
    words = ("--workers", "1", "--body-limit", "2g", "--timeout", "10m")
    env = environment(FILE=str(short_dir / "file"))
    with serving(*words, cwd=SITE, port=free_port, env=env) as running:
        yield running
        assert running.stop() == 0
        assert_nothing_is_left(running)


def test_a_gigabyte_arrives_whole_at_the_app(site):
    digest = hashlib.blake2b()

    def body() -> Iterator[bytes]:
        for piece in pieces():
            digest.update(piece)
            yield piece

    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=600)
    with contextlib.closing(connection), memory_stays_flat(site):
        connection.request("POST", "/upload", body(), {"Content-Length": str(SIZE)})
        response = connection.getresponse()
        answer = response.read()
    assert response.status == 200
    assert json.loads(answer) == {"size": SIZE, "digest": digest.hexdigest()}


def test_a_gigabyte_from_the_app_arrives_whole(site):
    with memory_stays_flat(site):
        received = download(site.port, f"/download/{PIECES}")
    sent = site.wait_for(r"sent ([0-9a-f]{128})")[1]
    assert received == Received(200, SIZE, sent)


def test_a_file_of_a_gigabyte_arrives_whole(site, short_dir):
    digest = make_file(short_dir / "file")
    with memory_stays_flat(site):
        received = download(site.port, "/file")
    assert received == Received(200, SIZE, digest)


def test_a_file_of_a_gigabyte_keeps_no_worker(short_dir, free_port):
    """Nginx sends it, so that the only worker answers others while somebody reads it slowly."""
    digest = make_file(short_dir / "file")
    hour_ago = time.time() - 3600
    os.utime(short_dir / "file", (hour_ago, hour_ago))  # a younger one may be temporary
    words = ("--workers", "1", "--file-root", str(short_dir), "--log-format", "json")
    env = environment(FILE=str(short_dir / "file"))
    with serving(*words, cwd=SITE, port=free_port, env=env) as site, memory_stays_flat(site):
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/file")
            response = connection.getresponse()
            received, size = hashlib.blake2b(response.read(MEGABYTE)), MEGABYTE
            assert site.get("/somewhere/else").status == 404  # by the app
            while piece := response.read(MEGABYTE):
                received.update(piece)
                size += len(piece)
        assert (size, received.hexdigest()) == (SIZE, digest)
        line = site.wait_for(r'"uri":"/file"').string
        assert json.loads(line)["upstream_bytes"] == "0"


def make_file(path: Path) -> str:
    """Make a file of a gigabyte, most of it a hole that takes no disk; return its digest."""
    digest = hashlib.blake2b()
    with path.open("w+b") as file:
        for number in range(0, PIECES, 64):
            file.seek(number * MEGABYTE)
            file.write(b"mark %d" % number)
        file.truncate(SIZE)
        file.seek(0)
        while piece := file.read(MEGABYTE):
            digest.update(piece)
    return digest.hexdigest()
