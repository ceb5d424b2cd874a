"""One readable stream of lines, and one id for everything that a request has caused."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.running import PATIENCE_S, serving

if TYPE_CHECKING:
    from tests.integration.running import Running

pytestmark = pytest.mark.integration

SAID = (
    "{word} by print",
    "{word} by print to standard error",
    "{word} in two pieces",
    "{word} on line one",
    "{word} on line two",
    "{word} by app.logger",
    "{word} by a logger of its own",
    "{word} by warnings.warn",
)


@pytest.fixture(scope="module", params=["sync", "gthread"])
def as_json(request, serve, copy_of) -> Running:
    threads = "1" if request.param == "sync" else "2"
    words = ("--log-format", "json", "--threads", threads)
    return serve(*words, cwd=copy_of("behaviour_logs"))


@pytest.fixture(scope="module")
def as_text(serve, copy_of) -> Running:
    return serve(cwd=copy_of("behaviour_logs"))


def records(site: Running) -> list[dict[str, Any]]:
    """Return every line so far; each is an object."""
    found = [json.loads(line) for line in list(site.stdout)]
    assert all(isinstance(record, dict) for record in found)
    return found


def lines_of(site: Running, request_id: str) -> list[dict[str, Any]]:
    """Return what a request has caused, once Nginx has logged it as well.

    The lines of the app come by another pipe, so the last of them is waited for by the caller.
    """
    site.wait_for(rf'"source":"nginx".*"request_id":"{request_id}"')
    return [record for record in records(site) if record.get("request_id") == request_id]


def between(site: Running) -> list[dict[str, Any]]:
    return [one for one in records(site) if one.get("text") == "a line between two requests"]


def texts(found: list[dict[str, Any]]) -> str:
    return "\n".join(record["text"] for record in found if record["source"] == "app")


# -- JSON ----------------------------------------------------------------------------------------


def test_every_way_to_write_a_line_has_the_id_of_the_request(as_json):
    answer = as_json.get("/says?word=apple")
    as_json.wait_for("apple by warnings.warn")
    found = lines_of(as_json, answer.headers["X-Request-ID"])
    for line in SAID:
        assert line.format(word="apple") in texts(found)
    (access,) = [record for record in found if record["source"] == "nginx"]
    assert (access["status"], access["uri"]) == (200, "/says?word=apple")
    # And none of them is anywhere else.
    others = [record for record in records(as_json) if record not in found]
    assert not any("apple" in record.get("text", "") for record in others)


def test_the_next_request_has_another_id(as_json):
    first, second = as_json.get("/says?word=pear"), as_json.get("/says?word=plum")
    as_json.wait_for("plum by warnings.warn")
    as_json.wait_for("pear by warnings.warn")
    mine = texts(lines_of(as_json, first.headers["X-Request-ID"]))
    assert "pear" in mine
    assert "plum" not in mine
    assert "pear" not in texts(lines_of(as_json, second.headers["X-Request-ID"]))


@pytest.mark.parametrize(
    ("path", "mistake"),
    [("/fails", "a mistake in a view"), ("/fails-outside", "a mistake around the framework")],
)
def test_every_line_of_a_traceback_has_the_id(as_json, path, mistake):
    answer = as_json.get(path)
    assert answer.status == 500
    as_json.wait_for(rf'"source": "app".*{answer.headers["X-Request-ID"]}.*RuntimeError: {mistake}')
    trace = texts(lines_of(as_json, answer.headers["X-Request-ID"]))
    assert "Traceback (most recent call last):" in trace
    assert f'raise RuntimeError("{mistake}")' in trace
    assert trace.rstrip().endswith(f"RuntimeError: {mistake}")


def test_a_line_between_two_requests_has_no_id(as_json):
    as_json.get("/fails")
    as_json.get("/says?word=fig")
    (worker,) = as_json.gunicorn_master().children()
    # The first may still come while the worker closes the connection.
    for number in range(1, 100):
        os.kill(worker.pid, signal.SIGALRM)
        deadline = time.monotonic() + PATIENCE_S
        while len(lines := between(as_json)) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(lines) == number
        if "request_id" not in lines[-1]:
            return
    pytest.fail("the id of a request stays")


@pytest.mark.parametrize("as_json", ["gthread"], indirect=True)
def test_two_requests_at_once_keep_their_ids(as_json):
    with ThreadPoolExecutor(2) as pool:
        for turn in range(5):
            names = [f"left{turn}", f"right{turn}"]
            answers = pool.map(as_json.get, [f"/together/{name}" for name in names])
            for name, answer in zip(names, list(answers), strict=True):
                assert answer.text == f"{name}\n"
                as_json.wait_for(f"{name} ends")
                mine = texts(lines_of(as_json, answer.headers["X-Request-ID"])).splitlines()
                assert [line.rpartition(name)[2] for line in mine] == [
                    " begins",
                    " meets the other",
                    " ends",
                ]


def test_every_line_is_an_object_that_says_when_and_by_whom(as_json):
    answer = as_json.get("/says?word=quince")
    as_json.wait_for("quince by warnings.warn")
    assert lines_of(as_json, answer.headers["X-Request-ID"])
    found = records(as_json)
    for record in found:
        assert record["source"] in {"outrider", "nginx", "app"}
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", record["time"]), record
    assert {record["source"] for record in found} == {"outrider", "nginx", "app"}
    assert as_json.stderr == []


UGLY = (
    '/a"b',
    "/a\\b",
    "/a\\u0000b",
    "/a%0Ab%0Dc%1Bd",
    "/a'b`c{d}",
    "/grün".encode().decode("latin-1"),
    "/\xff\xfe",
    '/x?q="},{"time":"1"',
)


@pytest.mark.parametrize("number", range(len(UGLY)))
def test_no_url_breaks_a_line(as_json, number):
    path = UGLY[number]
    head = f"GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"
    agent = b'User-Agent: "quoted" \\ \x1b[31m \x85 \xff\r\nReferer: "\x1b\r\n\r\n'
    status = int(as_json.raw(head.encode("latin-1") + agent).split(b" ", 2)[1])
    as_json.get(f"/after-{number}")
    as_json.wait_for(rf'"uri":"/after-{number}"')
    told = [(record["status"], record["uri"]) for record in records(as_json) if "uri" in record]
    expected = path.encode("latin-1").decode("utf-8", "replace")
    assert told[-2:] == [(status, expected), (200, f"/after-{number}")]
    assert all(ord(letter) >= 32 for line in as_json.stdout for letter in line.rstrip("\n"))


def test_a_request_that_nginx_cannot_read_is_logged_too(as_json):
    for request in (
        b"GET /a%00b HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /\x01\r\n\r\n",
    ):
        as_json.raw(request + b"\r\n\r\n")
    as_json.get("/after-nonsense")
    as_json.wait_for('"uri":"/after-nonsense"')
    statuses = [record["status"] for record in records(as_json) if "uri" in record]
    assert statuses[-4:] == [400, 400, 400, 200]


def test_the_fields_of_a_request(as_json):
    answer = as_json.get("/fields?a=1", headers={"User-Agent": "tester"}, source="127.0.0.9")
    found = lines_of(as_json, answer.headers["X-Request-ID"])
    (access,) = [record for record in found if record["source"] == "nginx"]
    told = {name: access[name] for name in ("client", "method", "uri", "status", "bytes", "agent")}
    assert told == {
        "client": "127.0.0.9",
        "method": "GET",
        "uri": "/fields?a=1",
        "status": 200,
        "bytes": 5,
        "agent": "tester",
    }
    assert isinstance(access["seconds"], float)
    assert access["upstream_status"] == "200"


# -- text ----------------------------------------------------------------------------------------


def test_a_text_line_can_be_read(as_text):
    answer = as_text.get("/says?word=lemon")
    mark = answer.headers["X-Request-ID"][:8]
    clock = r"^\d\d:\d\d:\d\d "
    as_text.wait_for(
        clock
        + rf"nginx  200 GET /says\?word=lemon  \d+ ms \(app \d+ ms\)  127\.0\.0\.1  \[{mark}\]$"
    )
    as_text.wait_for(clock + rf"app    \[{mark}\] lemon by print$")
    for line in SAID[1:]:
        as_text.wait_for(clock + "app    .*" + re.escape(line.format(word="lemon")))
    for line in as_text.stdout:
        assert re.match(clock + "(app|nginx|outrider) ", line), line
        assert "[req " not in line


def test_the_id_of_a_page_that_failed_finds_its_traceback(as_text):
    mark = as_text.get("/fails").headers["X-Request-ID"][:8]
    as_text.wait_for("RuntimeError: a mistake in a view")
    as_text.wait_for(rf"500 GET /fails .*\[{mark}\]")
    as_text.wait_for(rf"app    \[{mark}\] .*Exception on /fails \[GET\]")


def test_no_url_steers_the_terminal(as_text):
    for path in (*UGLY, "/\xc2\x9b31mred"):
        head = f"GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"
        as_text.raw(head.encode("latin-1") + b"Referer: \x1b[2J\r\nUser-Agent: \x1b[2J\r\n\r\n")
    as_text.get("/the-last-one")
    as_text.wait_for("GET /the-last-one")
    for line in as_text.stdout:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line.rstrip("\n")), line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_line_is_lost_at_a_stop(copy_of, nginx, free_port, number):
    flags = ("--workers", "1", "--log-format", "json")
    with serving(*flags, cwd=copy_of("behaviour_logs"), port=free_port, nginx=nginx) as site:
        for _ in range(40):
            site.get("/no-such-page")
        site.stop(number)
        found = [one for one in records(site) if one.get("uri") == "/no-such-page"]
        assert len(found) == 40
