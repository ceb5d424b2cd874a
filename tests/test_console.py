"""How kinds look: talk and results, text and JSON, colour and none."""

from __future__ import annotations

import io
import json
import threading
import time

from outrider.console import Console
from outrider.errors import Exit, OutriderError
from outrider.logline import Record, Requests, requests

NOW = "2026-11-22T16:26:44.123+00:00"
ERROR = OutriderError(
    "port-taken", "127.0.0.1:8000 is taken",
    found=["pid 7 (nginx)\nsecond line"], fix=["stop it", "move"], exit_code=Exit.BIND,
)  # fmt: skip


def console(env=None, *, is_json=False):
    made = Console(io.StringIO(), io.StringIO(), {} if env is None else env)
    made.is_json = is_json
    return made


def logged(*records, is_json=False, env=None):
    """Return what stdout holds after some records."""
    made = console(env, is_json=is_json)
    with made.streaming():
        for record in records:
            if isinstance(record, Requests):
                made.requests(record)
            else:
                made.log(record, NOW)
    return made.stdout.getvalue().splitlines()


def access(**different):
    """Return a line as Nginx writes it."""
    site = {"site": different.pop("site")} if "site" in different else {}
    fields = {
        "time": NOW, "source": "nginx", **site, "request_id": "4f3a9c210000", "client": "127.0.0.1",
        "method": "GET", "host": "h", "uri": "/x", "status": 200, "bytes": 5, "seconds": 0.004,
        "upstream_status": "200", "upstream_seconds": "0.003", "agent": "x",
    }  # fmt: skip
    line = json.dumps(fields | different, separators=(",", ":"))
    found = requests([line])
    assert found.rows
    return found


def test_an_error_tells_what_was_found_and_what_to_do():
    made = console()
    made.error(ERROR)
    assert made.stdout.getvalue() == ""
    assert made.stderr.getvalue().splitlines() == [
        "error: 127.0.0.1:8000 is taken",
        "  found: pid 7 (nginx)",
        "         second line",
        "  do:    1. stop it",
        "         2. move",
    ]


def test_an_error_is_one_object_when_the_log_is_json():
    made = console(is_json=True)
    with made.streaming():
        made.error(ERROR)
    told = json.loads(made.stdout.getvalue())
    assert (told["id"], told["exit_code"], told["fix"]) == ("port-taken", 8, ["stop it", "move"])
    assert made.stderr.getvalue() == ""


def test_talk_goes_to_standard_error():
    made = console()
    made.step("shop:app is served")
    made.found("Nginx", "serves /static/")
    made.warn("debug: on")
    assert made.stdout.getvalue() == ""
    assert made.stderr.getvalue() == (
        "shop:app is served\n  Nginx     serves /static/\nwarning: debug: on\n"
    )


def test_a_request_of_the_app_and_one_of_nginx():
    lines = logged(access(), access(upstream_seconds="", seconds=0.0))
    assert lines == [
        "16:26:44 nginx  200 GET /x  4 ms (app 3 ms)  127.0.0.1  [4f3a9c21]",
        "16:26:44 nginx  200 GET /x  0 ms (by nginx)  127.0.0.1  [4f3a9c21]",
    ]


def test_a_request_that_was_tried_twice_shows_the_last_try():
    assert "(app 2 ms)" in logged(access(upstream_seconds="0.001, 0.002"))[0]
    assert "(by nginx)" in logged(access(upstream_seconds="-"))[0]


def test_the_id_stands_once_at_the_first_of_the_lines_of_a_request():
    lines = logged(
        Record(source="app", text="Traceback", request_id="4f3a9c210000"),
        Record(source="app", text="  File", request_id="4f3a9c210000"),
        Record(source="app", text="other", request_id="ffff00000000"),
    )
    assert [line[16:] for line in lines] == ["[4f3a9c21] Traceback", "  File", "[ffff0000] other"]


def test_levels_above_info_are_named():
    assert logged(Record(source="app", text="x", level="error")) == ["16:26:44 app    error: x"]
    assert logged(Record(source="app", text="x", level="info")) == ["16:26:44 app    x"]


def test_a_line_of_one_of_several_sites_names_it():
    lines = logged(access(site="shop"), Record(source="app", site="shop", text="x", level="error"))
    assert lines[0].startswith("16:26:44 nginx  shop: 200 GET /x  4 ms")
    assert lines[1] == "16:26:44 app    shop: error: x"
    records = access(site="shop"), Record(source="app", site="shop", text="x")
    assert [json.loads(line)["site"] for line in logged(*records, is_json=True)] == ["shop"] * 2
    assert "site" not in json.loads(logged(access(), is_json=True)[0])


def test_json_lines_hold_the_fields():
    (line,) = logged(access(), is_json=True)
    told = json.loads(line)
    assert (told["source"], told["request_id"], told["status"]) == ("nginx", "4f3a9c210000", 200)
    (line,) = logged(Record(source="app", text="é \x01", pid=7, level="error"), is_json=True)
    assert json.loads(line) == {
        "time": NOW,
        "source": "app",
        "level": "error",
        "pid": 7,
        "text": "é \x01",
    }


def test_a_terminal_is_not_told_what_to_do_by_a_client():
    """A URL or a header may hold escape sequences; a terminal would obey them."""
    (line,) = logged(access(uri="/\x1b[2Jx"))
    assert "\x1b" not in line
    (line,) = logged(Record(source="app", text="\x1b]0;owned\x07"))
    assert "\x1b" not in line
    assert "\x07" not in line


def test_colour_only_where_it_is_seen_or_asked_for():
    assert "\x1b" not in logged(access())[0]
    assert "\x1b[32m200\x1b[0m" in logged(access(), env={"FORCE_COLOR": "1"})[0]
    assert "\x1b" not in logged(access(), env={"FORCE_COLOR": "1", "NO_COLOR": "1"})[0]


class Stuck(io.StringIO):
    """A terminal that was paused."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def write(self, text):
        self.go.wait(60)
        return super().write(text)


def test_a_paused_terminal_does_not_stop_the_site():
    stream = Stuck()
    made = Console(stream, io.StringIO(), {})
    with made.streaming():
        for number in range(12_000):
            made.log(Record(source="app", text=str(number)), NOW)
        stream.go.set()
        deadline = time.monotonic() + 60
        while "lines were lost" not in stream.getvalue():
            assert time.monotonic() < deadline
            made.log(Record(source="app", text="more"), NOW)
            time.sleep(0.01)


class Gone(io.StringIO):
    """A reader that went away."""

    def write(self, text):
        raise BrokenPipeError


def test_a_reader_that_goes_away_does_not_stop_the_site():
    made = Console(Gone(), Gone(), {})
    with made.streaming():
        made.log(Record(source="app", text="x"), NOW)
        made.step("x")
    made.write("x")


def test_only_a_terminal_sees_how_something_stands():
    made = console()
    made.progress("half")
    assert made.stderr.getvalue() == ""


def test_how_something_stands_takes_one_line_however_long_it_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    made = console()
    monkeypatch.setattr(made.stderr, "isatty", lambda: True)
    made.progress("a" * 50)
    made.progress("")
    assert made.stderr.getvalue() == "\r\x1b[K" + "a" * 19 + "\r\x1b[K"
    assert made.stdout.getvalue() == ""


# -- what is shown again and again -----------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_result_stands_where_the_one_before_stood():
    terminal = Terminal()
    assert Console(terminal, io.StringIO(), {}).refresh("one\ntwo\n", in_place=True)
    assert terminal.getvalue() == "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J"


def test_elsewhere_results_follow_each_other():
    made = console()
    assert made.refresh("one\n", in_place=True)
    assert made.refresh('{"two": 2}', in_place=False)
    assert made.stdout.getvalue() == 'one\n\n{"two": 2}\n'


def test_when_nobody_reads_any_more_it_says_so():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    assert not Console(Closed(), io.StringIO(), {}).refresh("one", in_place=False)
