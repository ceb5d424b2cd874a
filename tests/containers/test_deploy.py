"""New releases of a running Compose project, while clients ask for pages all the time."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.containers.load import Load
from tests.integration.running import APPS, environment, outrider
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.containers.compose import Compose

WAIT_S = 15
"""For an app that never becomes healthy; a healthy one of this site takes two."""
MIGRATE = "flask --app app migrate"


class Site:
    """A site under `outrider deploy compose`, and its source."""

    def __init__(self, project: Compose, programs: Path) -> None:
        self.project = project
        self.env = environment(
            **{
                **project.engine.env,
                "PATH": f"{programs}:{project.engine.env['PATH']}",
                "COMPOSE_PROJECT_NAME": project.project,
            }
        )
        self.address = project.address("proxy", 8080)

    def write(self, number: int, fault: str = "none") -> None:
        """Change the code and the style; no release has the style's name of another."""
        folder = self.project.folder
        (folder / "release.txt").write_text(f"{number}\n")
        (folder / "fault.txt").write_text(f"{fault}\n")
        for style in folder.glob("static/style-*.css"):
            style.unlink()
        for name in ("style", f"style-{number}"):
            (folder / "static" / f"{name}.css").write_text(f"/* release {number} */\n")

    def deploy(self) -> subprocess.CompletedProcess[str]:
        """Return what the command has said."""
        words = ("deploy", "compose", "--wait", str(WAIT_S))
        return outrider(*words, cwd=self.project.folder, env=self.env, timeout=600)

    def deploy_and_die_at(self, text: str) -> None:
        """Kill the command as soon as it says something."""
        with subprocess.Popen(
            [sys.executable, "-m", "outrider", "deploy", "compose", "--wait", str(WAIT_S)],
            cwd=self.project.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if text in line:
                    break
            os.kill(process.pid, signal.SIGKILL)
        assert text in said, said

    def containers(self) -> list[str]:
        return sorted(self.project("ps", "--all", "--quiet", "app").split())

    def text(self, path: str) -> str:
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=20)) as asked:
            asked.request("GET", path)
            answer = asked.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, text
            return text


@pytest.fixture(scope="module")
def site(compose: Callable[..., Compose], tmp_path_factory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("containers")
    folder, programs = place / "shop", place / "programs"
    shutil.copytree(APPS / "containers_release", folder)
    with reserved() as port:
        words = ("--bind", f"127.0.0.1:{port}", "--release", MIGRATE)
        done = outrider("export", "compose", *words, cwd=folder)
        assert done.returncode == 0, done.stderr
        project = compose(folder)
        programs.mkdir()
        (programs / "docker").symlink_to(project.engine.client)
        (programs / "docker-compose").symlink_to(project.program)
        project.up()
        yield Site(project, programs)


def test_releases_under_load_lose_nothing_and_change_pages_and_styles(site: Site):
    with Load(site.address) as load:
        for number in (2, 3):
            site.write(number)
            before = site.containers()
            done = site.deploy()
            assert done.returncode == 0, done.stderr
            assert f"release {number} " in site.text("/")
            assert site.text("/static/style.css") == f"/* release {number} */\n"
            after = site.containers()
            assert len(after) == 1
            assert after != before
    assert load.lost == [], load.describe()
    assert {"2", "3"} <= load.releases
    assert len(load.answered) == 5, "some kind of request was never made"


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("does not boot", "the new app does not serve", "RuntimeError: release 4 does not boot"),
        ("is unhealthy", "the new app does not serve: it was not healthy", "500"),
        ("fails to migrate", "the release step has failed", "release 4 cannot migrate"),
    ],
)
def test_the_old_code_serves_on_when_the_new_one(site: Site, fault, error, said):
    page, before = site.text("/"), site.containers()
    with Load(site.address) as load:
        site.write(4, fault)
        done = site.deploy()
    assert done.returncode == 10, done.stderr
    assert error in done.stderr
    assert said in done.stderr
    assert load.lost == [], load.describe()
    assert len(load.releases) == 1
    assert (site.text("/"), site.containers()) == (page, before)


def test_an_interrupted_release_is_put_right_by_the_next(site: Site):
    with Load(site.address) as load:
        site.write(5)
        site.deploy_and_die_at("starts the new app")
        site.deploy_and_die_at("the new app serves")
        done = site.deploy()
    assert done.returncode == 0, done.stderr
    assert load.lost == [], load.describe()
    assert "release 5 " in site.text("/")
    assert len(site.containers()) == 1


def test_plain_compose_finds_a_released_project_as_it_expects_it(site: Site):
    site.write(6)
    assert site.deploy().returncode == 0
    app = site.containers()
    site.project("up", "--detach", "--no-build", "--wait")
    assert site.containers() == app
    # Its own image has them: what the last container was given does not stand in the way.
    assert site.text("/static/style.css") == "/* release 6 */\n"
