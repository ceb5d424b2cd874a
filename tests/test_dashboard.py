"""What is answered at the address of the setting `metrics`."""

import asyncio
import contextlib
import json
import socket

import pytest

from outrider import dashboard
from outrider.metrics import Metrics


def figures():
    return Metrics(0.0).figures(1.0)


def asked(target="/", method="GET", host="127.0.0.1:9100", more=""):
    """Return status, headers and body of the answer to a request."""
    request = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"
    head, _, body = dashboard.answered(request.encode(), figures).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def test_prometheus_finds_its_format():
    status, headers, body = asked("/metrics")

    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"outrider_uptime_seconds 1.0" in body


def test_a_script_finds_json():
    status, headers, body = asked("/status.json?now")

    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["traffic"]["requests"] == 0


@pytest.mark.parametrize("target", ["/", "/dashboard.css", "/dashboard.js"])
def test_a_browser_finds_a_page_that_loads_nothing_from_elsewhere(target):
    status, headers, body = asked(target)

    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    # Of SVG the name, which nobody loads.
    assert b"://" not in body.replace(b"http://www.w3.org/2000/svg", b"")


def test_nothing_is_kept_in_a_cache():
    assert asked("/status.json")[1]["Cache-Control"] == "no-store"


def test_what_is_not_there_is_told_with_what_is():
    status, _, body = asked("/../etc/passwd")

    assert status == 404
    assert b"/metrics" in body


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "", "\x16\x03\x01"])
def test_nothing_can_be_changed(method):
    assert asked(method=method)[0] == 405


def test_a_head_has_no_body():
    status, headers, body = asked(method="HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9100", "localhost:9100", "[::1]:9100", "10.0.0.7", "[fe80::1]", "app:9100"]
)
def test_who_asks_by_an_address_or_a_local_name_is_answered(host):
    assert asked(host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9100", "127.0.0.1.evil.example", "", "a.b]:1"]
)
def test_a_name_that_somebody_has_point_here_reads_nothing(host):
    assert asked("/status.json", host=host)[0] == 421


def test_two_hosts_are_none():
    assert asked(more="Host: evil.example\r\n")[0] == 421
    assert dashboard.answered(b"GET / HTTP/1.0\r\n\r\n", figures).startswith(b"HTTP/1.1 421 ")


# -- on a socket -----------------------------------------------------------------------------------


async def away(writer):
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def talk(address, data):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        await away(writer)


def conversation(*requests):
    async def run():
        listener = socket.create_server(("127.0.0.1", 0))
        async with dashboard.listening(listener, figures):
            address = listener.getsockname()
            return [await talk(address, data) for data in requests]

    return asyncio.run(run())


GOOD = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_connection_is_closed_after_its_answer():
    (answer,) = conversation(GOOD)

    assert b"outrider_uptime_seconds" in answer


def test_no_more_is_read_of_a_head_than_anybody_sends():
    assert conversation(GOOD[:-2] + b"X: y\r\n" * 5000 + b"\r\n") == [b""]


@pytest.mark.parametrize("data", [b"\xff" * 20_000, b"\r\n\r\n"])
def test_rubbish_is_no_end_of_it(data):
    _, answer = conversation(data, GOOD)

    assert b"outrider_uptime_seconds" in answer


def test_who_says_nothing_is_sent_away(monkeypatch):
    monkeypatch.setattr(dashboard, "_TIME_LIMIT_S", 0.05)

    assert conversation(b"GET / HTTP/1.1\r\n") == [b""]


def test_who_says_nothing_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(dashboard, "_TIME_LIMIT_S", 0.2)
    monkeypatch.setattr(dashboard, "_AT_ONCE", 4)

    async def run():
        listener = socket.create_server(("127.0.0.1", 0))
        async with dashboard.listening(listener, figures):
            address = listener.getsockname()
            silent = [await asyncio.open_connection(*address) for _ in range(20)]
            answer = await talk(address, GOOD)
            for _, writer in silent:
                await away(writer)
            return answer

    assert b"outrider_uptime_seconds" in asyncio.run(run())
