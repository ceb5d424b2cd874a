"""Ask a real site: what an operator types, from the site's folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import IO

import pytest

from tests.integration.running import (
    PATIENCE_S,
    assert_nothing_is_left,
    environment,
    outrider,
    serving,
    until,
)

pytestmark = pytest.mark.integration

APP = """\
import os
import time

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "first"


@app.get("/buy")
def buy():
    raise ValueError("sold out")


@app.get("/wait")
def wait():
    print("waiting")
    for _ in range(1500):
        if os.path.exists("go"):
            break
        time.sleep(0.02)
    return "waited"
"""


@pytest.fixture
def project(short_dir):
    project = short_dir / "shop"
    project.mkdir()
    (project / "app.py").write_text(APP)
    return project


def status(project) -> dict:
    done = outrider("status", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_site_is_asked_how_it_stands_what_it_says_and_to_take_new_code(project, free_port):
    with serving("--workers", "1", "--threads", "4", cwd=project, port=free_port) as site:
        assert site.get("/").text == "first"
        assert site.get("/buy").status == 500

        told = status(project)
        assert (told["pid"], told["phase"], told["generation"]) == (site.process.pid, "serving", 1)
        assert told["names"] == ["shop"]
        assert os.path.realpath(told["run_dir"]) == os.path.realpath(site.run_dir)
        shown = outrider("status", str(site.run_dir), cwd=project.parent).stdout
        assert shown.startswith(f"shop  http://127.0.0.1:{free_port}/\n")
        assert "Gunicorn" in shown

        # Nginx's line is written within a moment.
        until(lambda: "500 GET /buy" in logged(project, "--status", "5xx"))
        lines = logged(project, "--status", "5xx").splitlines()
        assert any("ValueError: sold out" in line for line in lines[:-1])
        assert "500 GET /buy" in lines[-1]
        assert "GET /  " not in "\n".join(lines)

        (project / "app.py").write_text(APP.replace('"first"', '"second"'))
        done = outrider("reload", cwd=project)
        assert done.returncode == 0, done.stderr
        assert site.get("/").text == "second"

        (project / "app.py").write_text(APP + "import no_such_module_anywhere\n")
        done = outrider("reload", cwd=project)
        assert done.returncode not in (0, 1)
        assert "no_such_module_anywhere" in done.stdout + done.stderr
        assert site.get("/").text == "second"
        assert status(project)["generation"] == 2
        said = logged(project, "--source", "outrider")
        assert "the new code serves: generation 2" in said
        assert "no_such_module_anywhere" in said


def logged(project, *words: str) -> str:
    done = outrider("logs", "--no-follow", *words, cwd=project)
    assert done.returncode == 0, done.stderr
    return done.stdout


def typed(project, *words: str) -> subprocess.Popen[str]:
    """Start a command that goes on."""
    return subprocess.Popen(
        [sys.executable, "-m", "outrider", *words],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(stream: IO[str] | None, part: str) -> None:
    """Read lines until there is one with this part, or no more."""
    assert stream is not None
    for line in stream:
        if part in line:
            return
    raise AssertionError(part)


def test_a_site_that_watches_its_files_is_stopped_when_its_requests_have_finished(
    project, free_port
):
    words = ("--workers", "1", "--threads", "4", "--watch")
    with serving(*words, cwd=project, port=free_port) as site:
        site.wait_for("is reloaded when a file changes")
        (project / "app.py").write_text(APP.replace('"first"', '"second"'))
        until(lambda: site.get("/").text == "second")
        site.wait_for("the old Gunicorn finishes")

        following = typed(project, "logs")
        answers: list[str] = []
        asking = threading.Thread(target=lambda: answers.append(site.get("/wait").text))
        asking.start()
        read_until(following.stdout, "waiting")
        following.send_signal(signal.SIGINT)
        _, said = following.communicate(timeout=PATIENCE_S)
        assert (following.returncode, said) == (0, "")

        stopping = typed(project, "stop")
        read_until(stopping.stderr, "draining")
        assert answers == []
        (project / "go").touch()
        _, said = stopping.communicate(timeout=PATIENCE_S)
        asking.join(PATIENCE_S)
        assert answers == ["waited"]
        assert (stopping.returncode, said.splitlines()[-1]) == (0, "shop has stopped")
        assert site.wait() == 0
        assert_nothing_is_left(site)
