"""Faults of a Dockerfile, and of how it starts the app."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outrider.plan.faults.fault import Fault
from outrider.plan.image import PYTHONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.handwritten import StartingPoint
    from outrider.plan.roles import Roles


def runs_as_root(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/build/building/best-practices/#user."""
    users = [start.dockerfile.user if start.dockerfile else None, roles.app and roles.app.user]
    said = [user for user in users if user]
    if start.dockerfile and (not said or said[-1].partition(":")[0] in ("root", "0")):
        yield Fault(
            id="runs-as-root",
            where=_name(start),
            found="there is no USER",
            consequence="the app is root, and so is who finds a hole in it",
            instead="a user of its own, a read-only file system, and no capabilities",
        )


def old_python(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """https://devguide.python.org/versions/."""
    image = start.dockerfile.image if start.dockerfile else ""
    version = re.search(r"(?:^|/)python:(\d+)\.(\d+)", image)
    if version and (int(version[1]), int(version[2])) < PYTHONS[0]:
        yield Fault(
            id="old-python",
            where=_name(start),
            found=f"FROM {image}",
            consequence=f"Python {version[1]}.{version[2]} gets no security fixes any more",
            instead="the Python that the project asks for, else the one that runs it here",
        )


def development_server(_: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://flask.palletsprojects.com/en/stable/deploying/."""
    if roles.command.is_for_development:
        yield Fault(
            id="development-server",
            where=roles.command_source,
            found="the app is started with the server of its framework",
            consequence="it is neither fast nor safe, and its makers say so",
            instead="an application server, Gunicorn unless --server names another",
        )


def fixed_workers(_: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://gunicorn.org/reference/settings/#workers."""
    workers = roles.command.option("-w", "--workers", "--processes", "-p")
    if roles.command.program and workers.isdigit():
        yield Fault(
            id="fixed-workers",
            where=roles.command_source,
            found=f"{workers} workers, whatever the machine",
            consequence="idle cores on a large one, exhausted memory on a small one",
            instead="as many as the container's limits allow; compose.yaml has both",
        )


def no_timeout(_: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://gunicorn.org/reference/settings/#timeout."""
    command = roles.command
    if command.program == "gunicorn" and not command.option("-t", "--timeout", "-c", "--config"):
        yield Fault(
            id="no-timeout",
            where=roles.command_source,
            found="nothing says how long a request may take, nor how a worker ends",
            consequence="Gunicorn kills after 30 s what Nginx still waits for",
            instead="limits that belong together: the worker's first, then Nginx's, then the "
            "container's",
        )


def no_request_log(_: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://gunicorn.org/reference/settings/#accesslog."""
    command = roles.command
    log = command.option("--access-logfile")
    if command.program == "gunicorn" and log != "-" and not command.option("-c", "--config"):
        yield Fault(
            id="no-request-log",
            where=roles.command_source,
            found=f"requests are logged to {log}" if log else "requests are logged nowhere",
            consequence="a file in the container fills the disk" if log else "nobody sees a fault",
            instead="one line per request, Nginx's, with the time that the app took",
        )


def _name(start: StartingPoint) -> str:
    return start.dockerfile.path.rpartition("/")[2] if start.dockerfile else ""


FAULTS = (
    runs_as_root,
    old_python,
    development_server,
    fixed_workers,
    no_timeout,
    no_request_log,
)
