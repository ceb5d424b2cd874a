"""Lines as Nginx, Gunicorn and apps write them."""

from __future__ import annotations

import json

import pytest

from outrider.logline import Record, parse

ACCESS = {
    "time": "2026-11-22T16:26:44+00:00", "id": "4f3a", "client": "127.0.0.1", "method": "GET",
    "host": "h", "uri": "/", "status": 200, "bytes": 5, "seconds": 0.004, "upstream_status": "200",
    "upstream_seconds": "0.004", "agent": "x",
}  # fmt: skip


def test_an_access_line_becomes_fields():
    record = parse("nginx", json.dumps(ACCESS))
    assert (record.request_id, record.text, record.request["status"]) == ("4f3a", "200 GET /", 200)


def test_an_error_line_of_nginx_keeps_its_level():
    line = "2026/11/22 16:26:44 [emerg] 12#12: *3 bind() failed, client: 1.2.3.4"
    assert parse("nginx", line) == Record(
        source="nginx", level="critical", pid=12, text="*3 bind() failed, client: 1.2.3.4"
    )


def test_a_line_of_gunicorn_loses_its_own_clock():
    line = "[2026-11-22 16:26:45 +0000] [9147] [INFO] Handling signal: term"
    assert parse("app", line) == Record(
        source="app", level="info", pid=9147, text="Handling signal: term"
    )


def test_a_tagged_line_belongs_to_its_request():
    assert parse("app", "[req 4f3a] Traceback (most recent call last):").request_id == "4f3a"
    both = parse(
        "app", "[req 4f3a] [2026-11-22 16:26:45 +0000] [7] [ERROR] Error handling request /"
    )
    assert (both.request_id, both.level) == ("4f3a", "error")


@pytest.mark.parametrize("line", ["", "hello", '{"time": broken', "[req ] x", "[2026] x", "\r"])
def test_anything_else_is_passed_on(line):
    for source in ("app", "nginx"):
        assert parse(source, line).text == line.rstrip("\r")


def test_of_several_sites_a_line_says_whose_it_is():
    assert parse("nginx", json.dumps({**ACCESS, "site": "shop"})).site == "shop"
    assert "site" not in parse("nginx", json.dumps({**ACCESS, "site": "shop"})).request
    assert parse("nginx", json.dumps(ACCESS)).site == ""
    for line in ("plain", "[2026-11-22 16:26:45 +0000] [9147] [INFO] Booting", "[req 4f3a] x"):
        assert parse("app", line, "shop").site == "shop"
        assert parse("app", line).site == ""
