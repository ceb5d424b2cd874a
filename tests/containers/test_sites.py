"""What `outrider export compose` writes for each site of the table is built and lived with."""

from __future__ import annotations

import os
import re
import shutil
import signal
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from tests.containers.export import exported
from tests.containers.hadolint import complaints
from tests.containers.sites import SITES, Row
from tests.containers.visitor import Visitor, until
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.containers.compose import Compose

ERROR_LINES = {
    # Its own levels begin a line, a traceback is Python's. What it is asked is in Nginx's log.
    "app": r"Traceback|^\S*Error\b|\[(ERROR|CRITICAL)\]|^ERROR",
    "release": r"Traceback|^\S*Error\b",
    # https://nginx.org/en/docs/ngx_core_module.html#error_log
    "proxy": r"\[(warn|error|crit|alert|emerg)\]",
    # Structured: https://www.mongodb.com/docs/manual/reference/log-messages/
    "mongo": r'"s":"[EF]"|Traceback',
    # https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-SEVERITY-LEVELS
    "postgres": r"\b(ERROR|FATAL|PANIC):",
    # A `#` in place of the level: https://redis.io/docs/latest/operate/oss_and_stack/management/
    "redis": r"^\d+:\w .{20,30} # (?!WARNING Memory overcommit|Redis is now ready to exit)",
}
"""What a line of a program's log looks like that tells of an error."""


class Living:
    """A site of the table in containers, and what its visitor knows of it."""

    def __init__(self, row: Row, compose: Compose) -> None:
        self.row = row
        self.compose = compose
        self.visitor = Visitor(compose)
        self.picture = ""

    def style(self) -> str:
        """Return the URL of the style that the page asks for."""
        page = self.visitor.get_once_it_is_there(self.row.page).text
        found = re.search(r'rel="stylesheet" href="([^"]+)"', page)
        assert found, page
        return urljoin(self.row.page, found[1])

    def assert_everything_is_kept(self) -> None:
        """The upload is there, and what the database was told."""
        page = self.visitor.get_once_it_is_there(self.row.page).text
        assert self.row.shows in page
        assert self.visitor.get(self.picture).body.startswith(b"\x89PNG")

    def assert_the_app_was_not_asked_for(self, url: str) -> None:
        """Look into the proxy's log, which comes a moment after the answer."""

        def lines() -> list[str]:
            return [line for line in self.compose.logs("proxy").splitlines() if f'"{url}"' in line]

        assert '"upstream_status":""' in until(lines)[-1]

    def state(self, service: str) -> dict:
        return self.compose.inspect(service)["State"]

    def address(self, service: str) -> tuple[str, str]:
        """Return the network that the proxy is in, and a service's address there."""
        networks = self.compose.inspect(service)["NetworkSettings"]["Networks"]
        [found] = [(name, of) for name, of in networks.items() if name.endswith("_web")]
        return found[0], str(found[1]["IPAddress"])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(row, id=row.name, marks=pytest.mark.xdist_group(f"docker-{row.name}"))
        for row in SITES
    ],
)
def site(request, compose: Callable[..., Compose], tmp_path_factory) -> Iterator[Living]:
    """Return a site, up and healthy."""
    row: Row = request.param
    folder = tmp_path_factory.mktemp("sites") / row.name
    ignored = shutil.ignore_patterns("instance", "tests", "__pycache__", ".*cache", "media")
    shutil.copytree(row.source, folder, ignore=ignored)
    with reserved() as port:
        exported(folder, port, requirements=row.python)
        living = Living(row, compose(folder))
        living.compose.up()
        living.picture = row.upload(living.visitor)
        yield living


def test_every_service_runs_and_nothing_else(site):
    listed = site.compose("ps", "--all", "--services").split()
    assert sorted(listed) == sorted(site.row.services)
    if "release" in site.row.services:
        assert site.state("release")["ExitCode"] == 0


def test_hadolint_accepts_the_dockerfile(site):
    assert complaints(site.compose.folder / "Dockerfile") == []


def test_static_files_come_from_the_proxy_and_hashed_ones_are_kept_by_browsers(site):
    url = site.row.hashed or site.style()
    answer = site.visitor.get(url)
    assert "immutable" in answer.headers["Cache-Control"]
    site.assert_the_app_was_not_asked_for(url)


def test_an_upload_is_served_by_the_proxy(site):
    site.assert_everything_is_kept()
    site.assert_the_app_was_not_asked_for(site.picture)


def test_no_program_has_a_right_that_it_does_not_need(site):
    running = [name for name in site.row.services if name != "release"]
    for service in running:
        status = site.compose.execute(service, "cat", "/proc/1/status")
        found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
        assert found["NoNewPrivs"].strip() == "1"
        assert found["Uid"].split()[0] != "0"
        assert site.compose.inspect(service)["HostConfig"]["ReadonlyRootfs"]


def test_no_secret_is_in_an_image_and_none_is_read_by_others(site):
    dotenv = site.compose.folder / ".env"
    if not dotenv.exists():
        assert site.row.name == "flask", "the smallest has no secret"
        return
    assert dotenv.stat().st_mode & 0o777 == 0o600
    values = re.findall(r"='([^']+)'", dotenv.read_text())
    assert values
    for service in ("app", "proxy"):
        image = site.compose.inspect(service)["Image"]
        said = site.compose.engine.docker("history", "--no-trunc", image)
        said += site.compose.engine.docker("image", "inspect", image)
        assert not [value for value in values if value in said]


def test_the_proxy_finds_a_replaced_app(site):
    network, before = site.address("app")
    proxy = site.state("proxy")["StartedAt"]
    site.compose("stop", "app")
    assert site.state("app")["ExitCode"] == 0
    # Somebody else takes the address while it is free.
    image = site.compose.inspect("app")["Image"]
    words = ("run", "--detach", "--rm", "--network", network, image, "sleep", "300")
    guest = site.compose.engine.docker(*words).strip()
    try:
        site.compose("up", "--detach", "--force-recreate", "--no-deps", "app")
        site.assert_everything_is_kept()
        assert site.address("app") != (network, before)
        assert site.state("proxy")["StartedAt"] == proxy
    finally:
        site.compose.engine.docker("rm", "--force", guest)


def test_a_release_with_another_style_shows_at_once(site):
    before = site.style()
    assert "teal" not in site.visitor.get(before).text
    style = site.compose.folder / site.row.style
    style.write_text(style.read_text() + "h2 { color: teal; }\n")
    site.compose.up()
    assert "teal" in site.visitor.get_once_it_is_there(site.style()).text
    site.assert_everything_is_kept()


def test_everything_stops_when_it_is_asked_to_and_starts_again_with_its_data(site):
    site.compose("stop")
    codes = {name: site.state(name)["ExitCode"] for name in site.row.services}
    assert codes == dict.fromkeys(site.row.services, 0), "137 is who had to be killed"
    for service in site.row.services:
        assert_no_error_line(site, service)
    site.compose.down()
    site.compose.up()
    site.assert_everything_is_kept()
    for service in site.row.services:
        assert_no_error_line(site, service)


def test_a_database_that_was_killed_comes_back_and_the_site_with_it(site):
    # The last: what programs write of it looks like an error, and is one.
    name = site.row.database
    if not name:
        return
    if not site.compose.engine.has_stand_ins:
        pytest.skip("processes of somebody else's engine are not killed")
    before = site.state(name)
    # From outside, as the kernel does it to who takes too much memory: `docker kill` counts as a
    # stop by the user, after which no restart policy holds.
    os.kill(before["Pid"], signal.SIGKILL)
    until(lambda: site.state(name)["StartedAt"] != before["StartedAt"])
    site.assert_everything_is_kept()


def assert_no_error_line(site: Living, service: str) -> None:
    if service != "release":  # a program that says nothing hides its errors
        until(lambda: site.compose.logs(service))  # Nginx writes some lines at a time
    log = site.compose.logs(service)
    pattern = ERROR_LINES[service]
    assert not [line for line in log.splitlines() if re.search(pattern, line)]
