"""Which containers a site needs beside each other: its databases, its workers, its one-off steps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outrider.databases import DATABASES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outrider.databases import Database

RESERVED = ("app", "proxy", "release", *(database.name for database in DATABASES))
_SECRET = re.compile(r"(^|_)SECRET(_KEY)?$")

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


def url(database: Database, name: str, packages: frozenset[str]) -> str:
    """Return a database's URL, with the password as a variable of Compose."""
    driver = ""
    if "sqlalchemy" in packages:
        known = _SCHEMES.get(database.name, ())
        driver = next((suffix for package, suffix in known if package in packages), "")
    place = f"{database.name}:{database.port}"
    path = f"/{name}" if database.has_name else "/0"
    who = f"{database.login}:${{{database.password}:?}}"
    return f"{database.scheme}{driver}://{who}@{place}{path}{database.query}"


def variables_for(
    database: Database, name: str, packages: frozenset[str], known: Iterable[str], *, is_only: bool
) -> list[tuple[str, str]]:
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
        rf"({_words(database)}|DB)_?HOST(NAME)?": database.name,
        rf"({_words(database)}|DB)_?PORT": str(database.port),
        rf"({_words(database)}|DB)_?USER(NAME)?": database.login,
        rf"({_words(database)}|DB)_?PASS(WORD)?": f"${{{database.password}:?}}",
        rf"({_words(database)}|DB)_?(NAME|DB|DATABASE)": name,
    }
    if is_only:
        told["(DATABASE|DB)_?(URL|URI|DSN)|SQLALCHEMY_DATABASE_URI"] = url(database, name, packages)
    if database.name == "redis":
        told[r"(CELERY_)?(BROKER|RESULT_BACKEND)(_URL)?|CACHE_URL"] = url(database, name, packages)
    found = [
        (variable, value)
        for variable in sorted(known)
        for pattern, value in told.items()
        if re.fullmatch(pattern, variable)
    ]
    usual = "DATABASE_URL" if is_only else f"{database.name.upper()}_URL"
    return found or [(usual, url(database, name, packages))]


def _words(database: Database) -> str:
    return {
        "postgres": "POSTGRES(QL)?|PG",
        "mariadb": "MYSQL|MARIADB",
        "mongo": "MONGO(DB)?",
        "redis": "REDIS",
    }[database.name]
