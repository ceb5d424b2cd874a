"""`outrider run` in the folder of the blog, as its README says."""

from __future__ import annotations

import socket

import pytest

from tests.integration.conftest import environment
from tests.integration.site import Visitor, serving, until
from tests.mongo import free_port
from tests.people import PASSWORD


def test_with_nothing_said_it_has_a_database_of_its_own_and_posts_to_begin_with():
    mongo_port = free_port()
    env = environment(MONGO_PORT=str(mongo_port))
    with serving("--workers", "1", port=free_port(), env=env) as site:
        visitor = Visitor(site)
        until(lambda: visitor.get("/").status == 200)
        assert 'class="posts"' in visitor.get("/").text
        picture = until(lambda: visitor.picture("/"))
        assert visitor.get(picture).status == 200
        site.wait_for(rf"nginx +200 GET {picture} .*\(by nginx\)")
        with socket.create_connection(("127.0.0.1", mongo_port)):
            pass
    # It ends with the site.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", mongo_port))


def test_behind_a_proxy_that_speaks_https_the_cookie_is_sent_by_https_only(start, server):
    if server.process is None:
        server.start()
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "blog.example.org"}
    with start("--trusted-proxy", "127.0.0.1") as site:
        visitor = Visitor(site)
        cookie = visitor.get("/setup", **proxied).headers["Set-Cookie"]
        assert "Secure" in cookie
        form = {"site": "Notes", "login": "ada", "name": "Ada", "password": PASSWORD}
        form |= {"again": PASSWORD}

        # On https the browser says which page sent the form.
        elsewhere = {"Referer": "https://evil.example/setup", **proxied}
        assert visitor.send("/setup", elsewhere, **form).status == 400
        here = {"Referer": "https://blog.example.org/setup", **proxied}
        answer = visitor.send("/setup", here, **form)
        assert answer.status == 303
        assert answer.headers["Location"] in ("/desk/", "https://blog.example.org/desk/")
