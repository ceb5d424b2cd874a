"""What a release with Docker needs, and why a new one does not serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence

_OLD_SERVES = "the old code still serves, and no request was lost"


def no_docker() -> OutriderError:
    """There is no client of Docker."""
    return OutriderError(
        "no-docker",
        "there is no `docker` command",
        found=["none in PATH"],
        fix=["install Docker: https://docs.docker.com/engine/install/"],
        exit_code=Exit.DOCKER,
    )


def no_docker_engine(said: str) -> OutriderError:
    """Docker's engine does not answer its client."""
    return OutriderError(
        "no-docker-engine",
        "the Docker engine does not answer",
        found=[said],
        fix=[
            "start it:  sudo systemctl start docker",
            "or, if it runs elsewhere, say where in DOCKER_HOST",
        ],
        exit_code=Exit.DOCKER,
    )


def docker_forbidden(said: str) -> OutriderError:
    """This user may not use the socket of Docker's engine."""
    return OutriderError(
        "docker-forbidden",
        "you may not use the Docker engine",
        found=[said],
        fix=[
            "run this with sudo",
            "or join its group, which is as powerful as root:  sudo usermod -aG docker $USER",
        ],
        exit_code=Exit.DOCKER,
    )


def no_compose(found: str) -> OutriderError:
    """Docker has no Compose, or version 1 of it."""
    return OutriderError(
        "no-compose",
        "there is no Docker Compose of version 2 or newer",
        found=[found],
        fix=["install it: https://docs.docker.com/compose/install/"],
        exit_code=Exit.DOCKER,
    )


def no_compose_project(folder: str, said: str) -> OutriderError:
    """Compose finds no project in the folder, or one that it cannot read."""
    return OutriderError(
        "no-compose-project",
        f"Compose can read no project in {folder}",
        found=[said],
        fix=[
            "write one:  outrider export compose",
            "or run this in the folder of compose.yaml",
        ],
        exit_code=Exit.FILES,
    )


def not_our_project(folder: str, services: Sequence[str]) -> OutriderError:
    """The Compose project is none that `outrider export compose` has written."""
    return OutriderError(
        "not-our-project",
        f"the Compose project in {folder} is not one of Outrider's",
        found=[
            f"its services are {', '.join(services)}",
            "a release needs services built from the targets `app` and `proxy`, and their network",
            "and a volume of the proxy for /run/outrider",
        ],
        fix=["write one:  outrider export compose"],
        exit_code=Exit.FILES,
    )


def build_failed(said: str) -> OutriderError:
    """The images of the new release cannot be built."""
    fix = "put right what the build complains about, and run this again"
    if "requires BuildKit" in said:
        fix = "Compose found no buildx; install it: https://github.com/docker/buildx#installing"
    return OutriderError(
        "build-failed",
        "the images of the new release cannot be built",
        found=[said, _OLD_SERVES],
        fix=[fix],
        exit_code=Exit.BOOT,
    )


def release_step_failed(service: str, said: str) -> OutriderError:
    """What runs once before each release has failed, a migration for instance."""
    return OutriderError(
        "release-step-failed",
        "the release step has failed",
        found=[said or "it said nothing", _OLD_SERVES],
        fix=[f"put it right and run this again; alone it is  docker compose run --rm {service}"],
        exit_code=Exit.BOOT,
    )


def new_app_fails(why: str, said: str) -> OutriderError:
    """The new app's container has ended, or its health check fails; it is removed."""
    return OutriderError(
        "new-app-fails",
        f"the new app does not serve: {why}",
        found=[said or "it said nothing", _OLD_SERVES],
        fix=["put the app right and run this again"],
        exit_code=Exit.BOOT,
    )


def docker_refuses(what: str, said: str) -> OutriderError:
    """A command that a release consists of has failed in the middle of it."""
    return OutriderError(
        "docker-refuses",
        f"`{what}` has failed",
        found=[said or "it said nothing"],
        fix=["put that right and run this again: it goes on from whatever there is"],
        exit_code=Exit.DOCKER,
    )
