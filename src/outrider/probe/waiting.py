"""Whom an app waits for while it answers, by the client libraries that it has imported."""

from __future__ import annotations

import sys

CLIENTS = (
    ("PostgreSQL", ("psycopg", "psycopg2", "pg8000", "asyncpg")),
    ("MySQL", ("MySQLdb", "pymysql", "mysql.connector", "mariadb")),
    ("MongoDB", ("pymongo",)),
    ("Redis", ("redis", "valkey")),
    (
        "a database",
        ("oracledb", "cx_Oracle", "pyodbc", "pymssql", "cassandra", "clickhouse_driver"),
    ),
    ("Elasticsearch", ("elasticsearch", "opensearchpy")),
    ("memcached", ("pymemcache", "memcache", "pylibmc")),
    ("a broker", ("pika", "kafka", "confluent_kafka", "kombu")),
    ("LDAP", ("ldap", "ldap3")),
    ("other services", ("requests", "httpx", "aiohttp", "botocore", "grpc", "zeep")),
)
"""What is waited for, and the modules that do it; a database in a file is as quick as the disk."""


def waits_for() -> str | None:
    """Return whom, with the module that tells; None: nobody that is known."""
    for whom, modules in CLIENTS:
        for module in modules:
            if module in sys.modules:
                return f"{whom} ({module})"
    return None
