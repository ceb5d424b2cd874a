"""The loop that holds slow clients, turned by hand against a listener of the test's own."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time

import pytest

from outrider.bench.hold import Holder, Orders


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as made:
        made.settimeout(60)
        yield made


@contextlib.contextmanager
def holder(listener, count=3, **different):
    orders = {
        "host": "127.0.0.1", "port": listener.getsockname()[1], "source": "",
        "at_once": "GET / HTTP/1.1\r\nX-Slow: ", "dripped": "x", "pace_s": 3600.0,
        "count": count, "connect_per_s": 1000.0,
    }  # fmt: skip
    made = Holder(Orders(**orders | different))
    try:
        yield made
    finally:
        made.selector.close()
        for client in made.clients:
            if client.socket:
                client.socket.close()


def turned_until(made, condition):
    deadline = time.monotonic() + 60
    while not condition(json.loads(made.report())):
        assert time.monotonic() < deadline, made.report()
        made.turn()


def accepted(listener, count):
    found = [listener.accept()[0] for _ in range(count)]
    for connection in found:
        connection.settimeout(60)
    return found


def test_each_client_connects_says_its_beginning_and_is_held(listener):
    with holder(listener) as made:
        turned_until(made, lambda counts: counts["held"] == 3)
        for connection in accepted(listener, 3):
            with connection:
                assert connection.recv(100) == b"GET / HTTP/1.1\r\nX-Slow: "


def test_they_come_one_after_the_other_as_the_ramp_says(listener):
    with holder(listener, connect_per_s=0.001) as made:
        turned_until(made, lambda counts: counts["held"] == 1)
        for _ in range(3):
            made.turn()
        assert json.loads(made.report())["held"] == 1


def test_nobody_comes_before_the_delay_is_over(listener):
    with holder(listener, delay_s=3600) as made:
        for _ in range(3):
            made.turn()
        assert json.loads(made.report())["connecting"] == 0


def test_a_byte_follows_at_each_pace(listener):
    with holder(listener, count=1, pace_s=0.01) as made:
        turned_until(made, lambda counts: counts["held"] == 1)
        [connection] = accepted(listener, 1)
        with connection:
            said = b""
            while not said.endswith(b"xxx"):
                made.turn()
                with contextlib.suppress(BlockingIOError):
                    connection.setblocking(False)
                    said += connection.recv(100)


@pytest.mark.parametrize("replaces", [True, False])
def test_a_client_whose_time_the_site_has_limited_is_counted_and_comes_again(
    listener, replaces, monkeypatch
):
    monkeypatch.setattr("outrider.bench.hold.REST_S", 0.05)
    with holder(listener, count=1, replaces=replaces) as made:
        turned_until(made, lambda counts: counts["held"] == 1)
        [connection] = accepted(listener, 1)
        with connection:
            connection.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
            turned_until(made, lambda counts: counts["dropped"] == 1)
        assert json.loads(made.report())["answers"] == {"408": 1}
        if replaces:
            turned_until(made, lambda counts: counts["held"] == 1)
            accepted(listener, 1)[0].close()
        else:
            made.turn()
            assert json.loads(made.report())["held"] == 0


def test_a_client_that_is_reset_is_dropped(listener):
    with holder(listener, count=1, replaces=False) as made:
        turned_until(made, lambda counts: counts["held"] == 1)
        [connection] = accepted(listener, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        turned_until(made, lambda counts: counts["dropped"] == 1)
        assert json.loads(made.report())["answers"] == {}


def test_who_cannot_connect_is_refused(listener):
    with holder(listener, count=2, replaces=False) as made:
        listener.close()
        turned_until(made, lambda counts: counts["refused"] == 2)
        counts = json.loads(made.report())
        assert counts["answers"] == {"ECONNREFUSED": 2}
        assert (counts["held"], counts["connecting"]) == (0, 0)


def test_a_reader_takes_little_at_a_time_and_the_site_keeps_the_rest(listener):
    with holder(
        listener, count=1, dripped="", at_once="GET / HTTP/1.1\r\n\r\n", pace_s=0.01,
        segment_bytes=1400,
    ) as made:  # fmt: skip
        turned_until(made, lambda counts: counts["held"] == 1)
        [connection] = accepted(listener, 1)
        with connection:
            connection.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while sent < 2**20:
                    sent += connection.send(bytes(65536))
            # It would be a megabyte and more with the segments of the loopback interface.
            assert sent < 256 * 1024
            for _ in range(5):
                made.turn()
            assert json.loads(made.report())["held"] == 1


def test_a_reader_whose_connection_has_ended_is_dropped(listener):
    with holder(listener, count=1, dripped="", pace_s=0.01, replaces=False) as made:
        turned_until(made, lambda counts: counts["held"] == 1)
        accepted(listener, 1)[0].close()
        turned_until(made, lambda counts: counts["dropped"] == 1)
