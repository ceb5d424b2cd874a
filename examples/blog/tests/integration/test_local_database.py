"""Without MONGO_URL a database is started beside the site, and leaves with it."""

from __future__ import annotations

import re
import socket

import pytest

from tests.integration.conftest import environment
from tests.integration.site import Visitor, serving, until
from tests.mongo import free_port


@pytest.fixture
def env():
    return environment(MONGO_PORT=str(free_port()))


def answers(port: str) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", int(port))) == 0


def test_a_blog_that_names_no_database_begins_with_its_examples_and_a_database_of_its_own(env):
    with serving(port=free_port(), env=env) as site:
        site.wait_for(r"beside +database")
        site.wait_for(r" database .*listening on 127\.0\.0\.1:" + env["MONGO_PORT"])
        visitor = Visitor(site)
        until(lambda: visitor.get("/").status == 200)
        front = visitor.get("/").text
        assert "What slow readers" in front
        # The picture in it is an upload, and so is Nginx's to send.
        picture = re.search(r'src="(/media/[^"]+\.png)"', front)[1]
        assert visitor.get(picture).headers["Content-Type"] == "image/png"
        site.wait_for(re.escape(f"GET {picture}") + r" .*\(by nginx")
    assert not answers(env["MONGO_PORT"])


def test_a_blog_that_names_its_database_starts_none(env, mongo_url):
    with serving(port=free_port(), env=env | {"MONGO_URL": mongo_url}) as site:
        visitor = Visitor(site)
        assert visitor.get("/").status == 200
        assert "What slow readers" not in visitor.get("/").text
        assert not answers(env["MONGO_PORT"])
        assert not [line for line in site.output if " database " in line]
