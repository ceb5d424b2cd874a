"""A database of a Compose file written by hand: it goes on with its data."""

from __future__ import annotations

import os.path
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider.databases import DATABASES, MYSQL, SUPPORTED_FROM, Database
from outrider.plan.faults.compose import version_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outrider.handwritten import ComposeService, StartingPoint
    from outrider.plan.ledger import Ledger
    from outrider.plan.roles import Roles

_ROWS = {one.name: one for one in (*DATABASES, MYSQL)}
_NAMES = {
    # What the official images call the user, the database and the password.
    "postgres": (("POSTGRES_USER",), ("POSTGRES_DB", "POSTGRES_USER"), ("POSTGRES_PASSWORD",)),
    "mariadb": (
        ("MARIADB_USER", "MYSQL_USER"),
        ("MARIADB_DATABASE", "MYSQL_DATABASE"),
        ("MARIADB_PASSWORD", "MYSQL_PASSWORD"),
    ),
    "mysql": (("MYSQL_USER",), ("MYSQL_DATABASE",), ("MYSQL_PASSWORD",)),
    "mongo": (("MONGO_INITDB_ROOT_USERNAME",), (), ("MONGO_INITDB_ROOT_PASSWORD",)),
    "redis": ((), (), ("REDIS_PASSWORD", "REDISCLI_AUTH")),
}
_USUAL_LOGIN = {"postgres": "postgres"}
_DUMPS = {
    "postgres": (
        "pg_dumpall --username {login}",
        "psql --username {login} --dbname postgres",
    ),
    "mariadb": (
        "sh -c 'mariadb-dump --all-databases -uroot -p\"$MARIADB_ROOT_PASSWORD\"'",
        "sh -c 'mariadb -uroot -p\"$MARIADB_ROOT_PASSWORD\"'",
    ),
    "mysql": (
        "sh -c 'mysqldump --all-databases -uroot -p\"$MYSQL_ROOT_PASSWORD\"'",
        "sh -c 'mysql -uroot -p\"$MYSQL_ROOT_PASSWORD\"'",
    ),
    "mongo": ("mongodump --archive", "mongorestore --archive"),
}
_MONGOSH = (6,)
"""From then on the image has no `mongo` any more: https://www.mongodb.com/docs/manual/release-notes/6.0/"""
_CACHE_IN_PARTS = (4,)
"""Before, --wiredTigerCacheSizeGB takes whole numbers only."""


def take_database(
    kind: str,
    service: ComposeService,
    start: StartingPoint,
    roles: Roles,
    output: str,
    ledger: Ledger,
) -> tuple[Database, dict[str, str]]:
    """Return how a database goes on, and what .env has to say for it.

    Args:
        kind: of the database.
        service: as it was.
        start: what all files say.
        roles: which service is what.
        output: where compose.yaml will be.
        ledger: is told what was decided.
    """
    usual = _ROWS[kind]
    logins, names, passwords = _NAMES[kind]
    said = service.variables
    login = _first(said, logins) or _USUAL_LOGIN.get(kind, usual.login)
    password = _first(said, passwords)
    variable, secrets = _password(usual, password)
    row = replace(
        usual,
        image=service.image or usual.image,
        service=service.name,
        login=login,
        health=tuple(login if word == usual.login else word for word in usual.health),
        database=_first(said, names) or _database_of_app(kind, service, roles),
        password=variable,
        environment=tuple(
            (key, login if value == usual.login else value) for key, value in usual.environment
        ),
    )
    row = _of_edition(kind, service, row)
    row = _with_folders(service, row, start, output, ledger)
    ledger.note("database", f"service {service.name}: {row.image}", "the services", "as it was")
    _note_version(kind, service, login, ledger)
    if kind == "mongo" and not password and service.mounts:
        _note_password(service, row, ledger)
    if kind != "redis" and not row.database:
        ledger.note(
            "database name",
            "that of the project",
            "a default",
            f"no file says what the database in {service.name} is called; where the app takes the "
            "name from its environment, write the old one into compose.yaml",
            warn=True,
        )
    return row, secrets


def _first(said: Mapping[str, str], names: Iterable[str]) -> str:
    return next((said[name] for name in names if said.get(name)), "")


def _password(usual: Database, value: str) -> tuple[str, dict[str, str]]:
    """Return the variable of .env that has the password, and its value where it is known."""
    match = re.fullmatch(r"\$(?:\{(\w+)(?::?-([^}]*))?[^}]*\}|(\w+))", value)
    if match is not None:
        name = match[1] or match[3]
        return name, {name: match[2]} if match[2] else {}
    # Compose takes `$$` for one `$`.
    is_plain = value and "$" not in value.replace("$$", "")
    return usual.password, {usual.password: value.replace("$$", "$")} if is_plain else {}


def _database_of_app(kind: str, service: ComposeService, roles: Roles) -> str:
    """Return the name in a URL by which the app was told of the database, or in a variable."""
    for name, value in (roles.app.variables if roles.app else {}).items():
        if kind != "redis" and "://" in value:
            url = urlsplit(re.sub(r"\$\{[^}]*\}", "x", value))
            if (url.netloc.rpartition("@")[2].partition(":")[0]) == service.name and url.path[1:]:
                return url.path[1:]
        if re.fullmatch(r"(MONGO(DB)?|DB|DATABASE)_?(NAME|DB|DATABASE|DBNAME)", name):
            return value
    return ""


def _of_edition(kind: str, service: ComposeService, row: Database) -> Database:
    """Return the same in the words of an older version."""
    version = version_of(service)
    if kind == "mongo" and version and version < _MONGOSH:
        row = replace(row, health=("mongo", *row.health[1:]))
    if kind == "mongo" and version and version < _CACHE_IN_PARTS:
        row = replace(row, command=())
    return row


def _with_folders(
    service: ComposeService, usual: Database, start: StartingPoint, output: str, ledger: Ledger
) -> Database:
    """Return where its data is, and who must be its user to read it."""
    owners = dict(start.paths)
    folders: list[tuple[str, str]] = []
    user = usual.user
    for one in service.mounts:
        if not one.source or one.target.startswith("/etc/"):
            continue
        source = moved(one.source, start, output)
        folders.append((source, one.target.rstrip("/")))
        ledger.note("data", f"{source}:{one.target}", f"service {service.name}", "nothing is lost")
        if one.is_path and one.target.rstrip("/") in _places(usual):
            user = _user(one.source, owners.get(one.source, "missing"), service, usual, ledger)
    there = {place for _, place in folders}
    covered = {
        place
        for _, place in usual.folders
        if any(place == one or place.startswith(f"{one}/") for one in there)
        or any(one.startswith(f"{place}/") for one in there)
    }
    rest = [(name, place) for name, place in usual.folders if place not in covered]
    if usual.folders[0] in rest:
        ledger.note(
            "data",
            f"none of {service.name} is kept",
            f"service {service.name}",
            f"it had no volume at {usual.folders[0][1]}, so that its data goes with its container;"
            " copy it out first",
            warn=True,
        )
    return replace(usual, folders=(*folders, *rest), user=user)


def _places(usual: Database) -> set[str]:
    places = {place for _, place in usual.folders}
    return places | {place.rpartition("/")[0] for place in places}


def _user(source: str, owner: str, service: ComposeService, usual: Database, ledger: Ledger) -> str:
    """Return who can write into a folder of the host; the container has no right to become it."""
    if owner not in ("missing", "0:0"):
        return owner
    what = "it is not there" if owner == "missing" else "it belongs to root"
    number = 70 if usual.name == "postgres" and "alpine" in service.tag else 999
    make = f"mkdir -p {source} && " if owner == "missing" else ""
    ledger.note(
        "data",
        source,
        "this machine",
        f"{what}, and is not made by itself, so that nobody takes an empty one for a loss; for a "
        f"new one:  {make}chown {number}:{number} {source}",
        warn=True,
    )
    return usual.user


def moved(path: str, start: StartingPoint, output: str) -> str:
    """Return a path of the old Compose file as it is called from the new one."""
    if not path.startswith("."):
        return path
    near = os.path.relpath(os.path.join(start.directory, path), output)  # noqa: PTH118 - pure
    return near if near.startswith("..") else f"./{near}"


def _note_version(kind: str, service: ComposeService, login: str, ledger: Ledger) -> None:
    version = version_of(service)
    usual = _ROWS[kind].image
    if not version:
        ledger.note(
            "version",
            service.image or service.name,
            f"service {service.name}",
            "any `docker pull` may bring one that cannot read the data; write its number",
            warn=True,
        )
    elif version < SUPPORTED_FROM[kind] and kind in _DUMPS:
        save, load = (one.format(login=login) for one in _DUMPS[kind])
        ledger.note(
            "version",
            service.image,
            f"service {service.name}",
            f"is out of support, and {usual} cannot read its data. Save it while the old one "
            f"runs:  docker compose exec -T {service.name} {save} > {service.name}.dump  Then "
            f"write {usual} with a new volume, and:  docker compose exec -T {service.name} {load} "
            f"< {service.name}.dump",
            warn=True,
        )


def _note_password(service: ComposeService, row: Database, ledger: Ledger) -> None:
    """https://www.mongodb.com/docs/manual/core/localhost-exception/."""
    create = (
        f'db.createUser({{user: \\"{row.login}\\", pwd: \\"$MONGO_INITDB_ROOT_PASSWORD\\", '
        'roles: [\\"root\\"]})'
    )
    ledger.note(
        "password",
        f"of {service.name}: new",
        ".env",
        "an empty folder gets it by itself. Data that is there has no user yet; once:  docker "
        f"compose up -d {service.name}  and  docker compose exec {service.name} sh -c "
        f"'{row.health[0]} admin --eval \"{create}\"'",
        warn=True,
    )
