"""The blog through `outrider run`."""

from __future__ import annotations

import os

import pytest

from tests.integration.site import Visitor, serving
from tests.mongo import Server, free_port
from tests.people import PASSWORD


def environment(**more: str) -> dict[str, str]:
    """Return what the blog may know of this machine."""
    names = ("PATH", "HOME", "LANG")
    return {**{name: os.environ[name] for name in names if name in os.environ}, **more}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A database server of this module's own, not running yet."""
    server = Server(free_port(), tmp_path_factory.mktemp("own") / "files")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def start(server):
    """Return what runs the blog with that server's database."""

    def start(*words: str):
        env = environment(MONGO_URL=f"mongodb://127.0.0.1:{server.port}/blog")
        return serving("--workers", "2", *words, port=free_port(), env=env)

    return start


@pytest.fixture(scope="module")
def site(start, server):
    """The blog, for all tests of the module; its owner is `owner`."""
    server.start()
    with start() as site:
        answer = set_up(Visitor(site))
        assert answer.status == 303, answer.text
        yield site


@pytest.fixture
def visitor(site):
    return Visitor(site)


def set_up(visitor: Visitor):
    return visitor.send(
        "/setup",
        site="Harbour Notes",
        login="owner",
        name="Ada",
        password=PASSWORD,
        again=PASSWORD,
    )
