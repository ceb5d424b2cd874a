"""Releases: carries out what `release` says."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from outrider import errors, process
from outrider.deploy.release import Compose, Docker, Pause, Say, release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOOK_S = 60


def deploy_compose(
    folder: str, env: Mapping[str, str], say: Callable[[str], None], wait_s: float | None = None
) -> None:
    """Bring a new release of a folder's Compose project into service without a lost request.

    Args:
        folder: of compose.yaml.
        env: the environment, which Docker's client reads too.
        say: told what is being done.
        wait_s: how long the new app may take to become healthy; None: as its health check says.

    Raises:
        OutriderError: there is no new release; the old code serves on.
    """
    docker, compose = find_docker(env, folder)
    steps = release(folder, wait_s)
    told = None
    while True:
        try:
            action = next(steps) if told is None else steps.send(told)
        except StopIteration:
            return
        told = process.Finished(code=0, output="")
        match action:
            case Docker(words, timeout_s):
                told = process.run([*docker, *words], env=env, cwd=folder, timeout_s=timeout_s)
            case Compose(words, timeout_s):
                told = process.run([*compose, *words], env=env, cwd=folder, timeout_s=timeout_s)
            case Pause(seconds):
                time.sleep(seconds)
                told = process.Finished(code=0, output=str(time.monotonic()))
            case Say(text):
                say(text)


def find_docker(env: Mapping[str, str], folder: str) -> tuple[list[str], list[str]]:
    """Return how Docker's client and Compose are called here.

    Raises:
        OutriderError: one of them is missing, or the engine does not answer.
    """
    client = shutil.which("docker", path=env.get("PATH"))
    if client is None:
        raise errors.no_docker()
    words = [client, "version", "--format", "{{.Server.Version}}"]
    said = process.run(words, env=env, cwd=folder, timeout_s=_LOOK_S)
    if said.code != 0:
        if "permission denied" in said.output:
            raise errors.docker_forbidden(said.output.strip())
        raise errors.no_docker_engine(said.output.strip())
    plugin = process.run([client, "compose", "version"], env=env, cwd=folder, timeout_s=_LOOK_S)
    if plugin.code == 0:
        return [client], [client, "compose"]
    alone = shutil.which("docker-compose", path=env.get("PATH"))
    if alone is None:
        raise errors.no_compose("`docker compose` is no command, and there is no docker-compose")
    version = process.run([alone, "version", "--short"], env=env, cwd=folder, timeout_s=_LOOK_S)
    if version.code != 0 or version.output.strip().removeprefix("v").startswith("1."):
        raise errors.no_compose(f"{alone} is version {version.output.strip()}")
    return [client], [alone]
