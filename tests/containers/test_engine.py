"""A project written by hand shows that what generated files rely on works with this engine."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.running import APPS
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.containers.compose import Compose

DATABASES = ("mongo", "postgres", "mariadb", "redis")
SERVICES = ("app", "proxy", *DATABASES)
_PATIENCE_S = 60

# Passwords as people have them: quoted so that neither Compose nor a shell takes part of them.
ENVIRONMENT = """\
MONGO_USER=site
MONGO_PASSWORD=mongo-secret
POSTGRES_USER=site
POSTGRES_PASSWORD=postgres-secret
POSTGRES_DB=notes
MARIADB_USER=site
MARIADB_PASSWORD='maria $ecret "quoted"'
MARIADB_DATABASE=site_notes
REDIS_PASSWORD='redis $ecret'
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with an .env of its own."""
    place = tmp_path_factory.mktemp("containers") / "project"
    shutil.copytree(APPS / "containers_databases", place)
    (place / ".env").write_text(ENVIRONMENT)
    return place


@pytest.fixture(scope="module")
def site(compose: Callable[..., Compose], folder: Path) -> Iterator[Compose]:
    """Return the project, up and healthy."""
    with reserved() as port:
        project = compose(folder, HTTP_PORT=port)
        project.up()
        yield project


@pytest.mark.parametrize("database", DATABASES)
def test_a_note_goes_through_the_proxy_into_each_database(site: Compose, database):
    assert "kept" in json.loads(_ask(site, f"/{database}/kept", method="POST"))
    assert "kept" in json.loads(_ask(site, f"/{database}"))


def test_the_proxy_serves_static_files_from_its_own_image(site: Compose):
    assert "green" in _ask(site, "/static/site.css")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_healthy_and_has_no_right_that_it_does_not_need(site: Compose, service):
    found = site.inspect(service)
    assert found["State"]["Health"]["Status"] == "healthy"
    status = dict(
        line.split(":", 1)
        for line in site.execute(service, "cat", "/proc/1/status").splitlines()
        if ":" in line
    )
    assert int(status["CapEff"], 16) == 0
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Uid"].split()[0] != "0"
    said = site.execute(service, "sh", "-c", "touch /etc/written 2>&1 || true")
    assert "Read-only file system" in said


def test_limits_and_log_rotation_reach_the_engine(site: Compose):
    app, proxy = site.inspect("app")["HostConfig"], site.inspect("proxy")["HostConfig"]
    assert (app["Memory"], app["NanoCpus"], app["PidsLimit"]) == (256 << 20, 750_000_000, 200)
    # `deploy.resources.limits` is the other way to write it.
    assert (proxy["Memory"], proxy["NanoCpus"]) == (64 << 20, 500_000_000)
    assert app["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "3"},
    }
    # Control groups of version 2 or 1.
    files = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
    seen = site.execute("app", "sh", "-c", f"cat {files[0]} 2>/dev/null || cat {files[1]}")
    assert seen.split() == [str(256 << 20)]


def test_a_database_is_reached_from_the_app_only(site: Compose):
    assert site.inspect("postgres")["HostConfig"]["PortBindings"] == {}
    # The proxy is in another network, where the name of the database does not exist.
    assert site.execute("proxy", "sh", "-c", "getent hosts postgres || echo unknown") == "unknown\n"
    # Nor does an internal network let anything out: here, to the proxy's own address.
    host = _address(site, "proxy")
    reach = f"import socket; socket.create_connection(({host!r}, 8080), timeout=2)"
    assert not site.execute("app", "python", "-c", reach)
    out = site.execute("mongo", "sh", "-c", f'python -c "{reach}" 2>&1 || true')
    assert "TimeoutError" in out or "unreachable" in out


@pytest.mark.parametrize("database", DATABASES)
def test_a_killed_database_comes_back_with_its_data(site: Compose, database):
    if not site.engine.has_stand_ins:
        pytest.skip("processes of somebody else's engine are not killed")
    _ask(site, f"/{database}/before", method="POST")
    # From outside, as the kernel does it to who takes too much memory: `docker kill` counts as a
    # stop by the user, after which no restart policy holds.
    before = site.inspect(database)["State"]
    os.kill(before["Pid"], signal.SIGKILL)
    _until(lambda: site.inspect(database)["State"]["StartedAt"] != before["StartedAt"])
    _until(lambda: site.inspect(database)["State"]["Health"]["Status"] == "healthy")
    assert "before" in json.loads(_ask(site, f"/{database}"))


def test_the_proxy_finds_a_replaced_app_again(site: Compose):
    before, address = _ask(site, "/"), _address(site, "app")
    started = site.inspect("proxy")["State"]["StartedAt"]
    # Another container takes the address while it is free.
    networks = site.inspect("app")["NetworkSettings"]["Networks"]
    front = next(name for name in networks if name.endswith("_front"))
    site("stop", "app")
    words = ("run", "--detach", "--rm", "--network", front, "python:3.13-slim", "sleep", "300")
    guest = site.engine.docker(*words).strip()
    try:
        site.up("--force-recreate", "--no-deps", "app")
        assert _address(site, "app") != address
        assert _ask(site, "/") != before
        assert site.inspect("proxy")["State"]["StartedAt"] == started
    finally:
        site.engine.docker("rm", "--force", guest)


def test_notes_survive_down_and_up(site: Compose):
    for database in DATABASES:
        _ask(site, f"/{database}/survivor", method="POST")
    # Everything ends when it is asked to: 137 would be what the grace period had to kill.
    site("stop")
    ended = {service: site.inspect(service)["State"]["ExitCode"] for service in SERVICES}
    assert 137 not in ended.values(), ended
    site.down()
    site.up()
    for database in DATABASES:
        assert "survivor" in json.loads(_ask(site, f"/{database}"))


def _address(site: Compose, service: str) -> str:
    networks = site.inspect(service)["NetworkSettings"]["Networks"]
    return next(str(of["IPAddress"]) for name, of in networks.items() if "front" in name)


def _ask(site: Compose, path: str, method: str = "GET") -> str:
    """Return a page, asked for again while the site comes back."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        connection = http.client.HTTPConnection(*site.address("proxy", 8080), timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read().decode()
            if response.status == 200:
                return text
        except (OSError, http.client.HTTPException) as error:
            text = str(error)
        finally:
            connection.close()
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
