"""The databases that a site may need beside it: which packages tell, and how each is run.

One row each. The images are the official ones; their users, folders and variables stand on the page
that `source` names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Database:
    """One kind of database, run from its official image."""

    name: str
    """Of the service, and so of its host."""
    title: str
    image: str
    source: str
    packages: frozenset[str]
    """Distributions that talk to it, as normalised names."""
    words: str
    """A pattern of what its variables begin with."""
    port: int
    scheme: str
    """Of its URL."""
    folders: tuple[tuple[str, str], ...]
    """Volumes by their names, and where the image keeps that data."""
    user: str
    """Whom the image's own entry point would step down to: as that one it needs no right to."""
    password: str
    """The variable of its password."""
    environment: tuple[tuple[str, str], ...]
    """What the image reads; `{name}` is the database's name, `{password}` its variable."""
    health: tuple[str, ...]
    """A command of the image's own that ends with 0 once it takes connections."""
    health_every_s: int = 5
    """How often that is asked; who waits for it waits as long."""
    command: tuple[str, ...] = ()
    login: str = "app"
    """Its user."""
    drivers: tuple[tuple[str, str], ...] = ()
    """What SQLAlchemy wants in a URL for each of its packages, the first that is there."""
    query: str = ""
    """What its URL ends with."""
    service: str = ""
    """Of its container and its host, where that is not its name."""
    database: str = ""
    """In it; empty: called as the project."""
    has_name: bool = True
    """Databases in it have names, not numbers."""
    temporary: tuple[str, ...] = ()
    """Folders that the image writes to besides its data."""
    memory_mb: int = 512

    @property
    def host(self) -> str:
        """Its host, which is its service."""
        return self.service or self.name


DATABASES: tuple[Database, ...] = (
    Database(
        name="postgres",
        title="PostgreSQL",
        image="postgres:17",
        source="https://github.com/docker-library/docs/tree/master/postgres",
        packages=frozenset(
            {"psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg", "pg8000"}
        ),
        words="POSTGRES(QL)?|PG",
        drivers=(
            ("psycopg2", ""),
            ("psycopg2-binary", ""),
            ("psycopg", "+psycopg"),
            ("asyncpg", "+asyncpg"),
            ("pg8000", "+pg8000"),
        ),
        port=5432,
        scheme="postgresql",
        folders=(("postgres", "/var/lib/postgresql/data"),),
        user="postgres",
        password="POSTGRES_PASSWORD",  # noqa: S106 - the name of a variable
        environment=(
            ("POSTGRES_USER", "app"),
            ("POSTGRES_DB", "{name}"),
            ("POSTGRES_PASSWORD", "{password}"),
        ),
        # By its port: while the image makes its database, it listens on its socket only.
        health=(
            "pg_isready",
            "--quiet",
            "--host",
            "127.0.0.1",
            "--username",
            "app",
            "--dbname",
            "{name}",
        ),
        temporary=("/var/run/postgresql", "/tmp"),  # noqa: S108 - in a container
    ),
    Database(
        name="mariadb",
        title="MariaDB",
        image="mariadb:11",
        source="https://github.com/docker-library/docs/tree/master/mariadb",
        packages=frozenset(
            {"mysqlclient", "pymysql", "aiomysql", "asyncmy", "mysql-connector-python", "mariadb"}
        ),
        words="MYSQL|MARIADB",
        drivers=(
            ("mysqlclient", ""),
            ("pymysql", "+pymysql"),
            ("aiomysql", "+aiomysql"),
            ("asyncmy", "+asyncmy"),
            ("mysql-connector-python", "+mysqlconnector"),
            ("mariadb", "+mariadbconnector"),
        ),
        port=3306,
        scheme="mysql",
        folders=(("mariadb", "/var/lib/mysql"),),
        user="mysql",
        password="MARIADB_PASSWORD",  # noqa: S106
        environment=(
            ("MARIADB_USER", "app"),
            ("MARIADB_DATABASE", "{name}"),
            ("MARIADB_PASSWORD", "{password}"),
            ("MARIADB_RANDOM_ROOT_PASSWORD", "1"),
        ),
        health=("healthcheck.sh", "--connect", "--innodb_initialized"),
        temporary=("/run/mysqld", "/tmp"),  # noqa: S108
    ),
    Database(
        name="mongo",
        title="MongoDB",
        image="mongo:8",
        source="https://github.com/docker-library/docs/tree/master/mongo",
        packages=frozenset(
            {"pymongo", "motor", "mongoengine", "flask-pymongo", "beanie", "odmantic"}
        ),
        words="MONGO(DB)?",
        port=27017,
        scheme="mongodb",
        folders=(("mongo", "/data/db"), ("mongo-config", "/data/configdb")),
        user="mongodb",
        password="MONGO_PASSWORD",  # noqa: S106
        environment=(
            ("MONGO_INITDB_ROOT_USERNAME", "app"),
            ("MONGO_INITDB_ROOT_PASSWORD", "{password}"),
        ),
        # Its cache would otherwise be half of the machine's memory in older builds.
        command=("--wiredTigerCacheSizeGB", "0.25"),
        health=("mongosh", "--quiet", "--eval", "db.adminCommand('ping').ok"),
        health_every_s=15,  # mongosh takes a second of a processor to start
        query="?authSource=admin",
        temporary=("/tmp",),  # noqa: S108
        memory_mb=1024,
    ),
    Database(
        name="redis",
        title="Redis",
        image="redis:8",
        source="https://github.com/docker-library/docs/tree/master/redis",
        packages=frozenset({"redis", "rq", "django-redis", "channels-redis", "aioredis", "arq"}),
        words="REDIS",
        port=6379,
        scheme="redis",
        folders=(("redis", "/data"),),
        user="redis",
        password="REDIS_PASSWORD",  # noqa: S106
        environment=(("REDISCLI_AUTH", "{password}"),),
        # A shell, so that the password is no word of the command line.
        command=("sh", "-c", 'exec redis-server --appendonly yes --requirepass "$$REDISCLI_AUTH"'),
        health=("sh", "-c", "redis-cli ping | grep -q PONG"),
        # The only user that it has from the start.
        login="default",
        has_name=False,
        temporary=("/tmp",),  # noqa: S108
        memory_mb=256,
    ),
)

MYSQL = Database(
    name="mysql",
    title="MySQL",
    image="mysql:8.4",
    source="https://github.com/docker-library/docs/tree/master/mysql",
    packages=frozenset(),  # MariaDB serves those of both
    words="MYSQL|MARIADB",
    port=3306,
    scheme="mysql",
    folders=(("mysql", "/var/lib/mysql"),),
    user="mysql",
    password="MYSQL_PASSWORD",  # noqa: S106
    environment=(
        ("MYSQL_USER", "app"),
        ("MYSQL_DATABASE", "{name}"),
        ("MYSQL_PASSWORD", "{password}"),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "1"),
    ),
    health=("mysqladmin", "ping", "--silent", "--host", "127.0.0.1"),
    temporary=("/var/run/mysqld", "/tmp"),  # noqa: S108
    memory_mb=1024,
)
"""Only taken over: it cannot be MariaDB's successor, nor MariaDB its."""

SUPPORTED_FROM: dict[str, tuple[int, ...]] = {
    "postgres": (15,),  # https://www.postgresql.org/support/versioning/
    "mariadb": (10, 11),  # https://mariadb.org/about/#maintenance-policy
    "mysql": (8, 4),  # https://endoflife.date/mysql
    "mongo": (7,),  # https://www.mongodb.com/legal/support-policy/lifecycles
    "redis": (7,),  # https://endoflife.date/redis
}
"""The oldest version of each that still gets security fixes."""
