"""The life of a site: how it starts, how it ends in every way there is, and that nothing stays."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.integration.running import (
    APPS,
    NOT_NAMED,
    PATIENCE_S,
    assert_nothing_is_left,
    environment,
    outrider,
    processes_of,
    serving,
    start,
    until,
)
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.running import Answer, Running

pytestmark = pytest.mark.integration

SITE = APPS / "running_site"
OTHER = APPS / "running_other"
BOOT = APPS / "running_boot"
FORKS = APPS / "running_forks"
WHOLE = b"".join(b"piece %d\n" % number for number in range(10)) + b"the end\n"


@contextlib.contextmanager
def in_progress(site: Running, seconds: int, more: str = "") -> Iterator[Callable[[], Answer]]:
    """Send a request, wait until the app is at it, and return how to get its answer."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(site.get, f"/takes?seconds={seconds}{more}")
        site.wait_for(f"a request of {seconds} s has begun")
        yield answer.result


def is_refused(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S):
            return False
    except ConnectionRefusedError:
        return True


def position(lines: list[str], pattern: str) -> int:
    return next(number for number, line in enumerate(lines) if re.search(pattern, line))


@pytest.fixture
def pipe():
    """Return both ends of a pipe; what is still open is closed."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "wb") as write:
        yield read, write


# -- asked to stop ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_in_progress_is_finished_while_new_connections_are_refused(
    number, free_port, short_dir
):
    file = short_dir / "go"
    with serving(cwd=SITE, port=free_port) as site:
        with in_progress(site, 2, f"&file={file}") as answer:
            site.process.send_signal(number)
            until(lambda: is_refused(free_port))
            assert "the request has ended" not in site.log
            file.touch()
            assert answer().status == 200
            assert answer().body == WHOLE
        assert site.wait() == 0
        # Nginx first: its request is done, it has left, and only then does Gunicorn hear of it.
        assert position(site.stderr, "Nginx finishes") < position(site.stderr, "Gunicorn finishes")
        assert position(site.stdout, "200 GET /takes") < position(site.stdout, "signal: term")
        assert_nothing_is_left(site)


def test_ctrl_c_reaches_the_whole_foreground_group_and_still_drains(free_port):
    with serving(cwd=SITE, port=free_port, start_new_session=True) as site:
        with in_progress(site, 1) as answer:
            os.killpg(site.process.pid, signal.SIGINT)
            assert answer().body == WHOLE
        assert site.wait() == 0
        assert_nothing_is_left(site)


def test_a_request_that_never_ends_is_killed_when_the_drain_time_is_over(free_port):
    with serving("--drain-timeout", "1", cwd=SITE, port=free_port) as site:
        with in_progress(site, 3600) as answer:
            assert site.stop() == 12
            with pytest.raises(http.client.IncompleteRead):
                answer()
        assert "error: Gunicorn had to be killed" in site.output
        assert "still busy 1 s after the order to stop" in site.output
        assert "--drain-timeout 2" in site.output
        assert_nothing_is_left(site)


def test_a_second_signal_ends_it_at_once(free_port):
    with serving("--drain-timeout", "10m", cwd=SITE, port=free_port) as site:
        with in_progress(site, 3600) as answer:
            site.process.send_signal(signal.SIGTERM)
            site.wait_for("Nginx finishes what it has")
            assert site.stop(signal.SIGINT) == 12
            with pytest.raises(http.client.IncompleteRead):
                answer()
        assert "error: Nginx and Gunicorn had to be killed" in site.output
        assert "asked a second time" in site.output
        assert_nothing_is_left(site)


def test_a_worker_that_is_just_being_born_hears_the_order_to_stop_too(free_port):
    # Gunicorn alone loses it, and waits for that worker until the drain time is over.
    env = environment(PYTHONPATH=str(FORKS))
    with serving("--workers", "2", cwd=FORKS, port=free_port, env=env) as site:
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_nohup_keeps_it_running_when_the_terminal_goes_away(free_port):
    nohup = ("nohup", sys.executable, "-m", "outrider")
    with serving(cwd=SITE, port=free_port, command=nohup) as site:
        site.process.send_signal(signal.SIGHUP)
        assert site.get("/").status == 200
        assert "finishes what it has" not in site.output
        assert site.stop() == 0
        assert_nothing_is_left(site)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_can_be_stopped_while_the_app_is_still_looked_at(number, code, boot, free_port):
    boot.count(1)
    with start("--env-file", boot.file("hangs"), cwd=BOOT, port=free_port) as site:
        until(lambda: boot.imports() == 2)
        assert site.stop(number) == code
        assert_nothing_is_left(site)


def test_it_can_be_stopped_while_the_first_worker_still_boots(boot, free_port):
    with start("--env-file", boot.file("hangs"), cwd=BOOT, port=free_port) as site:
        until(lambda: boot.imports() > 1)
        assert site.stop() == 12
        assert "error: Gunicorn had to be killed" in site.output
        assert "still starting, and did not react to the order to stop" in site.output
        assert_nothing_is_left(site)


# -- something ends by itself ----------------------------------------------------------------------


@contextlib.contextmanager
def asked_again_and_again(site: Running) -> Iterator[list[int]]:
    """Ask from two sides until the block ends; each request has to be answered."""
    is_over, statuses = threading.Event(), list[int]()

    def ask() -> None:
        while not is_over.is_set():
            statuses.append(site.get("/").status)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            yield statuses
        finally:
            is_over.set()
        for one in asking:
            one.result()


MASTERS = {"Gunicorn": "gunicorn_master", "Nginx": "nginx_master"}


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_that_is_killed_is_replaced_and_nobody_is_refused(name, free_port, short_dir):
    file = short_dir / "go"
    with serving("--workers", "2", cwd=SITE, port=free_port) as site:
        killed = getattr(site, MASTERS[name])()
        orphans = killed.children()
        with in_progress(site, 0, f"&file={file}") as answer:
            with asked_again_and_again(site) as statuses:
                until(lambda: len(statuses) > 20)
                killed.kill()
                site.wait_for(f"{name}: it was ended by SIGKILL; .* it starts again at once")
                site.wait_for(f"{name} serves again")
                before = len(statuses)
                until(lambda: len(statuses) > before + 20)
            assert set(statuses) == {200}
            # Nobody was in the way of who was served by what the dead one has left behind.
            file.touch()
            assert answer().body == WHOLE
        until(lambda: not any(one.is_running() for one in orphans))
        assert getattr(site, MASTERS[name])() != killed
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_a_worker_of_nginx_that_is_killed_is_replaced(free_port):
    with serving("--workers", "1", cwd=SITE, port=free_port) as site:
        for victim in site.nginx_master().children():
            victim.kill()
        until(lambda: site.nginx_master().children())
        assert [site.get("/").status for _ in range(10)] == [200] * 10
        assert site.stop() == 0


def test_who_waits_for_a_gunicorn_that_is_killed_is_answered_by_the_next(free_port, short_dir):
    file = short_dir / "go"
    words = ("--drain-timeout", "10m", "--timeout", "10m", "--workers", "1")
    with serving(*words, cwd=SITE, port=free_port) as site, ThreadPoolExecutor(1) as pool:
        with in_progress(site, 0, f"&file={file}") as answer:
            waiting = pool.submit(site.get, "/worker")  # in the backlog: the worker is busy
            until(lambda: waits_in_backlog(site))
            killed = site.gunicorn_master()
            killed.kill()
            assert waiting.result().json()["master"] == site.gunicorn_master().pid
            file.touch()
            assert answer().body == WHOLE
        assert site.stop() == 0
        assert_nothing_is_left(site)


def waits_in_backlog(site: Running) -> bool:
    """Tell whether a connection to the app's socket has not been accepted yet.

    State 02: https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
    """
    lines = Path("/proc/net/unix").read_text().splitlines()
    return any(str(site.run_dir) in line and line.split()[5] == "02" for line in lines)


def test_when_the_supervisor_is_killed_the_others_end_and_the_next_run_takes_over(
    short_dir, free_port
):
    place = {"run_dir": NOT_NAMED, "env": environment(TMPDIR=str(short_dir))}
    with serving(cwd=SITE, port=free_port, **place) as killed:
        killed.process.send_signal(signal.SIGHUP)
        killed.wait_for("generation 2")  # so that there are two for a moment
        killed.process.kill()
        until(lambda: not processes_of(killed))
        assert killed.run_dir.exists()  # nobody was there to remove it
        with serving(cwd=SITE, port=free_port, **place) as site:
            assert site.run_dir == killed.run_dir
            assert site.get("/").body == b"home\n"
            assert site.stop() == 0
            assert_nothing_is_left(site)
    assert list(short_dir.iterdir()) == []


def test_a_worker_that_is_killed_is_replaced_and_the_site_stays_up(free_port):
    with serving("--workers", "2", cwd=SITE, port=free_port) as site:
        until(lambda: len(site.gunicorn_master().children()) == 2)
        victim = psutil.Process(site.get("/worker").json()["pid"])
        master = site.gunicorn_master()
        victim.kill()
        site.wait_for(rf"{victim.pid}.* was sent SIGKILL")
        until(lambda: len(site.gunicorn_master().children()) == 2)
        assert victim not in master.children()
        assert [site.get("/").status for _ in range(10)] == [200] * 10
        assert site.gunicorn_master() == master
        assert site.stop() == 0
        assert_nothing_is_left(site)


# -- it does not come up ---------------------------------------------------------------------------


class Boot:
    """The app below running_boot, and what it is told by its environment file."""

    def __init__(self, directory: Path) -> None:
        self.counter = directory / "imports"
        self.env_file = directory / "env"
        self.go = directory / "go"

    def file(self, trouble: str) -> str:
        self.env_file.write_text(f"COUNTER={self.counter}\nTROUBLE={trouble}\n")
        return str(self.env_file)

    def count(self, number: int) -> None:
        self.counter.write_text("imported\n" * number)

    def imports(self) -> int:
        return len(self.counter.read_text().splitlines()) if self.counter.exists() else 0


@pytest.fixture
def boot(short_dir):
    return Boot(short_dir)


def test_a_worker_that_dies_at_boot_ends_the_run_and_its_traceback_is_in_the_log(boot, free_port):
    with start("--env-file", boot.file("dies"), cwd=BOOT, port=free_port) as site:
        assert site.wait() == 10
        assert "error: Gunicorn did not start" in site.output
        assert re.search(r'File ".*/running_boot/app\.py", line \d+, in <module>', site.log)
        assert "ConnectionError: the database is gone" in site.log
        assert "is served at" not in site.output
        assert_nothing_is_left(site)


def test_a_worker_that_never_becomes_ready_ends_the_run_when_the_boot_time_is_over(boot, free_port):
    words = ("--env-file", boot.file("hangs"), "--boot-timeout", "10")
    with start(*words, cwd=BOOT, port=free_port) as site:
        site.wait_for("Gunicorn is not ready yet; visitors are told so")
        assert site.get("/").status == 503
        assert site.wait() == 10
        assert "error: Gunicorn was not ready within 10 s" in site.output
        assert "--boot-timeout 20" in site.output
        assert "is served at" not in site.output
        assert_nothing_is_left(site)


def test_who_comes_while_the_app_takes_long_to_start_is_told_to_try_again(boot, free_port):
    with start("--env-file", boot.file("waits"), cwd=BOOT, port=free_port) as site:
        until(lambda: boot.imports() > 1)
        page = site.get("/")  # from the backlog, as soon as Nginx is there
        data = site.get("/", headers={"Accept": "application/json"})
        assert [one.status for one in (page, data)] == [503, 503]
        assert [one.headers["Retry-After"] for one in (page, data)] == ["5", "5"]
        assert "<h1>The site is starting</h1>" in page.text
        assert data.json()["error"] == "starting"
        assert (site.get("/-/live").status, site.get("/-/ready").status) == (200, 503)
        assert "is served at" not in site.output
        boot.go.touch()
        site.wait_for("is served at")
        assert (site.get("/").status, site.get("/-/ready").status) == (200, 200)
        assert site.stop() == 0
        assert_nothing_is_left(site)


# -- side by side ----------------------------------------------------------------------------------


@pytest.fixture
def free_ports():
    """Return three ports that nobody listens on."""
    with reserved() as one, reserved() as two, reserved() as three:
        yield [one, two, three]


def test_sites_of_one_user_run_side_by_side(short_dir, free_ports):
    place = {"run_dir": NOT_NAMED, "env": environment(TMPDIR=str(short_dir))}
    ports = free_ports
    with (
        serving("--workers", "1", cwd=SITE, port=ports[0], **place) as first,
        serving("--workers", "1", cwd=SITE, port=ports[1], **place) as same,
        serving("--workers", "1", cwd=OTHER, port=ports[2], **place) as other,
    ):
        sites = (first, same, other)
        assert [site.get("/").text for site in sites] == ["home\n", "home\n", "the other project\n"]
        assert same.stop() == 0
        assert first.get("/").status == other.get("/").status == 200
        assert first.stop() == 0
        assert other.get("/").status == 200
        assert other.stop() == 0
        for site in sites:
            assert_nothing_is_left(site)
    assert list(short_dir.iterdir()) == []


def test_a_second_run_of_a_site_is_refused_and_the_first_is_undisturbed(short_dir, free_port):
    env = environment(TMPDIR=str(short_dir))
    with serving(cwd=SITE, port=free_port, run_dir=NOT_NAMED, env=env) as site:
        before = sorted(site.run_dir.iterdir())
        second = outrider("run", "--bind", f"127.0.0.1:{free_port}", cwd=SITE, env=env)
        assert second.returncode == 8
        assert f"a site of yours already runs at 127.0.0.1:{free_port}" in second.stderr
        assert f"pid {site.process.pid} holds {site.run_dir}" in second.stderr
        assert f"outrider stop {site.run_dir}" in second.stderr
        assert sorted(site.run_dir.iterdir()) == before
        assert site.get("/").status == 200
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_a_second_run_with_a_directory_of_its_own_is_told_who_has_the_port(short_dir, free_port):
    with serving(cwd=SITE, port=free_port) as site:
        own = ("--run-dir", str(short_dir / "run"))
        second = outrider("run", "--bind", f"127.0.0.1:{free_port}", *own, cwd=SITE)
        assert second.returncode == 8
        assert f"127.0.0.1:{free_port} is taken" in second.stderr
        assert re.search(rf"pid {site.process.pid} \(.*outrider run.*\) listens", second.stderr)
        assert list(short_dir.iterdir()) == []
        assert site.get("/").status == 200


def test_a_port_that_another_program_has_is_named_with_its_pid(short_dir, free_port):
    program = "import http.server as s; s.HTTPServer(('127.0.0.1', %d), None).serve_forever()"
    with subprocess.Popen([sys.executable, "-c", program % free_port]) as foreign:
        until(lambda: not is_refused(free_port))
        own = ("--run-dir", str(short_dir / "run"))
        second = outrider("run", "--bind", f"127.0.0.1:{free_port}", *own, cwd=SITE)
        foreign.kill()
    assert second.returncode == 8
    assert f"127.0.0.1:{free_port} is taken" in second.stderr
    assert re.search(rf"pid {foreign.pid} \(.*http\.server.*\) listens there", second.stderr)
    assert re.search(r"--bind 127\.0\.0\.1:\d+", second.stderr)
    assert list(short_dir.iterdir()) == []


# -- the streams it was given ----------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_no_harm(closed, free_port):
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "outrider")
    with start(cwd=SITE, port=free_port, command=shell) as site:
        until(lambda: site.process.poll() is not None or not is_refused(free_port))
        assert site.get("/").status == 200
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_a_reader_of_the_log_that_goes_away_does_not_stop_the_site(pipe, free_port):
    read, write = pipe
    with serving(cwd=SITE, port=free_port, stdout=write) as site:
        write.close()
        assert b"Starting gunicorn" in read.readline()
        read.close()
        assert site.get("/noise?lines=2000").status == 200
        assert site.get("/").status == 200
        assert site.stop() == 0
        assert "Traceback" not in site.output
        assert_nothing_is_left(site)


MORE_THAN_FITS = "/noise?lines=40000"  # megabytes, and more lines than are kept


def test_a_reader_of_the_log_that_pauses_does_not_stop_the_site(pipe, free_port):
    read, write = pipe
    with serving(cwd=SITE, port=free_port, stdout=write) as site:
        write.close()
        assert site.get(MORE_THAN_FITS).status == 200
        assert site.get("/").status == 200
        lines = iter(read.readline, b"")
        assert any(re.search(rb"\(\d+ lines were lost: nobody read them\)", line) for line in lines)
        assert site.stop() == 0
        assert_nothing_is_left(site)


@pytest.mark.parametrize("stream", ["stdout", "stdout and stderr"])
def test_a_site_whose_log_nobody_reads_can_be_stopped(stream, pipe, free_port):
    _, write = pipe
    streams = {"stdout": write} | ({} if stream == "stdout" else {"stderr": write})
    with start(cwd=SITE, port=free_port, **streams) as site:
        write.close()
        until(lambda: not is_refused(free_port))
        assert site.get(MORE_THAN_FITS).status == 200
        assert site.stop() == 0
        assert_nothing_is_left(site)
