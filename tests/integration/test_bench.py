"""`outrider bench` as its user meets it: a site that holds out, one that does not, and mistakes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from outrider.bench.slow import SlowClients, holding
from outrider.values import Address
from tests.integration.running import (
    APPS,
    PATIENCE_S,
    environment,
    outrider,
    serving,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.xdist_group("load")]

SITE = APPS / "running_site"
"""Its /echo reads bodies, and its /big is as large as one asks for."""
QUICK = ("--seconds", "3", "--clients", "120", "--rate", "20")
PATHS = ("--upload-path", "/echo", "--large-path", "/big?bytes=1000000")
WORKERS = ("--workers", "2")


@pytest.fixture
def temp_dir(short_dir):
    """Return a TMPDIR in which nothing may be left."""
    place = short_dir / "t"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    yield place
    assert list(place.iterdir()) == []
    assert left_of(place) == []


def left_of(place: Path) -> list[psutil.Process]:
    """Return the processes that were started with a TMPDIR."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get("TMPDIR") == str(place):
                found.append(process)
    return found


def bench(*words: str, cwd: Path = SITE, temp_dir: Path, **env: str):
    return outrider(
        "bench", *words, cwd=cwd, env=environment(TMPDIR=str(temp_dir), **env), timeout=120
    )


def test_visitors_of_outrider_notice_nothing_and_those_of_bare_gunicorn_wait_for_ever(temp_dir):
    done = bench("app:app", *QUICK, *PATHS, *WORKERS, "--compare", "--json", temp_dir=temp_dir)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    ours, bare = found["sites"]
    assert (ours["name"], bare["name"]) == ("Outrider", "Bare Gunicorn")
    assert "2 sync workers" in bare["detail"]
    for site in (ours, bare):
        assert site["kinds"] == {"headers": 40, "body": 40, "reading": 40}
        assert sum(phase["requests"] for phase in site["phases"]) == len(site["samples"])
        # The same visitors came to both.
        assert [s["due_s"] for s in site["samples"]] == [s["due_s"] for s in ours["samples"]]
        assert site["phases"][0]["failed"] == 0
    assert [phase["failed"] for phase in ours["phases"]] == [0, 0, 0]
    assert ours["phases"][2]["held"] == 120
    assert {kind: counts["held"] for kind, counts in ours["slow_clients"].items()} == ours["kinds"]
    last = bare["phases"][2]
    assert last["failed"] == last["requests"] > 0
    assert last["failures"] == {"no answer within 5 s": last["failed"]}
    assert done.stderr.splitlines() == [
        "measuring Outrider for 3 s: 20 visitors per second, and up to 120 slow clients",
        "measuring Bare Gunicorn for 3 s: 20 visitors per second, and up to 120 slow clients",
    ]


@pytest.mark.parametrize("kind", ["headers", "body", "reading"])
def test_each_kind_of_slow_client_alone_stops_bare_gunicorn(kind, temp_dir, free_port):
    argv = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{free_port}", *WORKERS]
    env = environment(HOME=str(temp_dir), TMPDIR=str(temp_dir))
    for name in ("GUNICORN_CMD_ARGS", "LISTEN_FDS", "WEB_CONCURRENCY", "SCRIPT_NAME"):
        del env[name]
    conf = temp_dir / "gunicorn.conf.py"
    conf.write_text("control_socket_disable = True\n")
    argv += ["--config", str(conf), "--timeout", "600", "app:app"]
    address = Address(host="127.0.0.1", port=free_port)
    path = {"body": "/echo", "reading": "/big?bytes=300000"}.get(kind, "/")
    with subprocess.Popen(argv, cwd=SITE, env=env, stderr=subprocess.DEVNULL) as gunicorn:
        try:
            until(lambda: answers(free_port, PATIENCE_S))
            with holding(SlowClients(address, kind, 30, path=path)) as held:
                assert held.wait_until_held(PATIENCE_S)
                assert not answers(free_port, 3)
                assert (held.counts.held, held.counts.dropped) == (30, 0)
            assert answers(free_port, PATIENCE_S)  # they have left
        finally:
            gunicorn.terminate()
    conf.unlink()


def answers(port: int, patience_s: float) -> bool:
    with (
        contextlib.suppress(ConnectionRefusedError, TimeoutError),
        socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1.1 200")
    return False


def test_a_running_site_is_measured_by_its_url_and_goes_on_running(temp_dir, free_port):
    with serving(*WORKERS, cwd=SITE, port=free_port) as site:
        done = bench(f"http://127.0.0.1:{free_port}/", *QUICK, temp_dir=temp_dir)
        assert done.returncode == 0, done.stderr
        assert re.search(r"^  failed +0 +0 +0$", done.stdout, re.MULTILINE)
        assert "no slow readers: no static file of 256 KB was found" in done.stdout
        assert done.stdout.splitlines()[-1].startswith(f"127.0.0.1:{free_port}: with 120 slow")
        assert site.get("/").status == 200
        assert site.stop() == 0


def test_a_large_static_file_is_found_for_slow_readers(tmp_path, temp_dir):
    pytest.importorskip("matplotlib", reason="pip install 'outrider[bench]'")
    (tmp_path / "app.py").write_text(
        "from flask import Flask\napp = Flask(__name__)\n"
        "@app.get('/')\ndef home():\n    return 'home'\n"
    )
    (tmp_path / "static" / "films").mkdir(parents=True)
    (tmp_path / "static" / "small.css").write_text("p {}")
    (tmp_path / "static" / "films" / "a film.bin").write_bytes(bytes(2**20))
    report = tmp_path / "r.html"
    words = ("--seconds", "2", "--clients", "30", "--report", str(report))
    done = bench(*words, cwd=tmp_path, temp_dir=temp_dir)
    assert done.returncode == 0, done.stderr
    assert "10 hardly read the answer" in done.stdout
    assert "/static/films/a%20film.bin" in report.read_text()
    assert done.stderr.endswith(f"the report is in {report}\n")


# -- mistakes --------------------------------------------------------------------------------------


def test_an_app_that_does_not_start_shows_its_own_words(tmp_path, temp_dir):
    # It can be imported by the probe, and not by a worker.
    (tmp_path / "app.py").write_text(
        "import os\nif 'SERVER_SOFTWARE' in os.environ:\n"  # Gunicorn's own
        "    raise RuntimeError('no database today')\n"
        "def app(environ, start_response):\n    raise NotImplementedError\n"
    )
    done = bench("app:app", *QUICK, cwd=tmp_path, temp_dir=temp_dir)
    assert done.returncode == 10
    assert "error: Outrider did not start, so that there is nothing to measure" in done.stderr
    assert "it ended with exit code" in done.stderr
    assert "RuntimeError: no database today" in done.stderr


def test_a_page_that_fails_by_itself_is_not_measured(tmp_path, temp_dir):
    (tmp_path / "app.py").write_text(
        "def app(environ, start_response):\n    raise RuntimeError('no database today')\n"
    )
    done = bench("app:app", *QUICK, cwd=tmp_path, temp_dir=temp_dir)
    assert done.returncode == 14
    assert done.stdout == ""
    assert "Outrider answers 500 to /, before there is any slow client" in done.stderr
    assert "RuntimeError: no database today" in done.stderr


def test_a_page_that_is_not_there_is_not_measured(temp_dir):
    done = bench("app:app", *QUICK, "--path", "/nowhere", temp_dir=temp_dir)
    assert done.returncode == 14
    assert "Outrider answers 404 to /nowhere" in done.stderr
    assert "--path /PAGE" in done.stderr


def test_nobody_listens_at_the_url(free_port, temp_dir):
    done = bench(f"http://127.0.0.1:{free_port}/", temp_dir=temp_dir)
    assert done.returncode == 14
    assert f"error: nobody answers at http://127.0.0.1:{free_port}/" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("app:app", "--clients", "0"), "it takes a whole number, 1 or more"),
        (("app:app", "--path", "page"), "it takes a path that begins with '/'"),
        (("app:app", "--clients", "9999999"), "error: 9999999 slow clients do not fit"),
        (("http://192.0.2.1/",), "error: 192.0.2.1 is another machine"),
        (("http://127.0.0.1:1/", "--compare"), "--compare is for a site that bench starts"),
        (("http://127.0.0.1:1/", "--workers", "2"), "--workers is for a site that bench starts"),
        (("https://127.0.0.1/",), "only http:// is spoken"),
        (("nowhere:app",), "error: there is no module 'nowhere'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_measured_is_told_before_anything_starts(words, told, temp_dir):
    done = bench(*words, temp_dir=temp_dir)
    assert done.returncode in (2, 3)
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "measuring" not in done.stderr


def test_an_asgi_app_is_not_compared_with_a_worker_that_cannot_run_it(temp_dir):
    done = bench("--compare", cwd=APPS / "asgi_function", temp_dir=temp_dir)
    assert done.returncode == 2
    assert "is an ASGI app, which bare Gunicorn's sync worker cannot run" in done.stderr


# -- while it runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_it_finds_nothing_left(number, temp_dir):
    argv = [sys.executable, "-m", "outrider", "bench", "app:app", "--seconds", "60", *WORKERS]
    env = environment(TMPDIR=str(temp_dir))
    with subprocess.Popen(
        argv, cwd=SITE, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            until(lambda: holders_of(running.pid))
            running.send_signal(number)
            said, told = running.communicate(timeout=PATIENCE_S)
        finally:
            running.kill()  # when it does not end, it would be waited for
    assert running.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert said == ""
    assert "Traceback" not in told


def holders_of(pid: int) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child] if "hold.py" in " ".join(child.cmdline()) else []
    return found


def test_a_terminal_shows_how_it_stands_in_one_line(temp_dir):
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "outrider", "bench", "app:app", *QUICK, *WORKERS]
    said: list[bytes] = []
    with subprocess.Popen(
        argv, cwd=SITE, env=environment(TMPDIR=str(temp_dir), COLUMNS="120"),
        stdout=subprocess.PIPE, stderr=theirs,
    ) as running:  # fmt: skip
        os.close(theirs)
        thread = threading.Thread(target=read_all, args=(ours, said))
        thread.start()
        result = running.communicate(timeout=PATIENCE_S)[0].decode()
        thread.join(PATIENCE_S)
    os.close(ours)
    shown = b"".join(said).decode()
    assert re.search(r"\r\x1b\[KOutrider: +\d\.\d s   slow clients +\d+/120   answered \d+", shown)
    assert shown.endswith("\r\x1b[K")  # the last one is removed
    assert "\x1b" not in result


def read_all(descriptor: int, chunks: list[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(OSError):  # the other side is closed
        while time.monotonic() < deadline and (chunk := os.read(descriptor, 65536)):
            chunks.append(chunk)
