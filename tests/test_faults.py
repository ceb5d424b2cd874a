"""Each fault of files that somebody wrote by hand: found where it is, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from outrider.plan.faults import FAULTS, find_faults
from outrider.plan.roles import decide_roles
from tests.handwritten import starting


@dataclass(frozen=True)
class Case:
    """One fault: files that have it, and files that look like them and have it not."""

    id: str
    fires: dict[str, str]
    silent: dict[str, str]
    where: str
    says: str


def passing(more: str = "", to: str = "http://web:8000", server: str = "") -> str:
    return f"server {{ {server} location / {{ proxy_pass {to}; {more} }} }}"


def files(path: str, more: str = "", server: str = "") -> str:
    return f"server {{ {server} location {path} {{ alias /srv/files; {more} }} }}"


def services(web: str = "", db: str = "", proxy: str = "") -> str:
    """Return a Compose file of an app, MongoDB and Nginx, each with more lines."""
    return (
        f"services:\n  web:\n    build: .\n{_lines(web)}"
        f"  db:\n    image: mongo:8\n{_lines(db)}"
        f"  proxy:\n    image: nginx\n{_lines(proxy)}"
    )


def _lines(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.split("; ") if line)


GUNICORN = 'FROM python:3.13\nUSER app\nCMD ["gunicorn", {}"shop:app"]\n'
LIMITED = "logging: {options: {max-size: 10m}}"

CASES = [
    Case(
        id="wrong-port",
        fires={
            "nginx": passing(to="http://localhost:8000"),
            "docker": GUNICORN.format('"-b", ":4000", '),
        },
        silent={
            "nginx": passing(to="http://localhost:8000"),
            "docker": GUNICORN.format('"-b", ":8000", '),
        },
        where="Dockerfile:3",
        says="gunicorn listens on 4000, and Nginx asks localhost:8000",
    ),
    Case(
        id="path-in-proxy-pass",
        fires={"nginx": passing(to="http://web:8000/")},
        silent={"nginx": passing(to="http://web:8000")},
        where="default.conf:1",
        says="proxy_pass http://web:8000/ ends with a path",
    ),
    Case(
        id="location-without-slash",
        fires={"nginx": files("/static")},
        silent={"nginx": files("/static/") + files("= /favicon.ico") + passing()},
        where="default.conf:1",
        says="location /static has no closing slash",
    ),
    Case(
        id="no-forwarded-scheme",
        fires={"nginx": passing("proxy_set_header Host $host;")},
        silent={"nginx": passing("proxy_set_header x-forwarded-proto $scheme;")},
        where="default.conf:1",
        says="X-Forwarded-Proto is not set",
    ),
    Case(
        id="appended-client-address",
        fires={
            "nginx": passing("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"),
        },
        silent={"nginx": passing("proxy_set_header X-Forwarded-For $remote_addr;")},
        where="default.conf:1",
        says="keeps what the client wrote",
    ),
    Case(
        id="no-body-limit",
        fires={"nginx": passing()},
        silent={"nginx": passing(server="client_max_body_size 20m;")},
        where="default.conf",
        says="no client_max_body_size",
    ),
    Case(
        id="no-upstream-limits",
        fires={"nginx": passing("proxy_read_timeout 90s;")},
        silent={
            "nginx": passing(
                "proxy_connect_timeout 5s; proxy_read_timeout 90s; proxy_buffer_size 16k;"
            )
        },
        where="default.conf",
        says="no proxy_connect_timeout, proxy_buffer_size",
    ),
    Case(
        id="no-compression",
        fires={"nginx": files("/static/", server="gzip on;")},
        silent={"nginx": files("/static/", "expires 1h;", server="gzip on;")},
        where="default.conf",
        says="no Cache-Control",
    ),
    Case(
        id="no-tls",
        fires={"nginx": passing(server="listen 80;")},
        silent={"nginx": passing(server="listen 80; listen 443 ssl;")},
        where="default.conf:1",
        says="nothing listens for HTTPS",
    ),
    Case(
        id="no-default-server",
        fires={"nginx": passing(server="server_name shop.test;")},
        silent={"nginx": "server { listen 80 default_server; } server { server_name shop.test; }"},
        where="default.conf:1",
        says="server_name shop.test is the first server",
    ),
    Case(
        id="resolved-once",
        fires={"nginx": passing()},
        silent={"nginx": passing(to="http://127.0.0.1:8000") + passing(to="http://$app")},
        where="default.conf:1",
        says="looks web up once",
    ),
    Case(
        id="log-in-file",
        fires={"nginx": "access_log /var/log/nginx/access.log;"},
        silent={"nginx": "access_log /dev/stdout; access_log off;"},
        where="default.conf:1",
        says="/var/log/nginx/access.log",
    ),
    Case(
        id="runs-as-root",
        fires={"docker": "FROM python:3.13 AS build\nUSER app\nFROM python:3.13\n"},
        silent={"docker": "FROM python:3.13\nUSER app\n"},
        where="Dockerfile",
        says="no USER",
    ),
    Case(
        id="old-python",
        fires={"docker": "ARG VERSION=3.6.5\nFROM python:${VERSION}-alpine AS base\nFROM base\n"},
        silent={"docker": "FROM python:3.13-slim\n"},
        where="Dockerfile",
        says="FROM python:3.6.5-alpine",
    ),
    Case(
        id="development-server",
        fires={"docker": "FROM python\nCMD flask run --host 0.0.0.0\n"},
        silent={"docker": "FROM python\nCMD gunicorn shop:app\n"},
        where="Dockerfile:2",
        says="the server of its framework",
    ),
    Case(
        id="fixed-workers",
        fires={"docker": GUNICORN.format('"-w2", ')},
        silent={"docker": GUNICORN.format("")},
        where="Dockerfile:3",
        says="2 workers",
    ),
    Case(
        id="no-timeout",
        fires={"docker": GUNICORN.format("")},
        silent={"docker": GUNICORN.format('"--timeout=60", ')},
        where="Dockerfile:3",
        says="nothing says how long a request may take",
    ),
    Case(
        id="no-request-log",
        fires={"docker": GUNICORN.format('"--access-logfile", "/var/log/gunicorn/a.log", ')},
        silent={"docker": GUNICORN.format('"--access-logfile", "-", ')},
        where="Dockerfile:3",
        says="logged to /var/log/gunicorn/a.log",
    ),
    Case(
        id="mixed-volume",
        fires={"compose": services(proxy='volumes: ["files:/static:ro", "files:/media:ro"]')},
        silent={"compose": services(proxy='volumes: ["static:/static:ro", "media:/media:ro"]')},
        where="docker-compose.yml",
        says="files is mounted as /static and as /media",
    ),
    Case(
        id="static-in-volume",
        fires={
            "compose": services(
                web='volumes: ["css:/app/static"]', proxy='volumes: ["css:/html/static"]'
            )
        },
        silent={
            "compose": services(
                web='volumes: ["up:/app/media", "static:/app/static"]',
                proxy='volumes: ["up:/html/media"]',
            )
        },
        where="docker-compose.yml",
        says="volume css carries static files",
    ),
    Case(
        id="no-restart",
        fires={"compose": services(web="restart: always", db='restart: "no"', proxy="restart: no")},
        silent={
            "compose": services(
                web="restart: always", db="restart: always", proxy="restart: on-failure"
            )
        },
        where="docker-compose.yml",
        says="db, proxy without `restart`",
    ),
    Case(
        id="no-health-check",
        fires={"compose": services(db="healthcheck: {test: [CMD, true]}")},
        silent={"compose": services(*["healthcheck: {test: [CMD, true]}"] * 3)},
        where="docker-compose.yml",
        says="web, proxy without a health check",
    ),
    Case(
        id="no-start-order",
        fires={"compose": services(web="depends_on: {db: {condition: service_healthy}}")},
        silent={"compose": services(web="depends_on: [db]", proxy="depends_on: [web]")},
        where="docker-compose.yml",
        says="proxy does not wait for web",
    ),
    Case(
        id="old-database",
        fires={"compose": "services: {web: {build: .}, db: {image: postgres:9.6-alpine}}"},
        silent={"compose": "services: {web: {build: .}, db: {image: postgres:17-alpine}}"},
        where="docker-compose.yml",
        says="db is postgres:9.6-alpine",
    ),
    Case(
        id="no-password",
        fires={"compose": services(db="environment: [TZ=UTC]")},
        silent={"compose": services(db="environment: [MONGO_INITDB_ROOT_PASSWORD=x]")},
        where="docker-compose.yml",
        says="db has no password",
    ),
    Case(
        id="beside-the-proxy",
        fires={"compose": services()},
        silent={"compose": services(web="networks: [default, data]", db="networks: [data]")},
        where="docker-compose.yml",
        says="db in a network with the proxy",
    ),
    Case(
        id="published-database",
        fires={"compose": services(db="ports: [27017:27017]")},
        silent={"compose": services(db="ports: [127.0.0.1:27017:27017]")},
        where="docker-compose.yml",
        says="db publishes port 27017",
    ),
    Case(
        id="log-without-limit",
        fires={"compose": services(LIMITED, LIMITED)},
        silent={"compose": services(LIMITED, LIMITED, LIMITED)},
        where="docker-compose.yml",
        says="proxy without a limit on its log",
    ),
]


def found(told: dict[str, str]):
    start = starting(**told)
    return {one.id: one for one in find_faults(start, decide_roles(start))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_is_told_with_its_place(case):
    fault = found(case.fires)[case.id]
    assert fault.where == case.where
    assert case.says in fault.found
    assert fault.consequence
    assert fault.instead


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_only_looks_alike_is_no_fault(case):
    assert case.id not in found(case.silent)


def test_every_fault_has_a_case():
    assert len(CASES) == len(FAULTS)
    assert len({case.id for case in CASES}) == len(CASES)


def test_an_alias_with_a_slash_leaks_what_is_beside_the_folder():
    fault = found({"nginx": "location /static { alias /srv/static/; }"})["location-without-slash"]
    assert "files beside the folder are sent" in fault.consequence


def test_an_upstream_is_told_by_the_host_that_is_behind_it():
    nginx = "upstream app { server web:8000; }" + passing(to="http://app")
    assert "looks web up once" in found({"nginx": nginx})["resolved-once"].found


def test_a_socket_has_no_name_to_look_up():
    nginx = "upstream app { server unix:/run/app.sock; }" + passing(to="http://app")
    assert "resolved-once" not in found({"nginx": nginx})


def test_an_upstream_that_is_resolved_again_is_no_fault():
    nginx = "upstream app { zone app 64k; server web:8000 resolve; }" + passing(to="http://app")
    assert "resolved-once" not in found({"nginx": nginx})
