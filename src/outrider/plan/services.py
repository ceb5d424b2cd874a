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
from outrider.stack import BuildSecret, Service, Stack, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outrider.databases import Database
    from outrider.facts import Variables
    from outrider.site import Site
    from outrider.stack import Image
    from outrider.values import Address

RELEASE = "release"
OUT = "out"
"""A network that is the way out. `outrider deploy compose` starts a new app without that of the
proxy, where Nginx would find it too early. `out` comes early in the alphabet, and so its gateway
stays the way out when the other comes or goes.
"""
PROXY_CPUS, PROXY_MEMORY_MB = "0.5", 128
STOP_S = 10
"""What a container may take to stop after all time limits inside it are over."""
_SECRET = re.compile(r"((DJANGO|FLASK|QUART|APP|SESSION|COOKIE|CSRF|JWT|SECURITY)_)?SECRET(_KEY)?")
"""Keys that the site alone has to know; others (STRIPE_SECRET_KEY) somebody else has given."""
_REFERENCE = re.compile(r"\$\{(\w+):\?[^}]*\}")
_OF_SQLALCHEMY = frozenset({"sqlalchemy", "flask-sqlalchemy", "sqlmodel"})
_FIT_FOR_URL = re.compile(r"[A-Za-z0-9._~-]*")
_AS_BEFORE = Taken()
"""Nothing: there was no Compose project."""


def databases_of(packages: frozenset[str]) -> tuple[Database, ...]:
    """Return the databases that a site's packages talk to."""
    return tuple(one for one in DATABASES if _clients(one, packages))


def _clients(database: Database, packages: frozenset[str]) -> list[str]:
    """Return which packages talk to a database; `celery[redis]` brings along what does."""
    extra = re.compile(rf".+\[({database.words})\]", re.IGNORECASE)
    return sorted(one for one in packages if one in database.packages or extra.fullmatch(one))


def _all_databases(packages: frozenset[str], taken: Taken) -> tuple[Database, ...]:
    """Return those of the packages, in the place of which comes what was there before."""
    before = {one.words for one in taken.databases}
    new = [one for one in databases_of(packages) if one.words not in before]
    return (*taken.databases, *new)


def _named(known: frozenset[str], taken: Taken) -> frozenset[str]:
    """Return the variables that the source names, and those that the app had before."""
    return known | taken.is_told | {key for key, _ in taken.environment}


def url(database: Database, name: str, packages: frozenset[str]) -> str:
    """Return a database's URL, with the password as a variable of Compose."""
    driver = ""
    if packages & _OF_SQLALCHEMY:
        # It takes another driver than its first only when the URL names it:
        # https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls
        known = (suffix for package, suffix in database.drivers if package in packages)
        driver = next(known, "")
    place = f"{database.host}:{database.port}"
    who = f"{database.login}:{_value(database.password)}"
    inner = (database.database or name) if database.has_name else "0"
    return f"{database.scheme}{driver}://{who}@{place}/{inner}{database.query}"


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
    whole = url(database, name, packages)
    inner = (database.database or name) if database.has_name else "0"
    words = rf"(?:{database.words}{'|DATABASE|DB' if is_only else ''})_?"
    told = {
        rf"{words}(URL|URI|DSN)": whole,
        rf"{words}HOST(NAME)?": database.host,
        rf"{words}PORT": str(database.port),
        rf"{words}USER(NAME)?": database.login,
        rf"{words}PASS(WORD)?": _value(database.password),
        rf"{words}(NAME|DB|DATABASE)": inner,
    }
    if is_only:
        told["SQLALCHEMY_DATABASE_URI"] = whole
    if database.name == "redis":
        told[r"(CELERY_)?(BROKER|RESULT_BACKEND)(_URL)?|CACHE_URL"] = whole
    found = {
        variable: value
        for variable in sorted(known)
        for pattern, value in told.items()
        if re.fullmatch(pattern, variable)
    }
    usual = "DATABASE_URL" if is_only else f"{database.name.upper()}_URL"
    return found or {usual: url(database, name, packages)}


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
    named = _named(known, taken)
    told: dict[str, str] = {}
    for database in databases:
        told |= variables_for(
            database, inside, packages, named, is_only=_is_only(database, databases)
        )
    fresh = {key: _value(key) for key in secrets_of(known) if key not in taken.is_told}
    return fresh | dict(taken.environment) | told


def secrets_of(known: frozenset[str]) -> list[str]:
    """Return the variables that hold a key which nobody needs to know."""
    return sorted(one for one in known if _SECRET.fullmatch(one))


def without_compose(told: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return what an app is told where no Compose puts in what `.env` says.

    Args:
        told: with references to variables of `.env`.
        known: values of these; another word stands for those that are not known.
    """
    return {
        name: _REFERENCE.sub(lambda match: known.get(match[1], "not-known-here"), value)
        for name, value in told.items()
    }


def _is_only(database: Database, databases: tuple[Database, ...]) -> bool:
    """Tell whether DATABASE_URL can mean no other."""
    relational = [one for one in databases if one.drivers]
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
    known: Variables,
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
        known: the variables that the app's source names, and its `.env`.
        release: the command that runs once before each release.
        taken: what a Compose project before it had.

    Raises:
        OutriderError: an extra process has the name of one of our services.
    """
    ledger = Ledger(Settings())
    inside = re.sub(r"[^a-z0-9_]", "_", name)
    databases = _all_databases(packages, taken)
    names = taken.names
    told = told_variables(name, packages, known.named, taken)
    named = _named(known.named, taken)
    for database in databases:
        is_only = _is_only(database, databases)
        said = variables_for(database, inside, packages, named, is_only=is_only)
        ledger.note(
            database.host,
            database.image,
            "the dependencies",
            f"{', '.join(_clients(database, packages)) or 'as before'}; "
            f"the app finds it in {', '.join(said)}",
        )
    dotenv = {**dict(taken.secrets), **(known.dotenv or {})}
    is_all = image.env_file in ("", ".env")
    _note_variables(databases, told, replace(known, dotenv=dotenv), ledger, is_all=is_all)
    media = _media(site, taken)
    data = tuple(one for one in taken.data if one.directory not in {v.directory for v in media})
    ready = tuple((one.host, "service_healthy") for one in databases)
    released = ((RELEASE, "service_completed_successfully"),) if release else ()
    app = Service(
        name=names.app,
        role="app",
        title=f"{site.process.server.title} with the app.",
        environment=(("WEB_CONCURRENCY", str(site.workers.count)), *told.items()),
        volumes=(*media, *data),
        after=(*ready, *released),
        networks=(OUT, names.web, *((names.data,) if databases else ())),
        cpus=str(image.cpus),
        memory_mb=image.memory_bytes // 2**20,
    )
    # Whatever runs in the app's image beside it, with what the app is told.
    other = replace(
        app,
        environment=tuple(told.items()),
        networks=tuple(one for one in app.networks if one != names.web),
    )
    services = [_database(one, inside, names.data) for one in databases]
    if release:
        ledger.note(RELEASE, shlex.join(release), "the project", "before each release, once")
        title = "Runs once before the app starts, and must succeed."
        services.append(
            replace(
                other,
                name=RELEASE,
                role="release",
                title=title,
                command=_escaped(release),
                after=ready,
            )
        )
    services.append(app)
    for extra in site.extras:
        if extra.name in (*(one.name for one in services), names.proxy):
            raise errors.service_name_taken(extra.name)
        title = "The same image with another command."
        services.append(
            replace(other, name=extra.name, role="extra", title=title, command=_escaped(extra.argv))
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
    secrets = _secrets(known.named, databases, taken)
    # Where there is none yet, one is written with the passwords.
    env_file = image.env_file or (".env" if secrets else "")
    return Stack(
        name=name,
        site=site,
        published=published,
        services=tuple(services),
        secrets=secrets,
        env_files=tuple(dict.fromkeys((*taken.env_files, ".env", *filter(None, [env_file])))),
        build_env_file=env_file,
        build_secrets=_build_secrets(site, image, env_file),
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


def _note_variables(
    databases: Iterable[Database],
    told: Mapping[str, str],
    known: Variables,
    ledger: Ledger,
    *,
    is_all: bool,
) -> None:
    """Say what of `.env` would surprise, and what is missing in it."""
    dotenv = known.dotenv or {}
    if known.altered:
        why = "Compose replaces a part of the value; in single quotes it stays as it is"
        ledger.note(".env", ", ".join(known.altered), ".env", why, warn=True)
    for database in databases:
        if not _FIT_FOR_URL.fullmatch(dotenv.get(database.password, "")):
            why = "it becomes a part of a URL: take letters and digits alone"
            ledger.note(".env", database.password, ".env", why, warn=True)
    inside = without_compose(told, dotenv)
    others = sorted(name for name in told.keys() & dotenv.keys() if inside[name] != dotenv[name])
    if others:
        why = "the containers have what compose.yaml says, that of the database beside the app"
        ledger.note(".env", ", ".join(others), ".env", why, warn=True)
    missing = sorted(known.required - {*told, *dotenv})
    if missing and is_all:
        why = "the app reads them, and nothing sets them yet: write them into .env"
        ledger.note("variables", ", ".join(missing), "the source", why, warn=True)


def _build_secrets(site: Site, image: Image, env_file: str) -> tuple[BuildSecret, ...]:
    """Return what a build is given: for the index of packages, and for the app's own settings."""
    if not env_file or not (site.collect or image.imports_app):
        return image.secrets
    return (*image.secrets, BuildSecret(id="env", given_as=f"id=env,src={env_file}"))


def _escaped(words: Iterable[str]) -> tuple[str, ...]:
    """Return words in which Compose finds no variable of its own."""
    return tuple(word.replace("$", "$$") for word in words)


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
        health_every_s=database.health_every_s,
        health=("CMD", *(word.replace("{name}", name) for word in database.health)),
        user=database.user,
        memory_mb=database.memory_mb,
        networks=(network,),
    )
