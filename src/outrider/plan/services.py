"""Which containers a site needs: databases, extra processes, one-off steps beside app and proxy."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider import errors
from outrider.databases import DATABASES
from outrider.plan.ledger import Ledger
from outrider.plan.taken import Taken
from outrider.settings import Settings
from outrider.site import Service, Stack, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outrider.databases import Database
    from outrider.site import Image, Site
    from outrider.values import Address

RELEASE = "release"
PROXY_CPUS, PROXY_MEMORY_MB = "0.5", 128
STOP_S = 10
"""What a container may take to stop after all time limits inside it are over."""
_SECRET = re.compile(r"(^|_)SECRET(_KEY)?$")

_AS_BEFORE = Taken()
"""Nothing: there was no Compose project."""
_SCHEMES = {
    # SQLAlchemy takes another driver only when the URL names it:
    # https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls
    "postgres": (
        ("psycopg2", ""),
        ("psycopg2-binary", ""),
        ("psycopg", "+psycopg"),
        ("asyncpg", "+asyncpg"),
        ("pg8000", "+pg8000"),
    ),
    "mariadb": (
        ("mysqlclient", ""),
        ("pymysql", "+pymysql"),
        ("aiomysql", "+aiomysql"),
        ("asyncmy", "+asyncmy"),
    ),
}


def databases_of(packages: frozenset[str]) -> tuple[Database, ...]:
    """Return the databases that a site's packages talk to."""
    return tuple(one for one in DATABASES if one.packages & packages)


def _all_databases(packages: frozenset[str], taken: Taken) -> tuple[Database, ...]:
    """Return those of the packages, in the place of which comes what was there before."""
    before = {_family(one) for one in taken.databases}
    new = [one for one in databases_of(packages) if _family(one) not in before]
    return (*taken.databases, *new)


def _family(database: Database) -> str:
    """Return what the drivers for it have in common."""
    return "mariadb" if database.name == "mysql" else database.name


def url(database: Database, name: str, packages: frozenset[str]) -> str:
    """Return a database's URL, with the password as a variable of Compose."""
    driver = ""
    if "sqlalchemy" in packages:
        known = _SCHEMES.get(_family(database), ())
        driver = next((suffix for package, suffix in known if package in packages), "")
    place = f"{database.host}:{database.port}"
    path = f"/{database.database or name}" if database.has_name else "/0"
    who = f"{database.login}:{_value(database.password)}"
    return f"{database.scheme}{driver}://{who}@{place}{path}{database.query}"


def variables_for(
    database: Database, name: str, packages: frozenset[str], known: Iterable[str], *, is_only: bool
) -> dict[str, str]:
    """Return what the app is told of a database, under the names that its source reads.

    Args:
        database: which.
        name: of the database in it.
        packages: of the app.
        known: the variables that the source names.
        is_only: no other kind could be meant by DATABASE_URL.
    """
    told = {
        rf"({_words(database)})_?(URL|URI|DSN)": url(database, name, packages),
        rf"({_words(database)}|DB)_?HOST(NAME)?": database.host,
        rf"({_words(database)}|DB)_?PORT": str(database.port),
        rf"({_words(database)}|DB)_?USER(NAME)?": database.login,
        rf"({_words(database)}|DB)_?PASS(WORD)?": _value(database.password),
        rf"({_words(database)}|DB)_?(NAME|DB|DATABASE)": database.database or name,
    }
    if is_only:
        told["(DATABASE|DB)_?(URL|URI|DSN)|SQLALCHEMY_DATABASE_URI"] = url(database, name, packages)
    if database.name == "redis":
        told[r"(CELERY_)?(BROKER|RESULT_BACKEND)(_URL)?|CACHE_URL"] = url(database, name, packages)
    found = {
        variable: value
        for variable in sorted(known)
        for pattern, value in told.items()
        if re.fullmatch(pattern, variable)
    }
    usual = "DATABASE_URL" if is_only else f"{database.name.upper()}_URL"
    return found or {usual: url(database, name, packages)}


def _words(database: Database) -> str:
    return {
        "postgres": "POSTGRES(QL)?|PG",
        "mariadb": "MYSQL|MARIADB",
        "mongo": "MONGO(DB)?",
        "redis": "REDIS",
    }[_family(database)]


def told_variables(
    name: str, packages: frozenset[str], known: frozenset[str], taken: Taken = _AS_BEFORE
) -> dict[str, str]:
    """Return what the app is told: where its databases are, and its secrets.

    Args:
        name: of the project.
        packages: of the app, as normalised names.
        known: the variables that its source names.
        taken: what it had before.
    """
    inside = re.sub(r"[^a-z0-9_]", "_", name)
    databases = _all_databases(packages, taken)
    named = known | taken.is_told | {key for key, _ in taken.environment}
    told: dict[str, str] = {}
    for database in databases:
        told |= variables_for(
            database, inside, packages, named, is_only=_is_only(database, databases)
        )
    fresh = {key: _value(key) for key in secrets_of(known) if key not in taken.is_told}
    return fresh | dict(taken.environment) | told


def secrets_of(known: frozenset[str]) -> list[str]:
    """Return the variables that hold a key which nobody needs to know."""
    return sorted(one for one in known if _SECRET.search(one))


def _is_only(database: Database, databases: tuple[Database, ...]) -> bool:
    """Tell whether DATABASE_URL can mean no other."""
    relational = [one for one in databases if one.name in ("postgres", "mariadb", "mysql")]
    return [database] == (relational or list(databases))


def _value(variable: str) -> str:
    """Return how Compose takes a value from .env, and refuses to start without it."""
    return f"${{{variable}:?see .env}}"


def project_name(text: str) -> str:
    """Return a name as Compose takes it for a project.

    https://docs.docker.com/reference/compose-file/version-and-name/#name-top-level-element
    """
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_") or "site"


def plan_stack(
    site: Site,
    image: Image,
    *,
    name: str,
    published: Address,
    packages: frozenset[str],
    known: frozenset[str],
    release: tuple[str, ...] = (),
    taken: Taken = _AS_BEFORE,
) -> Stack:
    """Decide which containers a site needs, and what each is told.

    Args:
        site: as planned for containers.
        image: of the app.
        name: of the project.
        published: where the proxy is reached from outside.
        packages: of the app, as normalised names.
        known: the variables that the app's source names.
        release: the command that runs once before each release.
        taken: what a Compose project before it had.

    Raises:
        OutriderError: an extra process has the name of one of our services.
    """
    ledger = Ledger(Settings())
    inside = re.sub(r"[^a-z0-9_]", "_", name)
    databases = _all_databases(packages, taken)
    names = taken.names
    told = told_variables(name, packages, known, taken)
    named = known | taken.is_told | {key for key, _ in taken.environment}
    for database in databases:
        said = variables_for(
            database, inside, packages, named, is_only=_is_only(database, databases)
        )
        ledger.note(
            database.host,
            database.image,
            "the dependencies",
            f"{', '.join(sorted(database.packages & packages)) or 'as before'}; "
            f"the app finds it in {', '.join(said)}",
        )
    media = _media(site, taken)
    data = tuple(one for one in taken.data if one.directory not in {v.directory for v in media})
    ready = tuple((one.host, "service_healthy") for one in databases)
    released = ((RELEASE, "service_completed_successfully"),) if release else ()
    app = Service(
        name=names.app,
        role="app",
        title=f"{site.process.server.title} with the app.",
        environment=(("WEB_CONCURRENCY", str(site.workers.count)), *told.items()),
        env_files=tuple(dict.fromkeys((*taken.env_files, ".env"))),
        volumes=(*media, *data),
        after=(*ready, *released),
        networks=(names.web, *((names.data,) if databases else ())),
        cpus=str(image.cpus),
        memory_mb=image.memory_bytes // 2**20,
    )
    # Whatever runs in the app's image beside it, with what the app is told.
    other = replace(app, environment=tuple(told.items()))
    services = [_database(one, inside, names.data) for one in databases]
    if release:
        ledger.note(RELEASE, shlex.join(release), "the project", "before each release, once")
        title = "Runs once before the app starts, and must succeed."
        services.append(
            replace(other, name=RELEASE, role="release", title=title, command=release, after=ready)
        )
    services.append(app)
    for extra in site.extras:
        if extra.name in (*(one.name for one in services), names.proxy):
            raise errors.service_name_taken(extra.name)
        title = "The same image with another command."
        services.append(
            replace(other, name=extra.name, role="extra", title=title, command=extra.argv)
        )
    services.append(
        Service(
            name=names.proxy,
            role="proxy",
            title="Nginx, and this build's static files: the only port that is published.",
            volumes=tuple(replace(one, is_read_only=True) for one in media),
            after=((names.app, "service_healthy"),),
            networks=(names.web,),
            cpus=PROXY_CPUS,
            memory_mb=PROXY_MEMORY_MB,
        )
    )
    return Stack(
        name=name,
        site=site,
        published=published,
        services=tuple(services),
        secrets=_secrets(known, databases, taken),
        stop_s=site.limits.drain_timeout_s + STOP_S,
        names=names,
        engine_names=tuple(
            (volume, known_as)
            for volume, known_as in taken.volumes
            if known_as != f"{name}_{volume}"
        ),
        decisions=(*taken.decisions, *ledger.decisions),
    )


def _secrets(known: frozenset[str], databases: Iterable[Database], taken: Taken) -> tuple[str, ...]:
    """Return what .env must have; what the app is told by a file of its own, it need not."""
    own = [name for name in secrets_of(known) if name not in taken.is_told]
    passwords = [one.password for one in databases]
    return tuple(dict.fromkeys((*own, *(name for name, _ in taken.secrets), *passwords)))


def _media(site: Site, taken: Taken) -> tuple[Volume, ...]:
    folders = [mount.directory for mount in site.mounts if mount.kind == "media"]
    before = {one.directory: one for one in taken.data}
    return tuple(
        before.get(folder)
        or Volume(name="media" if number == 0 else f"media-{number + 1}", directory=folder)
        for number, folder in enumerate(folders)
    )


def _database(database: Database, project: str, network: str) -> Service:
    password = _value(database.password)
    name = database.database or project
    return Service(
        name=database.host,
        role="database",
        title=f"{database.title}: {database.source}",
        image=database.image,
        command=database.command,
        environment=tuple(
            (key, value.format(name=name, password=password)) for key, value in database.environment
        ),
        volumes=tuple(
            Volume(name=source, directory=place, is_folder=source.startswith(("/", ".", "~")))
            for source, place in database.folders
        ),
        temporary=database.temporary,
        health=("CMD", *(word.replace("{name}", name) for word in database.health)),
        user=database.user,
        memory_mb=database.memory_mb,
        networks=(network,),
    )
