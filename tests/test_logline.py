"""Lines as Nginx, Gunicorn and apps write them."""

from __future__ import annotations

import pytest

from outrider.logline import Record, parse, requests

ACCESS = (
    '{"time":"2026-11-22T16:26:44+00:00","source":"nginx","request_id":"4f3a","client":"127.0.0.1",'
    '"method":"GET","host":"h","uri":"/","status":200,"bytes":5,"seconds":0.004,'
    '"upstream_status":"502, 200","upstream_seconds":"0.001, 0.003","upstream_bytes":"0, 5",'
    '"agent":"x"}'
)
ROW = (
    "16:26:44", "", "4f3a", "127.0.0.1", "GET", "/", "200", "5", "0.004", "502, 200", "0.001, 0.003"
)  # fmt: skip
ERROR = "2026/11/22 16:26:44 [error] 12#12: *3 upstream timed out"


def test_lines_of_requests_are_taken_apart_all_at_once():
    assert requests([ACCESS] * 3) == ([ACCESS] * 3, [ROW] * 3, [])
    assert requests([]) == ([], [], [])


def test_what_stands_between_them_is_kept():
    assert requests([ERROR, ACCESS, "x"]) == ([ACCESS], [ROW], [ERROR, "x"])


@pytest.mark.parametrize(
    "uri",
    [
        '/\\",\\"status\\":500,\\"seconds\\":9',
        "/\\\\",
        "/\\u001B[2J",
        "/\u00e9",
        "/?next={}",
    ],
)
def test_no_address_pretends_to_be_another_request(uri):
    line = ACCESS.replace('"/"', f'"{uri}"')
    found = requests([line])
    assert [(row[5], row[6]) for row in found.rows] == [(uri, "200")]


def test_an_answer_without_a_status_is_passed_on_as_text():
    line = ACCESS.replace(":200,", ":009,")  # of HTTP/0.9
    assert requests([line]).others == [line]


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
    (row,) = requests([ACCESS.replace('"nginx",', '"nginx","site":"shop",')]).rows
    assert row[1:3] == ("shop", "4f3a")
    for line in ("plain", "[2026-11-22 16:26:45 +0000] [9147] [INFO] Booting", "[req 4f3a] x"):
        assert parse("app", line, "shop").site == "shop"
        assert parse("app", line).site == ""
