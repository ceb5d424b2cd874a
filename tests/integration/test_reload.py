"""SIGHUP to Gunicorn: new code comes in and nobody notices, nor that it cannot be loaded."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import psutil
import pytest

import outrider
from tests.integration.environments import made_with
from tests.integration.running import is_alive, serving, until

if TYPE_CHECKING:
    from tests.integration.running import Running

pytestmark = pytest.mark.integration

VERSIONS = ("23.0.0", "25.3.0", "26.2.0", "newest")
"""Of Gunicorn: the oldest that is taken, and those in which its own way of reloading changed."""
THREADS = ("1", "4")


@pytest.fixture
def project(copy_of) -> Path:
    return copy_of("servers_wsgi")


def words(version: str, threads: str = "1", *more: str) -> tuple[str, ...]:
    python = sys.executable if version == "newest" else made_with(f"gunicorn=={version}")
    flags = ("--workers", "2", "--threads", threads, "--static", "/static/=static")
    return ("app:app", *flags, "--python", str(python), *more)


def reload(site: Running) -> None:
    site.gunicorn_master().send_signal(signal.SIGHUP)


def workers_of(site: Running) -> set[int]:
    master = site.gunicorn_master()
    while True:
        known = master.children()
        alive = {child.pid for child in known if is_alive(child)}
        # Else one may have ended because of one that had not been there to be counted.
        if master.children() == known:
            return alive


def until_all_have_loaded(site: Running) -> set[int]:
    """Wait until each of the two workers has answered, and return who they are."""
    seen: set[int] = set()

    def have_answered() -> bool:
        # Several at once: an idle worker may be asked first each time.
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(site.get, ["/who"] * 8))
        seen.update(answer.json()[0] for answer in answers)
        workers = workers_of(site)
        return len(workers) == 2 and seen >= workers

    until(have_answered)
    return workers_of(site)


def replace_workers(site: Running) -> None:
    before = workers_of(site)
    reload(site)
    until(lambda: workers_of(site).isdisjoint(before))


def post(site: Running) -> tuple[int, str]:
    answer = site.get("/upload", method="POST", body=b"x" * 1000)
    return answer.status, answer.text


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_post_is_answered_while_workers_are_replaced(version, threads, project, free_port):
    with serving(*words(version, threads), cwd=project, port=free_port) as site:
        until_all_have_loaded(site)
        if version == "23.0.0" and any("worker: gthread" in line for line in site.stdout):
            pytest.skip("it drops what it has accepted and not read: gthread.py, `run`")
        is_over = Event()

        def keep_asking() -> set[tuple[int, str]]:
            answers = set()
            while not is_over.is_set():
                answers.add(post(site))
            return answers

        with ThreadPoolExecutor(3) as pool:
            asking = [pool.submit(keep_asking) for _ in range(3)]
            try:
                for _ in range(5):
                    replace_workers(site)
            finally:
                is_over.set()
            assert {each for one in asking for each in one.result()} == {(200, "1000")}
        site.wait_for("Reloaded: all workers are new")
        assert len(workers_of(site)) == 2
        assert site.stop() == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_old_workers_serve_for_as_long_as_the_new_one_loads(version, project, free_port):
    flags = words(version, "1", "--drain-timeout", "1")
    with serving(*flags, cwd=project, port=free_port) as site:
        old = until_all_have_loaded(site)
        (project / "others-wait").touch()  # as an app that takes long to import
        reload(site)
        site.wait_for("waits at the door")
        # One at a time, so that the memory of one more is enough.
        assert len(workers_of(site)) == 3
        answered_by = {site.get("/who").json()[0] for _ in range(20)}
        assert answered_by <= old


@pytest.mark.parametrize("version", VERSIONS)
def test_code_that_cannot_be_loaded_leaves_the_old_workers_serving(version, project, free_port):
    with serving(*words(version), cwd=project, port=free_port) as site:
        old = until_all_have_loaded(site)
        (project / "refuse").touch()
        reload(site)
        site.wait_for("LookupError: the shop is closed today")
        site.wait_for("Those that serve go on with the code that they have")
        assert post(site) == (200, "1000")
        until(lambda: workers_of(site) == old)

        (project / "refuse").unlink()
        reload(site)
        until(lambda: len(workers_of(site)) == 2 and workers_of(site).isdisjoint(old))
        assert post(site) == (200, "1000")
        assert site.stop() == 0


def test_a_worker_that_dies_before_code_that_cannot_be_loaded_is_mended_is_replaced(
    project, free_port
):
    with serving(*words("newest"), cwd=project, port=free_port) as site:
        until_all_have_loaded(site)
        (project / "refuse").touch()
        reload(site)
        site.wait_for("Those that serve go on")
        victim, survivor = workers_of(site)
        psutil.Process(victim).kill()
        until(lambda: sum("Those that serve go on" in line for line in site.stdout) > 1)
        assert post(site) == (200, "1000")
        assert survivor in workers_of(site)

        (project / "refuse").unlink()
        assert survivor in until_all_have_loaded(site)
        assert site.stop() == 0


def test_a_request_in_progress_is_finished_by_its_old_worker(project, free_port):
    with serving(*words("newest"), cwd=project, port=free_port) as site:
        old = until_all_have_loaded(site)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(site.get, "/slow")
            site.wait_for("slow begins")
            reload(site)
            # Everybody else has the new code meanwhile.
            until(lambda: len(workers_of(site) - old) == 2)
            until(lambda: len(workers_of(site) & old) == 1)
            (project / "go-on").touch()
            assert answer.result().text == "at last"
        site.wait_for("Reloaded: all workers are new")
        assert workers_of(site).isdisjoint(old)
        assert site.stop() == 0


# -- without new code ------------------------------------------------------------------------------


@pytest.mark.parametrize("app", ["servers_wsgi", "servers_asgi"])
def test_workers_that_have_served_enough_are_replaced_and_nobody_is_refused(
    app, copy_of, free_port
):
    limits = ("--max-requests", "40", "--static", "/static/=static")
    with serving("app:app", "--workers", "2", *limits, cwd=copy_of(app), port=free_port) as site:
        until(lambda: len(workers_of(site)) == 2)
        first = workers_of(site)
        fewest = 2
        statuses: set[int] = set()

        def are_others() -> bool:
            nonlocal fewest
            with ThreadPoolExecutor(4) as pool:
                statuses.update(answer[0] for answer in pool.map(lambda _: post(site), range(40)))
            fewest = min(fewest, len(workers_of(site)))
            return workers_of(site).isdisjoint(first)

        until(are_others)
        assert statuses == {200}
        # None goes before another one is there.
        assert fewest == 2
        site.wait_for(r"Worker \(pid:\d+\) is replaced: it has answered \d+ requests")
        assert site.stop() == 0


def test_a_worker_that_asks_for_a_successor_goes_on_when_there_is_none(project, free_port):
    with serving(*words("newest"), "--max-age", "3", cwd=project, port=free_port) as site:
        old = until_all_have_loaded(site)
        (project / "refuse").touch()
        site.wait_for(r"is replaced: it has served for \d s")
        site.wait_for("Those that serve go on with the code that they have")
        assert post(site) == (200, "1000")
        until(lambda: workers_of(site) == old)
        assert site.stop() == 0


def test_a_reload_of_a_reload_ends_with_new_workers_only(project, free_port):
    with serving(*words("newest"), cwd=project, port=free_port) as site:
        old = until_all_have_loaded(site)
        for _ in range(4):  # faster than a worker starts
            reload(site)
        site.wait_for("Reloaded: all workers are new")
        assert workers_of(site).isdisjoint(old)
        assert len(workers_of(site)) == 2
        assert site.stop() == 0


def test_a_stop_in_the_middle_of_a_reload_is_a_stop(project, free_port):
    with serving(*words("newest"), cwd=project, port=free_port) as site:
        until(lambda: len(workers_of(site)) == 2)
        reload(site)
        site.wait_for("Hang up")
        assert site.stop() == 0


DIES_TOGETHER = """\
import os, pathlib, time
seen = pathlib.Path("seen")
(seen / str(os.getpid())).touch()
while len(list(seen.iterdir())) < 4:
    time.sleep(0.01)
raise RuntimeError("the database is gone")
"""
AS_EXPORTED = f"""\
import sys
sys.path.insert(0, {str(Path(outrider.__file__).parent / "app")!r})
from shim.gunicorn_reload import reload_gently as on_starting
bind = "unix:app.sock"
workers = 4
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_workers_that_cannot_load_the_app_leave_its_traceback_as_the_last(version, short_dir):
    (short_dir / "seen").mkdir()
    (short_dir / "app.py").write_text(DIES_TOGETHER)
    (short_dir / "conf.py").write_text(AS_EXPORTED)
    argv = [words(version)[-1], "-m", "gunicorn", "-c", "conf.py", "app:app"]
    done = subprocess.run(
        argv, cwd=short_dir, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "RuntimeError: the database is gone" in done.stderr
    last = done.stderr.rpartition("Traceback (most recent call last)")[2]
    assert "RuntimeError: the database is gone" in last
    assert "Reason: Worker failed to boot." in last
    assert not (short_dir / "app.sock").exists()
