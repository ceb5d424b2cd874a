"""Which service of a Compose file is the app, and how it is served."""

from __future__ import annotations

import pytest

from outrider.errors import OutriderError
from outrider.plan.roles import decide_roles
from outrider.plan.server_command import understand
from tests.handwritten import starting

PASSING = "server {{ location / {{ proxy_pass http://{}:8000; }} }}"


def roles(compose: str, nginx: str = "", docker: str = "", asked: str | None = None):
    return decide_roles(starting(f"services: {{{compose}}}", nginx, docker), asked)


def test_app_proxy_and_databases_are_told_by_their_images():
    found = roles(
        "blog: {image: me/blog}, db: {image: 'docker.io/library/postgres:16'}, "
        "cache: {image: redis}, front: {image: 'nginxinc/nginx-unprivileged:stable'}"
    )
    assert found.app is not None
    assert found.proxy is not None
    assert (found.app.name, found.proxy.name) == ("blog", "front")
    assert [(kind, one.name) for kind, one in found.databases] == [
        ("postgres", "db"),
        ("redis", "cache"),
    ]


@pytest.mark.parametrize(
    ("compose", "nginx"),
    [
        ("web: {image: a}, mail: {image: b}", PASSING.format("web")),
        (
            "web: {image: a}, mail: {image: b}",
            "upstream u { server web:8000; } server { location / { proxy_pass http://u; } }",
        ),
        ("web: {image: a}, mail: {image: b}, front: {image: nginx, depends_on: [web]}", ""),
        ("web: {image: a, command: gunicorn shop:app}, worker: {image: a, command: celery}", ""),
        ("web: {build: .}, worker: {build: ., command: celery -A shop worker}", ""),
    ],
    ids=["nginx-names-it", "an-upstream-has-it", "the-proxy-waits", "it-serves", "no-command"],
)
def test_the_app_is_found_among_several(compose, nginx):
    found = roles(compose, nginx)
    assert found.app is not None
    assert found.app.name == "web"
    assert len(found.others) == 1


def test_several_that_could_be_the_app_are_asked_for():
    with pytest.raises(OutriderError) as refused:
        roles("api: {build: ./api}, site: {build: ./site}")
    assert refused.value.id == "which-service"
    found = roles("api: {build: ./api}, site: {build: ./site}", asked="site")
    assert found.app is not None
    assert found.app.name == "site"


@pytest.mark.parametrize(
    ("compose", "asked"), [("web: {build: .}", "blog"), ("db: {image: mongo}", None)]
)
def test_a_service_that_is_not_there(compose, asked):
    with pytest.raises(OutriderError) as refused:
        roles(compose, asked=asked)
    assert refused.value.id == "no-service"


def test_a_compose_file_of_a_proxy_alone_has_no_app():
    assert roles("front: {image: nginx}").app is None


def test_the_command_of_the_service_counts_before_that_of_the_image():
    docker = "FROM python\nCMD gunicorn old:app\n"
    found = roles("web: {build: ., command: gunicorn -b :9000 new:app}", docker=docker)
    assert (found.command.target, found.command.port) == ("new:app", "9000")
    assert found.command_source == "service web"
    found = roles("web: {build: .}", docker=docker)
    assert (found.command.target, found.command_source) == ("old:app", "Dockerfile:2")


@pytest.mark.parametrize(
    ("command", "target", "port"),
    [
        ("gunicorn -w 2 -b :8000 manage:app", "manage:app", "8000"),
        ("python -m gunicorn --bind=0.0.0.0:80 shop.wsgi", "shop.wsgi", "80"),
        ("gunicorn --reload 'shop:create_app()'", "shop:create_app()", ""),
        ("gunicorn -c conf.py shop.wsgi:application", "shop.wsgi:application", ""),
        ("uvicorn main:app --host 0.0.0.0 --port 80", "main:app", "80"),
        ("uwsgi --http :9090 --module shop:app", "shop:app", "9090"),
        ("uwsgi --ini uwsgi.ini", "", ""),
        ("celery -A shop worker", "", ""),
        ("gunicorn -b unix:/run/app.sock shop:app", "shop:app", ""),
    ],
)
def test_the_words_of_a_server_are_understood(command, target, port):
    found = understand(tuple(word.strip("'") for word in command.split()))
    assert (found.target, found.port) == (target, port)


@pytest.mark.parametrize(
    "command", ["flask run -h 0.0.0.0", "python manage.py runserver 0:80", "python -m flask run"]
)
def test_servers_for_development_are_known(command):
    assert understand(tuple(command.split())).is_for_development
