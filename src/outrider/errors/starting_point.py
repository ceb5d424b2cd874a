"""Files that were written by hand and cannot be a starting point."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence


def no_starting_point(directory: str, why: str) -> OutriderError:
    """The folder of --from has nothing to start from."""
    return OutriderError(
        "no-starting-point",
        f"there is nothing to start from in {directory}",
        found=[why],
        fix=[
            "name the folder that holds docker-compose.yml:  --from DIR",
            "or start from the app alone:  outrider export compose",
        ],
        exit_code=Exit.FILES,
    )


def bad_starting_file(path: str, why: str) -> OutriderError:
    """A file to start from is not to be read as text."""
    return OutriderError(
        "bad-starting-file",
        f"{path} cannot be read",
        found=[why],
        fix=["make it readable, or move it away"],
        exit_code=Exit.FILES,
    )


def bad_compose_file(path: str, why: str) -> OutriderError:
    """What is called a Compose file is none."""
    return OutriderError(
        "bad-compose-file",
        f"{path} is no Compose file",
        found=[why],
        fix=[f"see what Compose says of it:  docker compose -f {shlex.quote(path)} config"],
        exit_code=Exit.FILES,
    )


def bad_nginx_file(path: str, line: int, why: str) -> OutriderError:
    """A configuration file that Nginx would not read either."""
    return OutriderError(
        "bad-nginx-file",
        f"{path} is no configuration of Nginx",
        found=[f"line {line}: {why}"],
        fix=["put it right, or move it away"],
        exit_code=Exit.FILES,
    )


def needs_yaml(path: str) -> OutriderError:
    """There is a Compose file to read, and no package that reads YAML."""
    return OutriderError(
        "needs-yaml",
        f"{path} cannot be read without the package PyYAML",
        found=["it is not installed beside Outrider, which needs it only here"],
        fix=["pip install 'outrider[compose]'"],
        exit_code=Exit.FILES,
    )


def which_service(path: str, names: Sequence[str]) -> OutriderError:
    """Several services of a Compose file could be the app."""
    return OutriderError(
        "which-service",
        "several services could be the app",
        found=[
            f"{path} has {', '.join(names)}",
            "none of them is the only one that Nginx, or a command line, tells from the others",
        ],
        fix=[f"name it:  --service {names[0]}"],
        exit_code=Exit.SETTINGS,
    )


def no_service(path: str, asked: str, names: Sequence[str]) -> OutriderError:
    """A Compose file has no service that could be the app."""
    return OutriderError(
        "no-service",
        f"{path} has no service {asked!r}" if asked else f"no service of {path} could be the app",
        found=[f"it has {', '.join(names)}" if names else "it has none at all"],
        fix=[
            "name one of these:  --service NAME"
            if asked
            else "start from the app alone:  outrider export compose"
        ],
        exit_code=Exit.SETTINGS,
    )


def built_elsewhere(service: str, build: str, project: str) -> OutriderError:
    """The app of a Compose file is built from another folder than this project."""
    return OutriderError(
        "built-elsewhere",
        f"service {service!r} is not built from this project",
        found=[f"it is built from {build}", f"the project is {project}"],
        fix=[
            f"name the project of that service:  --directory {shlex.quote(build)}"
            if "://" not in build
            else "clone it, and run this in the clone",
            "or name the service of this project:  --service NAME",
        ],
        exit_code=Exit.SETTINGS,
    )


def service_without_from(asked: str) -> OutriderError:
    """A service is named, and no Compose file that could have it."""
    return OutriderError(
        "service-without-from",
        f"--service {asked} names a service of no file",
        found=["it tells which service in --from is the app"],
        fix=["name the folder as well:  --from DIR", "or leave --service away"],
        exit_code=Exit.SETTINGS,
    )
