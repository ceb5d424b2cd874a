"""The blog by https, which a proxy in front of it speaks."""

from __future__ import annotations

from tests.integration.site import Visitor
from tests.people import PASSWORD


def test_the_cookie_is_sent_by_https_only_and_forms_come_from_the_public_name(start, server):
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
        assert visitor.send("/setup", here, **form).status == 303
