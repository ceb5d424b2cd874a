"""Compose files are read as Compose reads them."""

from __future__ import annotations

import sys

import pytest

from outrider.discover.compose_files import parse, project_of
from outrider.errors import OutriderError
from outrider.handwritten import Mounted, Port


def read(text: str, **variables: str):
    return parse("/srv/before/docker-compose.yml", text, "Before", variables)


def service(lines: str, **variables: str):
    [found] = read(f"services:\n  web:\n{lines}", **variables).services
    return found


@pytest.mark.parametrize(
    ("port", "found"),
    [
        ("8080:80", Port(published="8080", target="80")),
        ("22:22", Port(published="22", target="22")),
        ('"127.0.0.1:8080:80/tcp"', Port(published="8080", target="80", host="127.0.0.1")),
        ('"[::1]:8080:80"', Port(published="8080", target="80", host="::1")),
        ("80", Port(published="", target="80")),
        (
            "{target: 80, published: 8080, host_ip: 10.0.0.1}",
            Port(published="8080", target="80", host="10.0.0.1"),
        ),
        ('"${PORT:-8080}:80"', Port(published="8080", target="80")),
    ],
)
def test_ports_in_every_way_to_write_them(port, found):
    assert service(f"    ports: [{port}]").ports == (found,)


@pytest.mark.parametrize(
    ("volume", "found"),
    [
        ("data:/data", Mounted(source="data", target="/data")),
        ("'./data:/data:ro,z'", Mounted(source="./data", target="/data", is_read_only=True)),
        ("/data", Mounted(source="", target="/data")),
        (
            "{type: bind, source: ./data, target: /data, read_only: true}",
            Mounted(source="./data", target="/data", is_read_only=True),
        ),
    ],
)
def test_volumes_in_every_way_to_write_them(volume, found):
    assert service(f"    volumes: [{volume}]").mounts == (found,)


def test_environment_as_a_list_and_as_a_mapping():
    listed = service("    environment: [DEBUG=off, PASSED_ON]").variables
    assert listed == {"DEBUG": "off", "PASSED_ON": "${PASSED_ON}"}
    assert service("    environment: {PORT: 8000}").variables == {"PORT": "8000"}


def test_a_service_with_everything_written_short():
    found = service(
        "    build: app\n    command: sh -c 'gunicorn shop:app'\n    env_file: prod.env\n"
        "    restart: always\n    networks: {front: {}}\n    depends_on: [db]\n"
    )
    assert found.build == "/srv/before/app"
    assert found.command == ("gunicorn", "shop:app")
    assert found.env_files == ("prod.env",)
    assert found.restarts
    assert (found.networks, found.after) == (("front",), ("db",))


def test_a_tag_and_a_repository_are_told_from_each_other():
    found = service("    image: registry.test:5000/team/postgres:16-alpine@sha256:abc")
    assert (found.repository, found.tag) == ("postgres", "16-alpine")


def test_merged_keys_are_merged():
    text = "x: &x {restart: always}\nservices:\n  web: {<<: *x, image: a}\n"
    [found] = read(text).services
    assert (found.restarts, found.image) == (True, "a")


def test_the_project_is_called_as_compose_calls_it():
    assert project_of("My Blog.v2") == "myblogv2"
    assert read("services: {}").project == "before"
    assert read("name: shop\nservices: {}").project == "shop"
    assert read("services: {}", COMPOSE_PROJECT_NAME="other").project == "other"


def test_volumes_and_networks_that_are_somewhere_else():
    found = read(
        "services: {}\n"
        "volumes:\n  own:\n  a: {name: real}\n  b: {external: true}\n"
        "networks: {n: {external: true}, m: }\n"
    )
    assert found.volumes == (("a", "real"), ("b", "b"))
    assert found.external_networks == {"n"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("services: [", "it is no YAML: line 1: "),
        ("a\tb: [}", "it is no YAML: line 1: "),
        ("version: '3'", "it has no `services:`"),
        ("services: [web]", "it has no `services:`"),
        ("services: {web: nginx}", "it has no `services:`"),
        ("- a", "it has no `services:`"),
        ("", "it has no `services:`"),
    ],
)
def test_what_is_no_compose_file_is_refused(text, why):
    with pytest.raises(OutriderError) as refused:
        read(text)
    assert refused.value.id == "bad-compose-file"
    assert refused.value.found[0].startswith(why)


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(OutriderError) as refused:
        read("services: {}")
    assert refused.value.id == "needs-yaml"
    assert refused.value.fix == ("pip install 'outrider[compose]'",)
