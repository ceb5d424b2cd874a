"""The application servers that can run the app, one row each, and what each of them can do.

Only what is decided by the server stands here. How it is configured stands in its template.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT = "gunicorn"
OUTRIDER, SYNC, GTHREAD = "outrider", "sync", "gthread"
WORKER_CLASSES = (OUTRIDER, SYNC, GTHREAD)
"""Gunicorn's workers for WSGI apps; the first is ours: docs/explanation/worker.md."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """An application server: what it is called, and what it can do."""

    name: str
    """As the setting `server` names it."""
    title: str
    package: str
    """The distribution that has to be in the app's environment."""
    floor: str
    """The oldest version that may be used."""
    floor_why: str
    floor_source: str
    interfaces: tuple[str, ...]
    """`wsgi`, `asgi`: what it serves, as it stands in the package."""
    asgi_floor: str = "0"
    """The oldest version that may be used for an ASGI app."""
    threaded: tuple[str, ...] = ()
    """Of these: for which the number of threads in a worker can be chosen."""
    protocol: str = "http"
    """What Nginx speaks with it: `http` (proxy_pass) or `uwsgi` (uwsgi_pass)."""
    has_processes: bool = True
    """It can run more than one worker process, and replaces one that dies."""
    inherits_socket: bool = True
    """It serves on the socket that the supervisor has bound; else it binds its own at that path."""
    reloads: bool = True
    """It can replace its workers one by one, for new code, on SIGHUP."""
    recycles: tuple[str, ...] = ()
    """The limits after which it replaces a worker, as the settings name them."""
    ends_requests: str | None = None
    """How it ends a request that hangs; None: it does not."""
    marks_truncation: bool = True
    """When the app fails in the middle of a body of unknown length, the client can tell."""
    options: str
    """Where its options are described."""
    websockets: str | None = None
    """What it needs for WebSockets, `""` for nothing more; None: it has none."""

    @property
    def config(self) -> str:
        """The file that it is started with, in the run directory."""
        return f"{self.name}.conf.py"

    @property
    def interface_names(self) -> str:
        """`WSGI and ASGI`, for messages."""
        return " and ".join(interface.upper() for interface in self.interfaces)

    def is_safe(self, version: str | None) -> bool:
        """Tell whether this version may be used."""
        return version is not None and _parts(version) >= _parts(self.floor)

    def is_safe_for_asgi(self, version: str | None) -> bool:
        """Tell whether this version may be used for an ASGI app."""
        return version is not None and _parts(version) >= _parts(self.asgi_floor)


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server(
            name="gunicorn",
            title="Gunicorn",
            package="gunicorn",
            options="https://gunicorn.org/reference/settings/",
            floor="23.0.0",
            floor_why="below, requests can be smuggled, or SCRIPT_NAME is taken from anyone",
            floor_source="https://github.com/advisories/GHSA-w3h3-4rj7-4ph4",
            interfaces=("wsgi", "asgi"),
            # What is wrong with older ones: docs/explanation/asgi-workers.md
            asgi_floor="27.0.0",
            threaded=("wsgi",),
            recycles=("max_requests", "max_age", "max_memory"),
            ends_requests="with one thread the worker is replaced; with more, the request ends",
            websockets="",
        ),
        Server(
            name="uwsgi",
            title="uWSGI",
            package="pyuwsgi",
            options="https://uwsgi-docs.readthedocs.io/en/latest/Options.html",
            floor="2.0.26",
            floor_why="before, it may not end when the app cannot be loaded",
            floor_source="https://uwsgi-docs.readthedocs.io/en/latest/Changelog-2.0.26.html",
            interfaces=("wsgi",),
            threaded=("wsgi",),
            protocol="uwsgi",
            # It would start itself again, as a program that the package does not have.
            reloads=False,
            recycles=("max_requests", "max_age", "max_memory"),
            ends_requests="harakiri: the worker is replaced",
            marks_truncation=False,
        ),
        Server(
            name="granian",
            title="Granian",
            package="granian",
            options="https://github.com/emmett-framework/granian#options",
            floor="2.6.0",
            floor_why="the first that can keep its socket from other users",
            floor_source="https://github.com/emmett-framework/granian/releases/tag/v2.6.0",
            interfaces=("wsgi", "asgi"),
            threaded=("wsgi",),
            # There is no option for it: https://github.com/emmett-framework/granian#options
            inherits_socket=False,
            recycles=("max_age", "max_memory"),
            marks_truncation=False,
            websockets="",
        ),
        Server(
            name="uvicorn",
            title="Uvicorn",
            package="uvicorn",
            options="https://uvicorn.dev/settings/",
            floor="0.30.0",
            floor_why="the first that replaces a worker that has died",
            floor_source="https://uvicorn.dev/release-notes/#0300-may-28-2024",
            interfaces=("asgi",),
            recycles=("max_requests",),
            websockets="websockets or wsproto",
        ),
        Server(
            name="waitress",
            title="Waitress",
            package="waitress",
            options="https://docs.pylonsproject.org/projects/waitress/en/stable/arguments.html",
            floor="3.0.1",
            floor_why="below, a client can keep it busy for ever, or send a second request unseen",
            floor_source="https://github.com/Pylons/waitress/security/advisories/GHSA-3f84-rpwh-47g6",
            interfaces=("wsgi",),
            threaded=("wsgi",),
            has_processes=False,
            reloads=False,
        ),
    )
}


def able_to_serve(interface: str) -> list[Server]:
    """Return the servers for an interface, the default one first."""
    return [server for server in SERVERS.values() if interface in server.interfaces]


def _parts(version: str) -> tuple[int, ...]:
    """Return the numbers a version starts with: a pre-release counts as its release."""
    numbers: list[int] = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
