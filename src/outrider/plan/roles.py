"""Which service of a Compose file written by hand is what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider import errors
from outrider.plan.server_command import ServerCommand, understand

if TYPE_CHECKING:
    from outrider.handwritten import ComposeService, Directive, StartingPoint

PROXIES = (
    *("nginx", "nginx-unprivileged", "openresty", "nginx-proxy", "jwilder", "traefik", "caddy"),
    *("httpd", "haproxy", "envoy", "nginx-proxy-manager"),
)
DATABASES = {
    "postgres": "postgres",
    "postgis": "postgres",
    "timescaledb": "postgres",
    "pgvector": "postgres",
    "mariadb": "mariadb",
    "mysql": "mysql",
    "mysql-server": "mysql",
    "percona": "mysql",
    "mongo": "mongo",
    "redis": "redis",
    "valkey": "redis",
}
"""The kind of a database by the last word of its image's name."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The services of a Compose file by what they are."""

    app: ComposeService | None = None
    proxy: ComposeService | None = None
    databases: tuple[tuple[str, ComposeService], ...] = ()
    """Each with its kind."""
    others: tuple[ComposeService, ...] = ()
    command: ServerCommand = field(default_factory=ServerCommand)
    """How the app is served."""
    command_source: str = ""


def decide_roles(start: StartingPoint, asked: str | None = None) -> Roles:
    """Tell what each service is.

    Args:
        start: what was found.
        asked: the service that is the app, if somebody says so.

    Raises:
        OutriderError: several services could be the app, or none.
    """
    if start.compose is None:
        command, source = _command(start, None)
        return Roles(command=command, command_source=source)
    services = start.compose.services
    databases = [(DATABASES[one.repository], one) for one in services if _is_database(one)]
    proxies = [one for one in services if one.repository in PROXIES]
    taken = {one.name for one in (*proxies, *(one for _, one in databases))}
    rest = [one for one in services if one.name not in taken]
    app = _app(start, rest, proxies, asked)
    command, source = _command(start, app)
    return Roles(
        app=app,
        proxy=proxies[0] if proxies else None,
        databases=tuple(databases),
        others=tuple(one for one in (*rest, *proxies[1:]) if one != app),
        command=command,
        command_source=source,
    )


def _is_database(service: ComposeService) -> bool:
    return service.repository in DATABASES


def upstreams(start: StartingPoint) -> list[tuple[Directive, str, str]]:
    """Return where Nginx passes requests: the directive, and host and port as written there."""
    servers = {
        block.words[0]: [one.words[0] for one in block.inside("server") if one.words]
        for block in start.all("upstream")
        if block.words
    }
    found: list[tuple[Directive, str, str]] = []
    for one in start.all("proxy_pass", "uwsgi_pass"):
        place = urlsplit(one.words[0] if "://" in one.words[0] else f"//{one.words[0]}").netloc
        for named in servers.get(place, [place]):
            host, _, port = named.partition(":")
            found.append((one, host, port or "80"))
    return found


def _app(
    start: StartingPoint,
    rest: list[ComposeService],
    proxies: list[ComposeService],
    asked: str | None,
) -> ComposeService | None:
    assert start.compose is not None
    path = start.compose.path
    if asked is not None:
        named = next((one for one in rest if one.name == asked), None)
        if named is None:
            raise errors.no_service(path, asked, [one.name for one in rest])
        return named
    behind = {host for _, host, _ in upstreams(start)}
    after = {name for one in proxies for name in one.after}
    ways = (
        rest,
        [one for one in rest if one.name in behind],
        [one for one in rest if one.name in after],
        [one for one in rest if understand(one.command).program],
        [one for one in rest if one.build and not one.command],
    )
    for found in ways:
        if len(found) == 1:
            return found[0]
    if rest:
        raise errors.which_service(path, [one.name for one in rest])
    if not proxies:
        raise errors.no_service(path, "", [one.name for one in start.compose.services])
    return None


def _command(start: StartingPoint, app: ComposeService | None) -> tuple[ServerCommand, str]:
    """Return how the app is served, and who says so: Compose before the image."""
    if app is not None and app.command:
        found = understand(app.command)
        if found.program or found.is_for_development:
            return found, f"service {app.name}"
    if start.dockerfile is not None:
        found = understand(start.dockerfile.command)
        where = f"{re.split('/', start.dockerfile.path)[-1]}:{start.dockerfile.line}"
        return found, where
    return ServerCommand(), ""
