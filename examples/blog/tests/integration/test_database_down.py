"""The database is away when the site starts, or goes away while it runs."""

from __future__ import annotations

import re

from tests.integration.conftest import set_up
from tests.integration.site import Visitor, until
from tests.people import PASSWORD


def assert_told(answer):
    """Assert that the page says what is the matter, when to come again and nothing internal."""
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "The site cannot reach its database. Nothing is lost." in answer.text
    assert "127.0.0.1" not in answer.text
    assert "Traceback" not in answer.text


def test_the_database_is_away_at_the_start_and_then_goes_away_and_comes_back(start, server):
    with start() as site:
        visitor = Visitor(site)
        workers = site.workers()

        # It is not there yet: every page says so, and what needs no database is there.
        for path in ("/", "/login", "/setup", "/desk/", "/feed.atom", "/no-such-page"):
            assert_told(visitor.get(path))
        told = visitor.get("/", Accept="application/json")
        assert told.status == 503
        assert "cannot reach its database" in told.json()["message"]
        style = re.search(r'href="(/static/style[^"]+css)"', visitor.get("/").text)[1]
        assert visitor.get(style).status == 200

        # It comes up, and is used without a restart.
        server.start()
        until(lambda: visitor.get("/").status == 200)
        assert set_up(visitor).status == 303
        assert visitor.get("/desk/people").status == 200

        # It dies: the same pages, also for who is signed in and who sends a form.
        server.kill()
        for path in ("/", "/login", "/desk/people"):
            assert_told(visitor.get(path))
        guest = Visitor(site)
        assert_told(guest.get("/archive"))

        # It comes back with what it had; whoever was signed in still is.
        server.start()
        until(lambda: visitor.get("/desk/people").status == 200)
        assert "Harbour Notes" in visitor.get("/").text
        assert guest.send("/login", login="owner", password=PASSWORD).status == 303

        assert site.workers() == workers


def test_a_form_sent_while_the_database_is_away_is_told_and_can_be_sent_again(start, server):
    if server.process is None:
        server.start()
    with start() as site:
        visitor = Visitor(site)
        page = visitor.get("/login", Accept="text/html")
        if page.status == 303:  # nobody has set it up yet
            set_up(visitor)
            visitor = Visitor(site)
            page = visitor.get("/login")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
        form = {"login": "owner", "password": PASSWORD, "csrf_token": token}
        server.kill()
        assert_told(visitor.post("/login", **form))
        server.start()
        until(lambda: visitor.get("/").status == 200)
        assert visitor.post("/login", **form).status == 303
