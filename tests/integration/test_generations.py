"""New code comes in while the site is used: nobody is cut off, and what does not work stays out."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import termios
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.integration.environments import made_with
from tests.integration.running import (
    PATIENCE_S,
    assert_nothing_is_left,
    outrider,
    serving,
    until,
)

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    import psutil

    from tests.integration.running import Running

pytestmark = pytest.mark.integration


@pytest.fixture
def project(copy_of) -> Path:
    return copy_of("running_site")


def change(project: Path, old: str, new: str) -> None:
    """Change the app, so that no compiled copy of it is taken for the new one."""
    app = project / "app.py"
    app.write_text(app.read_text().replace(old, new))
    os.utime(app, (0, app.stat().st_mtime - 10))


def reload(site: Running, project: Path) -> subprocess.CompletedProcess[str]:
    return outrider("reload", str(site.run_dir), cwd=project)


def masters(site: Running) -> list[psutil.Process]:
    """Return Gunicorn's first processes, of all generations."""
    return site.children("launch.py")


def folders(site: Running) -> list[str]:
    return sorted(path.name for path in site.run_dir.glob("gen-*"))


def test_new_code_takes_over_without_a_lost_request(project, free_port, short_dir):
    file, is_over = short_dir / "go", threading.Event()
    with (
        serving("--workers", "2", cwd=project, port=free_port) as site,
        ThreadPoolExecutor(4) as pool,
    ):
        nginx = site.nginx_master()

        def ask() -> set[tuple[int, str]]:
            answers = set()
            while not is_over.is_set():
                answer = site.get("/")
                answers.add((answer.status, answer.text))
            return answers

        def upload() -> set[tuple[int, int]]:
            answers = set()
            while not is_over.is_set():
                answer = site.get("/echo", method="POST", body=bytes(300_000))
                answers.add((answer.status, len(answer.body)))
            return answers

        old = pool.submit(site.get, f"/takes?seconds=0&file={file}")
        site.wait_for("a request of 0 s has begun")
        # By the other worker, which so has loaded the app before it changes.
        assert site.get("/").text == "home\n"
        asking, uploading = pool.submit(ask), pool.submit(upload)
        change(project, 'b"home', 'b"new home')
        for number in (2, 3):
            site.process.send_signal(signal.SIGHUP)
            site.wait_for(f"the new code serves: generation {number}")
            assert site.get("/").text == "new home\n"
        assert site.nginx_master() == nginx  # nothing has changed for it
        assert not old.done()
        is_over.set()
        assert asking.result() == {(200, "home\n"), (200, "new home\n")}
        assert uploading.result() == {(200, 300_000)}
        # The one from the first generation is all that is left of it.
        file.touch()
        assert old.result().body.endswith(b"the end\n")
        until(lambda: len(masters(site)) == 1)
        until(lambda: folders(site) == ["gen-3"])
        assert site.stop() == 0
        assert_nothing_is_left(site)


BROKEN = "ZeroDivisionError: division by zero"


def test_what_does_not_work_leaves_the_old_code_serving(project, free_port):
    app, settings = project / "app.py", project / "outrider.toml"
    good = app.read_text()
    (project / "odd.conf").write_text("odd;\n")
    with serving("--workers", "1", cwd=project, port=free_port) as site:
        before = {one.pid for one in site.family()}
        for code, setting, exit_code, words in (
            (f"import nowhere\n{good}", "", 4, "No module named 'nowhere'"),
            (f"{good}\n\ndef app():\n    1 / 0\n\n\napp = app()\n", "", 4, BROKEN),
            (good.replace('[b"home\\n"]', "1 / 0"), "", 16, BROKEN),
            (good.replace('"200 OK"', '"503 Busy"'), "", 16, "answered with 503"),
            (good, "wrokers = 2", 2, "wrokers"),
            (good, 'nginx_snippet = "odd.conf"', 6, "odd"),
            (good, 'release = "false"', 16, "the release step failed"),
        ):
            app.write_text(code)
            settings.write_text(setting)
            done = reload(site, project)
            assert (done.returncode, words in done.stderr) == (exit_code, True), done.stderr
            assert "so that the old code serves on" in done.stderr
            assert site.get("/").text == "home\n"
            assert {one.pid for one in site.family()} == before
            assert folders(site) == ["gen-1"]
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_extra_processes_start_again_with_the_new_settings(project, free_port):
    settings = project / "outrider.toml"
    settings.write_text('[processes]\nstays = "sleep 1001"\ngoes = "sleep 1002"\n')

    def beside() -> list[int]:
        return [number for number in range(1001, 1005) if site.children(f"sleep {number}")]

    with serving("--workers", "1", cwd=project, port=free_port) as site:
        assert beside() == [1001, 1002]
        settings.write_text('[processes]\nstays = "sleep 1003"\ncomes = "sleep 1004"\n')
        done = reload(site, project)
        assert done.returncode == 0, done.stderr
        until(lambda: beside() == [1003, 1004])
        site.wait_for("process goes finishes what it has")
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_nginx_follows_what_has_changed_for_it(project, free_port):
    with serving("--workers", "1", cwd=project, port=free_port) as site:
        nginx = site.nginx_master()
        assert site.get("/files/a.txt").status == 404
        (project / "files").mkdir()
        (project / "files" / "a.txt").write_text("a file\n")
        (project / "outrider.toml").write_text('static = ["/files/=files"]\n')
        done = reload(site, project)
        assert done.returncode == 0, done.stderr
        assert site.get("/files/a.txt").text == "a file\n"
        assert site.nginx_master() == nginx
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_a_server_that_binds_its_own_socket_is_replaced_too(copy_of, free_port):
    project, python = copy_of("servers_wsgi"), made_with("granian")
    words = ("--server", "granian", "--python", str(python), "--workers", "1")
    with serving(*words, cwd=project, port=free_port) as site:
        [old] = masters(site)
        for number in (2, 3):
            done = reload(site, project)
            assert done.returncode == 0, done.stderr
            assert site.get("/who").status == 200
            assert f"generation {number}" in done.stderr
        until(lambda: len(masters(site)) == 1)
        assert masters(site) != [old]
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_a_websocket_outlives_a_reload_until_the_drain_time_is_over(copy_of, free_port):
    project = copy_of("behaviour_asgi")
    words = ("--workers", "1", "--drain-timeout", "8")
    with serving(*words, cwd=project, port=free_port) as site:
        url = f"ws://127.0.0.1:{site.port}/ws"
        with connect(url, open_timeout=PATIENCE_S, ping_interval=None, proxy=None) as listener:
            listener.recv()
            site.process.send_signal(signal.SIGHUP)
            site.wait_for("the old Gunicorn finishes what it has")
            listener.send("still here")
            assert listener.recv() == "STILL HERE"
            with pytest.raises(ConnectionClosed) as closed:
                listener.recv(timeout=PATIENCE_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012  # it was told, not cut off
        until(lambda: len(masters(site)) == 1)
        assert "is killed" not in site.output
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_a_terminal_that_is_closed_ends_it(project, free_port):
    ours, its = pty.openpty()
    with serving(
        cwd=project,
        port=free_port,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(its, termios.TIOCSCTTY, 0),
    ) as site:
        os.close(its)
        site.process.send_signal(signal.SIGHUP)  # it is there: this means the new code
        site.wait_for("generation 2")
        os.close(ours)
        assert site.wait() == 0
        assert_nothing_is_left(site)


# What it starts does not hear that it shall leave.
STAYS = "trap '' TERM; sleep 300 & echo migrating; wait; sleep 300"


@pytest.mark.parametrize(
    ("code", "setting", "words"),
    [
        ("import time\n\ntime.sleep(300)\n", "", "looking at the app again"),
        ("", f'release = ["sh", "-c", "{STAYS}"]\n', "migrating"),
    ],
    ids=["it is imported", "its release step runs"],
)
def test_a_stop_while_the_new_code_is_prepared_leaves_nothing_of_it(
    project, free_port, code, setting, words
):
    with serving("--workers", "1", cwd=project, port=free_port) as site:
        change(project, '"""A', f'{code}"""A')
        (project / "outrider.toml").write_text(setting)
        site.process.send_signal(signal.SIGHUP)
        site.wait_for(words)
        assert site.stop() == 0
        site.wait_for("asked to stop before the new code had taken over")
        assert_nothing_is_left(site)
