"""Faults of a Compose file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outrider.databases import SUPPORTED_FROM
from outrider.plan.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outrider.handwritten import ComposeService, StartingPoint
    from outrider.plan.roles import Roles

_STATIC = re.compile(r"(static|assets|public|dist|staticfiles|static_?root)$", re.IGNORECASE)
_PASSWORDS = {
    "mongo": ("MONGO_INITDB_ROOT_PASSWORD", "MONGO_INITDB_ROOT_PASSWORD_FILE"),
    "postgres": ("POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"),
    "mariadb": ("MARIADB_PASSWORD", "MYSQL_PASSWORD", "MARIADB_ROOT_PASSWORD"),
    "mysql": ("MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD_FILE"),
    "redis": ("REDIS_PASSWORD", "REDISCLI_AUTH"),
}


def static_in_volume(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/engine/storage/volumes/#mounting-a-volume-over-existing-data."""
    for name in shared_static(roles):
        yield Fault(
            id="static-in-volume",
            where=_name(start),
            found=f"volume {name} carries static files from the app to the proxy",
            consequence="it is filled once: after every new image browsers get the old CSS",
            instead="the proxy's image has the static files of the same build",
        )


def shared_static(roles: Roles) -> list[str]:
    """Return the volumes with which the proxy gets the app's static files."""
    if roles.app is None or roles.proxy is None:
        return []
    sent = {one.source for one in roles.proxy.mounts if not one.is_path}
    return [
        one.source
        for one in roles.app.mounts
        if one.source in sent and _STATIC.search(one.target.rstrip("/"))
    ]


def mixed_volume(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """One volume for the site's own files and for those of its users."""
    if roles.proxy is None:
        return
    places: dict[str, list[str]] = {}
    for one in roles.proxy.mounts:
        places.setdefault(one.source, []).append(one.target)
    for name, targets in places.items():
        if name and len(targets) > 1:
            yield Fault(
                id="mixed-volume",
                where=_name(start),
                found=f"{name} is mounted as {' and as '.join(targets)}",
                consequence="uploads lie among the site's own files, each under both addresses",
                instead="uploads have a volume of their own, and nothing in it is active",
            )


def no_restart(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/engine/containers/start-containers-automatically/."""
    if names := [one.name for one in _own(roles) if not one.restarts]:
        yield Fault(
            id="no-restart",
            where=_name(start),
            found=f"{_listed(names)} without `restart`",
            consequence="after a crash or a reboot the site stays away",
            instead="restart: unless-stopped",
        )


def no_health_check(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/reference/compose-file/services/#healthcheck."""
    if names := [one.name for one in _own(roles) if not one.has_health]:
        yield Fault(
            id="no-health-check",
            where=_name(start),
            found=f"{_listed(names)} without a health check",
            consequence="what hangs is taken for what works",
            instead="each is asked whether it answers, without curl",
        )


def no_start_order(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/compose/how-tos/startup-order/."""
    pairs = [(roles.proxy, roles.app)]
    pairs += [(roles.app, one) for _, one in roles.databases]
    missing = [
        f"{who.name} does not wait for {whom.name}"
        for who, whom in pairs
        if who and whom and whom.name not in who.after
    ]
    if missing:
        yield Fault(
            id="no-start-order",
            where=_name(start),
            found=", ".join(missing),
            consequence="502 at every boot until all have happened to be ready",
            instead="each waits until those that it needs are healthy",
        )


def old_database(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://endoflife.date has each one's dates."""
    for kind, one in roles.databases:
        version = version_of(one)
        if version and version < SUPPORTED_FROM[kind]:
            yield Fault(
                id="old-database",
                where=_name(start),
                found=f"{one.name} is {one.image}",
                consequence="it gets no security fixes any more, and some day drivers refuse it",
                instead="the version is kept, because its data was written by it; a warning tells "
                "how to go on",
                is_corrected=False,
            )


def version_of(service: ComposeService) -> tuple[int, ...]:
    """Return the version in an image's tag, `(3, 2)` of `mongo:3.2-xenial`; empty: it has none."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", service.tag)
    return tuple(map(int, match[1].split("."))) if match else ()


def no_password(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """Whoever reaches its port reads everything."""
    for kind, one in roles.databases:
        in_command = any("requirepass" in word for word in one.command)
        if not in_command and not any(one.variables.get(name) for name in _PASSWORDS[kind]):
            yield Fault(
                id="no-password",
                where=_name(start),
                found=f"{one.name} has no password",
                consequence="whatever else is in its network reads and writes everything",
                instead="a password in .env, which nobody else can read",
            )


def beside_the_proxy(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """Who breaks into the proxy is in the network of the data."""
    near = set(roles.proxy.networks) if roles.proxy else set()
    if names := [one.name for _, one in roles.databases if near & set(one.networks)]:
        yield Fault(
            id="beside-the-proxy",
            where=_name(start),
            found=f"{_listed(names)} in a network with the proxy",
            consequence="the part that faces the world reaches the data, and the data the world",
            instead="a network of its own for data, which leads nowhere else",
        )


def published_database(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/engine/network/packet-filtering-firewalls/."""
    for _, one in roles.databases:
        ports = [port.published for port in one.ports if port.host not in ("127.0.0.1", "::1")]
        if ports:
            yield Fault(
                id="published-database",
                where=_name(start),
                found=f"{one.name} publishes port {_listed(ports)}",
                consequence="it is open to the Internet, past the rules of the firewall",
                instead="nothing but the proxy is published; for a look:  docker compose exec",
            )


def log_without_limit(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/engine/logging/drivers/json-file/."""
    if names := [one.name for one in _own(roles) if not one.has_log_limits]:
        yield Fault(
            id="log-without-limit",
            where=_name(start),
            found=f"{_listed(names)} without a limit on its log",
            consequence="Docker keeps all of it until the disk is full",
            instead="five files of 10 MB each",
        )


def _own(roles: Roles) -> list[ComposeService]:
    """Return the services that are taken over."""
    found = [roles.app, *(one for _, one in roles.databases), roles.proxy]
    return [one for one in found if one]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _name(start: StartingPoint) -> str:
    return start.compose.path.rpartition("/")[2] if start.compose else ""


FAULTS = (
    mixed_volume,
    static_in_volume,
    no_restart,
    no_health_check,
    no_start_order,
    old_database,
    no_password,
    beside_the_proxy,
    published_database,
    log_without_limit,
)
