"""A small site under `outrider deploy compose`, whose source changes from release to release."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.integration.running import APPS, environment, outrider

if TYPE_CHECKING:
    from pathlib import Path

    from tests.containers.compose import Compose

WAIT_S = 15
"""For an app that never becomes healthy; a healthy one of this site takes two."""
MIGRATE = "flask --app app migrate"


def exported(place: Path, port: int) -> Path:
    """Return a folder with the source of the site and its Compose project."""
    folder = place / "shop"
    shutil.copytree(APPS / "containers_release", folder)
    words = ("--bind", f"127.0.0.1:{port}", "--release", MIGRATE)
    done = outrider("export", "compose", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


class Site:
    """A site under `outrider deploy compose`, and its source."""

    def __init__(self, project: Compose, programs: Path) -> None:
        self.project = project
        programs.mkdir()
        (programs / "docker").symlink_to(project.engine.client)
        (programs / "docker-compose").symlink_to(project.program)
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
