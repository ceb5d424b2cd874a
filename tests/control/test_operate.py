"""What is typed for a running site, and what is answered."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from tests.control.fake import FakeSite, living
from tests.integration.running import until

from outrider import cli, errors
from outrider.console import Console
from outrider.control import asking, finding
from outrider.discover import sites


def access(id: str, uri: str, status: int, seconds: float = 0.004) -> str:
    """Return a line as Nginx writes it."""
    line = {
        "time": "2026-11-22T16:26:44+00:00", "source": "nginx", "request_id": id,
        "client": "127.0.0.1", "method": "GET", "host": "h", "uri": uri, "status": status,
        "bytes": 5, "seconds": seconds, "upstream_status": "200", "upstream_seconds": "0.003",
        "upstream_bytes": "5", "agent": "x",
    }  # fmt: skip
    return json.dumps(line, separators=(",", ":"))


class Typed:
    """What a command has said; it may still run."""

    def __init__(self, *words: str, is_beside: bool = False) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.code = 0
        self._thread = threading.Thread(target=self._run, args=words)
        self._thread.start()
        if not is_beside:
            self.wait()

    def _run(self, *words: str) -> None:
        console = Console(self.out, self.err, {"NO_COLOR": "1"})
        try:
            cli.outrider(list(words), obj=console, prog_name="outrider")
        except SystemExit as end:
            self.code = int(end.code or 0)

    def wait(self) -> None:
        self._thread.join(60)
        assert not self.is_running

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def said(self) -> list[str]:
        return self.err.getvalue().splitlines()


@pytest.fixture
def place(short_dir, monkeypatch):
    """Return a folder to be in, on a machine where nothing else runs."""
    project = short_dir / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    ours = sites.run_directories

    def of_this_test() -> list[str]:
        return [path for path in ours() if path.startswith(f"{short_dir}/")]

    monkeypatch.setattr(finding, "run_directories", of_this_test)
    return short_dir


@pytest.fixture
def site(place):
    with living(FakeSite(str(place / "project")), place / "run") as site:
        yield site


# -- which site ------------------------------------------------------------------------------------


def test_where_none_runs_it_says_how_to_start_one(place):
    typed = Typed("status")
    assert typed.said == [
        "error: no site of yours runs on this machine",
        "  do:    start one:  outrider run",
    ]
    assert typed.code == 15
    assert typed.lines == []


def test_the_site_of_this_folder_or_of_one_above_is_meant(place, site, monkeypatch):
    with living(FakeSite(str(place), "other"), place / "elsewhere"):
        inner = place / "project" / "templates"
        inner.mkdir()
        for folder in (place / "project", inner):
            monkeypatch.chdir(folder)
            assert json.loads(Typed("status", "--json").out.getvalue())["names"] == ["shop"]
        monkeypatch.chdir(place)
        assert json.loads(Typed("status", "--json").out.getvalue())["names"] == ["other"]


@pytest.mark.parametrize("word", ["other", "{place}/elsewhere", "../elsewhere", "{place}/two"])
def test_a_site_is_named_by_its_name_its_run_directory_or_its_folder(word, place, site):
    with living(FakeSite(f"{place}/two", "other"), place / "elsewhere"):
        typed = Typed("status", "--json", word.format(place=place))
    assert json.loads(typed.out.getvalue())["names"] == ["other"]


def test_where_several_run_and_none_is_this_folders_it_says_what_to_type(place, site, monkeypatch):
    monkeypatch.chdir("/")
    with living(FakeSite(f"{place}/two", "other"), place / "elsewhere"):
        typed = Typed("stop")
    assert typed.said == [
        "error: several sites of yours run, and none of them is this folder's",
        f"  found: other at http://127.0.0.1:8000/, in {place}/elsewhere",
        f"         shop at http://127.0.0.1:8000/, in {place}/run",
        "  do:    1. outrider stop other",
        "         2. outrider stop shop",
    ]
    assert typed.code == 15
    assert site.asked == []


def test_the_only_one_that_runs_is_shown_anywhere_and_changed_only_from_its_folder(
    place, site, monkeypatch
):
    monkeypatch.chdir("/")
    assert Typed("status").lines[0] == "shop  http://127.0.0.1:8000/"
    assert Typed("logs", "--no-follow").code == 0
    typed = Typed("maintenance", "on")
    assert typed.said == [
        "error: no site of this folder runs",
        f"  found: there runs shop at http://127.0.0.1:8000/, in {place}/run",
        "  do:    if that one is meant:  outrider maintenance on shop",
    ]
    assert [Typed(one).code for one in ("stop", "reload")] == [15, 15]
    assert (site.asked, site.generation) == ([], 1)


def test_two_of_one_name_are_told_apart_by_their_run_directories(place, site):
    with living(FakeSite(str(place / "project")), place / "elsewhere"):
        typed = Typed("reload")
    assert typed.said[0] == "error: several sites of yours run, and 2 of them are this folder's"
    assert typed.said[-2:] == [
        f"  do:    1. outrider reload {place}/elsewhere",
        f"         2. outrider reload {place}/run",
    ]


def test_a_name_that_no_site_has_is_answered_with_those_that_run(place, site):
    typed = Typed("reload", "shpo")
    assert typed.said == [
        "error: no running site of yours is shpo",
        f"  found: there runs shop at http://127.0.0.1:8000/, in {place}/run",
        "  do:    outrider reload shop",
    ]
    assert typed.code == 15


# -- sites that cannot be asked --------------------------------------------------------------------


def test_a_site_that_was_killed_is_said_to_run_no_more(place):
    run = place / "run"
    run.mkdir()
    (run / "outrider.pid").write_text("4194305\n")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(run / "control.sock"))
    typed = Typed("status", str(run))
    assert typed.said == [
        f"error: the site of {run} runs no more",
        "  found: nobody listens there; it was killed (it was pid 4194305)",
        "  do:    start it again, which tidies up first:  outrider run",
    ]
    assert Typed("status").code == 15


def test_a_site_that_hangs_is_given_up_after_a_while(place, monkeypatch):
    monkeypatch.setattr(finding, "_PATIENCE_S", 0.2)
    run = place / "run"
    run.mkdir()
    (run / "outrider.pid").write_text("4194305\n")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(run / "control.sock"))
        silent.listen()
        typed = Typed("status")
    assert typed.said == [
        f"error: the site of {run} does not answer",
        "  found: pid 4194305 said nothing for 0.2 s",
        "  do:    1. if it was stopped (Ctrl-Z), let it go on:  kill -CONT 4194305",
        "         2. or end it, requests in progress too:  kill -9 4194305",
    ]
    assert typed.code == 15


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_what_another_user_listens_on_is_not_believed(place):
    """As root, the run directory belongs to the app's user, who could put a socket of its own."""
    run = place / "run"
    run.mkdir()
    (run / "outrider.pid").write_text("4194305\n")
    os.chown(run, 65534, 65534)
    listen = f"""if True:
        import os, socket, time
        os.setgid(65534)
        os.setuid(65534)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind({str(run / "control.sock")!r})
        listener.listen()
        print("up", flush=True)
        time.sleep(60)
    """
    other = subprocess.Popen([sys.executable, "-c", listen], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"up\n"
        typed = Typed("status", str(run))
        assert typed.said == [
            f"error: the site of {run} is not yours",
            "  found: it belongs to nobody",
            f"  do:    ask as that user:  sudo -u nobody outrider status {run}",
        ]
        assert Typed("status").said == [
            "error: no site of yours runs on this machine",
            f"  found: one of nobody runs in {run}",
            "  do:    1. start one:  outrider run",
            f"         2. or ask for that of nobody:  sudo -u nobody outrider status {run}",
        ]
    finally:
        other.kill()
        other.wait()
        assert other.stdout is not None
        other.stdout.close()


def test_a_site_of_another_version_says_so(site, place):
    with pytest.raises(errors.OutriderError) as caught:
        asking.ask(str(place / "run"), "explode")
    assert caught.value.id == "not-understood"
    assert caught.value.exit_code == 15


def test_nonsense_does_not_harm_the_site(site, place):
    for nonsense in (b"\x00\xff\n", b"[]\n", b"{}\n", b"x" * 200_000 + b"\n", b""):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(place / "run" / "control.sock"))
            # The site may hang up before it has read all of it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(nonsense)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
    assert Typed("status").code == 0


def test_a_mistake_of_ours_is_told_to_whoever_asked_and_the_site_goes_on(site, place, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(site, "set_maintenance", lambda *_: int("ours"))
        typed = Typed("maintenance", "on")
    assert typed.code == 1
    assert typed.said[0] == "error: Outrider made a mistake; this is not your fault"
    assert typed.said[-2].strip() == "ValueError: invalid literal for int() with base 10: 'ours'"
    assert Typed("maintenance", "on").code == 0


# -- status ----------------------------------------------------------------------------------------


def test_status_is_for_people_or_for_scripts(site, place):
    assert Typed("status").lines[:1] == ["shop  http://127.0.0.1:8000/"]
    told = json.loads("\n".join(Typed("status", "--json").lines))
    assert (told["phase"], told["run_dir"]) == ("serving", str(place / "run"))


def test_status_is_shown_again_until_the_site_ends(site, monkeypatch):
    monkeypatch.setattr(cli.operate, "REFRESH_S", 0.01)
    watching = Typed("status", "--watch", "--json", is_beside=True)
    until(lambda: len(watching.lines) > 3)
    site.phase = "draining"
    watching.wait()
    assert {json.loads(line)["names"][0] for line in watching.lines} == {"shop"}
    assert watching.code == 15


# -- stop ------------------------------------------------------------------------------------------


def test_stop_waits_until_the_site_has_finished_and_gone(site, place):
    site.drains_until.clear()
    threading.Timer(0.3, site.drains_until.set).start()
    typed = Typed("stop")
    assert (typed.code, site.asked) == (0, ["stop"])
    assert typed.said == ["draining", "shop has stopped"]
    assert not (place / "run").exists()


def test_what_had_to_be_killed_is_told_to_who_asked_for_the_end(site):
    site.ends_with = errors.had_to_kill(["Gunicorn"], 30)
    typed = Typed("stop")
    assert typed.code == 12
    assert "error: Gunicorn had to be killed" in typed.said


def test_a_second_stop_waits_with_the_first_and_kills_nothing(site):
    site.drains_until.clear()
    both = [Typed("stop", is_beside=True), Typed("stop", is_beside=True)]
    until(lambda: all("draining" in one.said for one in both))
    site.drains_until.set()
    for one in both:
        one.wait()
    assert [one.code for one in both] == [0, 0]
    assert site.asked == ["stop"]


def test_stop_now_does_not_wait(site):
    site.drains_until.clear()
    assert Typed("stop", "--now").code == 0
    assert site.asked == ["stop", "stop"]


# -- reload ----------------------------------------------------------------------------------------


def test_a_reload_shows_its_steps_and_ends_when_the_new_code_serves(site):
    typed = Typed("reload")
    assert typed.said == ["the new code is tried", "the new code serves: generation 2"]
    assert typed.code == 0


def test_a_reload_that_fails_shows_the_new_codes_lines_and_what_became_of_it(site):
    site.reload_fails = True
    typed = Typed("reload")
    assert typed.code == 10
    assert [line[9:] for line in typed.lines] == ["app    ZeroDivisionError: division by zero"]
    assert typed.said[1:] == [
        "error: Gunicorn did not start",
        "  found: it ended with exit code 3",
        "  do:    read its lines above; everything that had been started was stopped again",
    ]
    assert Typed("status").code == 0


def test_a_reload_goes_on_when_whoever_asked_has_gone(site, place, caplog):
    site.steps = 20
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place / "run" / "control.sock"))
        client.sendall(b'{"do": "reload"}\n')
    until(lambda: site.generation == 2)
    assert Typed("status").code == 0
    assert caplog.messages == []


def test_a_reload_that_is_refused_says_why(site):
    site.drains_until.clear()
    site.phase = "draining"
    typed = Typed("reload")
    assert typed.said[:2] == ["error: this reload was not begun", "  found: it is draining"]
    assert (typed.code, site.generation) == (16, 1)


def test_watching_reloads_when_a_file_changes_and_goes_on_when_that_fails(site, place, monkeypatch):
    monkeypatch.setattr(cli.operate, "_LOOK_S", 0.02)
    app = place / "project" / "app.py"
    app.write_text("app = 1\n")
    watching = Typed("reload", "--watch", is_beside=True)
    # Written again and again: seen whenever the first look was.
    until(lambda: app.write_text("app = 2\n") and site.generation > 1)
    site.reload_fails = True
    until(lambda: app.write_text("app = 3\n") and site.asked)
    site.reload_fails = False
    generation = site.generation
    until(lambda: app.write_text("app = 4\n") and site.generation > generation)
    site.phase = "draining"
    until(lambda: app.write_text("app = 5\n") and not watching.is_running)
    assert watching.said[0] == f"shop is reloaded when a file changes in {place}/project"
    assert "app.py has changed; reloading" in watching.said
    assert "error: Gunicorn did not start" in watching.said
    assert watching.code == 15


def test_a_site_that_is_busy_is_asked_again_by_whoever_watches_its_files(site, place, monkeypatch):
    monkeypatch.setattr(cli.operate, "_LOOK_S", 0.02)
    monkeypatch.setattr(finding, "_PATIENCE_S", 0.05)
    state, is_free = site.state, threading.Event()
    tries: list[bool] = []

    def busy() -> dict[str, Any]:
        tries.append(is_free.wait(0 if len(tries) > 1 else 0.5))
        return state()

    monkeypatch.setattr(site, "state", busy)
    said = io.StringIO()
    cli.operate.watch_beside(Console(io.StringIO(), said, {"NO_COLOR": "1"}), str(place / "run"))
    until(lambda: "is reloaded when a file changes" in said.getvalue())
    assert len(tries) > 1


# -- logs ------------------------------------------------------------------------------------------

TRACE = ["[req aaaa1111] Traceback (most recent call last):", "[req aaaa1111] ValueError: no"]


def filled(site) -> None:
    site.say("app", "[2026-11-23 03:00:00 +0000] [7] [INFO] Booting worker with pid: 7")
    site.say("app", *TRACE)
    site.say("nginx", access("aaaa1111", "/shop/buy?id=1", 500), access("bbbb2222", "/", 200))
    site.say(
        "nginx", access("cccc3333", "/report.pdf", 200, seconds=2.5), access("dddd4444", "/x", 404)
    )
    site.say("queue", "ready")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), ["Booting", "Traceback", "ValueError", "/shop/buy", " / ", "/report", "/x", "ready"]),
        (("-n", "2"), ["/x", "ready"]),
        (("-n", "0"), []),
        (("--status", "5xx"), ["Traceback", "ValueError", "/shop/buy"]),
        (("--status", "500", "--status", "404"), ["Traceback", "ValueError", "/shop/buy", "/x"]),
        (("--path", "/shop/*"), ["Traceback", "ValueError", "/shop/buy"]),
        (("--slower", "500ms"), ["/report"]),
        (("--request", "aaaa"), ["Traceback", "ValueError", "/shop/buy"]),
        (("--source", "queue"), ["ready"]),
        (("--status", "5xx", "--source", "nginx"), ["/shop/buy"]),
        (("--status", "503"), []),
    ],
)
def test_the_log_can_be_read_by_what_is_looked_for(words, shown, site):
    filled(site)
    typed = Typed("logs", "--no-follow", *words)
    assert typed.code == 0
    assert len(typed.lines) == len(shown), typed.lines
    for line, part in zip(typed.lines, shown, strict=True):
        assert part in line


def test_the_log_as_json_has_an_object_in_each_line(site):
    filled(site)
    told = [json.loads(line) for line in Typed("logs", "--no-follow", "--json").lines]
    assert [one["source"] for one in told].count("nginx") == 4
    assert told[3] | {"status": 500, "uri": "/shop/buy?id=1", "request_id": "aaaa1111"} == told[3]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--status", "6xx"), "'6xx'; it takes a status or a class of them, as 404 or 5xx"),
        (("--status", "high"), "'high'; it takes a status or a class of them, as 404 or 5xx"),
        (
            ("--path", "shop"),
            "'shop'; it takes a path with * for anything, as '/shop/*' or '*.pdf'",
        ),
        (("--slower", "fast"), "'fast'; it takes a time, as 500ms or 2s"),
        (("--slower", "0"), "'0'; it takes a time, as 500ms or 2s"),
        (("--request", "a b"), "'a b'; it takes the id of a request or how it begins"),
        (("-n", "-1"), "-1 is not in the range x>=0"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_wrong_usage(words, told, site, capsys):
    typed = Typed("logs", *words)
    assert typed.code == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_source_that_nothing_was_heard_of_is_told_and_may_speak_yet(site):
    filled(site)
    assert Typed("logs", "--no-follow", "--source", "queue").said == []
    reading = Typed("logs", "--source", "mailer", is_beside=True)
    until(lambda: len(site.followers) == 2)
    site.say("mailer", "ready")
    until(lambda: reading.lines)
    site.phase = "draining"
    reading.wait()
    assert reading.said[0] == (
        "warning: no line of 'mailer' so far; there are those of app, nginx, outrider, queue"
    )
    assert (reading.lines[0][9:], reading.code) == ("mailer ready", 0)


def test_following_goes_on_until_the_site_ends(site):
    site.say("app", "before")
    reading = Typed("logs", "--status", "5xx", is_beside=True)
    until(lambda: len(site.followers) == 2)
    site.say("app", "[req aaaa1111] why")
    site.say("nginx", access("bbbb2222", "/", 200), access("aaaa1111", "/buy", 502))
    site.say("app", "[req aaaa1111] said later")
    site.phase = "draining"
    reading.wait()
    assert [line[9:22] for line in reading.lines] == [
        "app    [aaaa1",
        "nginx  502 GE",
        "app    [aaaa1",
    ]
    assert (reading.code, reading.said) == (0, ["shop has stopped"])
    assert len(site.followers) == 0


def test_a_reader_who_does_not_read_loses_lines_and_the_site_goes_on(site, place):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place / "run" / "control.sock"))
        client.sendall(b'{"do": "logs", "follow": true}\n')
        until(lambda: len(site.followers) == 2)
        for _ in range(200):
            site.say("app", "x" * 60_000)
        assert Typed("status").code == 0
        client.settimeout(60)
        stream = client.makefile("rb")
        while (line := stream.readline()) and b'"now"' not in line:
            if b"lines" in line:
                site.say("app", "more")
            if b'"lost"' in line:
                break
        assert json.loads(line)["lost"] > 100
        stream.close()
    until(lambda: len(site.followers) == 1)


# -- maintenance -----------------------------------------------------------------------------------


def test_maintenance_goes_on_with_those_who_are_let_through_and_off_again(site):
    typed = Typed("maintenance", "on", "--allow", "10.0.0.5", "--allow", "2001:DB8::1")
    assert typed.said == [
        "shop answers 503 to all others", "  serves    10.0.0.5", "  serves    2001:db8::1"
    ]  # fmt: skip
    assert Typed("maintenance", "on").said == ["shop answers 503 to everyone"]
    assert Typed("maintenance", "off", "shop").said == ["shop serves everyone again"]
    assert site.asked == [
        (True, ("10.0.0.5", "2001:db8::1")), (True, ()), (False, ())
    ]  # fmt: skip


def test_maintenance_of_a_site_that_refuses_it_says_so(site, monkeypatch):
    def refuse(*_):
        raise errors.cannot_write("run/maintenance", "No space left on device")

    monkeypatch.setattr(site, "set_maintenance", refuse)
    typed = Typed("maintenance", "on")
    assert (typed.code, typed.said[0]) == (9, "error: cannot write run/maintenance")


@pytest.mark.parametrize(
    "words", [("on", "--allow", "me"), ("off", "--allow", "10.0.0.5"), ("up",)]
)
def test_maintenance_typed_wrongly_changes_nothing(words, site):
    assert Typed("maintenance", *words).code == 2
    assert site.asked == []


def test_an_address_that_would_be_another_file_is_not_taken(site, place):
    with pytest.raises(errors.OutriderError):
        asking.ask(str(place / "run"), "maintenance", on=True, allow=["../app.sock"])
    assert site.asked == []
