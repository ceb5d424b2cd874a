"""Projects that no container image can be made of."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence


def no_dependencies(directory: str, python: str, has: str) -> OutriderError:
    """No file says what the project needs, so nothing can be installed into an image."""
    return OutriderError(
        "no-dependencies",
        "nothing says what this project needs to be installed",
        found=[
            f"{directory} has no requirements.txt, lock file, or pyproject.toml with dependencies",
            f"the Python that runs it here has {has}",
        ],
        fix=[
            f"{shlex.quote(python)} -m pip freeze --exclude-editable > requirements.txt",
            "then delete from that file what the project does not need",
        ],
        exit_code=Exit.FILES,
    )


def no_python_image(asked: str, source: str, images: Sequence[str]) -> OutriderError:
    """The project asks for a Python that has no official image."""
    return OutriderError(
        "no-python-image",
        f"there is no image of Python for {asked}",
        found=[f"{source} asks for {asked}", f"there are images of {', '.join(images)}"],
        fix=[f"ask for one of these in {source}, the newest if the project runs on it"],
        exit_code=Exit.SETTINGS,
    )


def password_in_file(name: str, host: str) -> OutriderError:
    """A password for a package index stands in a file that would be copied into the image."""
    return OutriderError(
        "password-in-file",
        f"{name} has a password in it, which would be in the image",
        found=[f"it is that for the package index at {host}"],
        fix=[
            f"write its URL without user and password into {name}, and change the password",
            "then give it to the build as a secret; how is told by the next export",
        ],
        exit_code=Exit.FILES,
    )


def folder_outside_image(url: str, directory: str, source: str, project: str) -> OutriderError:
    """A static folder lies outside the project, which is all that a build is given."""
    return OutriderError(
        "folder-outside-image",
        f"the folder for {url} is not in the project, so that no image can have it",
        found=[f"{directory}, named by {source}", f"the build is given {project}"],
        fix=[
            "move it into the project, or copy it there before each build",
            f"or run this from a folder that holds both, with  --directory {shlex.quote(project)}",
        ],
        exit_code=Exit.FILES,
    )


def service_name_taken(name: str) -> OutriderError:
    """An extra process that is called as one of the services that Compose needs anyway."""
    return OutriderError(
        "service-name-taken",
        f"an extra process cannot be called {name!r} in a Compose project",
        found=["there is a service of that name already"],
        fix=["give it another name in [processes]"],
        exit_code=Exit.SETTINGS,
    )


def several_in_containers(count: int) -> OutriderError:
    """Several sites are described, and a Compose project is made of one."""
    return OutriderError(
        "several-in-containers",
        f"containers are written out for one site, and there are {count}",
        found=["the configuration file has [[site]] tables"],
        fix=["export each from its own folder, and put a proxy of yours in front of them"],
        exit_code=Exit.SETTINGS,
    )
