"""What a visitor reads when something went wrong."""

from __future__ import annotations

import pytest
from flask import abort
from werkzeug.exceptions import TooManyRequests

from blog.accounts import Role
from tests.mongo import free_port
from tests.published import page, published, site


@pytest.fixture
def broken(config):
    """An app that shows its errors instead of raising them, with addresses that end in one."""
    with site(config | {"TESTING": False}) as app:
        yield with_errors(app)


def with_errors(app):

    @app.route("/abort/<int:status>")
    def stop(status):
        abort(status)

    @app.route("/abort/said")
    def say():
        abort(403, "Comments are <closed>.")

    @app.route("/abort/often")
    def often():
        raise TooManyRequests(retry_after=7)

    @app.route("/broken")
    def fail():
        raise RuntimeError("a secret detail")

    return app


@pytest.fixture
def away(config):
    """An app whose database is not running."""
    with site(config | {"MONGO_URL": f"mongodb://127.0.0.1:{free_port()}/blog"}) as app:
        yield app


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 429, 500, 501, 503])
def test_every_error_has_a_page(broken, status):
    answer = broken.test_client().get(f"/abort/{status}")

    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert f'<p class="status">{status}</p>' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in answer.headers


def test_an_address_that_leads_nowhere(db, broken):
    page(db, "About")

    answer = broken.test_client().get("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert 'action="/search"' in answer.text
    assert 'href="/page/about"' in answer.text


def test_a_mistake_of_ours_tells_no_details_and_what_to_report(broken):
    answer = broken.test_client().get("/broken", headers={"X-Request-ID": "4711"})

    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "<code>4711</code>" in answer.text
    assert "secret" not in answer.text


def test_what_the_view_says_is_shown_as_text(broken):
    assert "Comments are &lt;closed&gt;." in broken.test_client().get("/abort/said").text


def test_headers_of_an_error_are_kept(broken):
    client = broken.test_client()

    assert client.get("/abort/often").headers["Retry-After"] == "7"
    assert "GET" in client.post("/archive").headers["Allow"]


@pytest.mark.parametrize(
    ("headers", "mimetype"),
    [
        ({"Accept": "application/json"}, "application/json"),
        ({"Accept": "application/problem+json"}, "application/json"),
        ({"Accept": "*/*", "Content-Type": "application/json"}, "application/json"),
        ({"Accept": "text/html,application/json"}, "text/html"),
        ({"Accept": "text/html", "Content-Type": "application/json"}, "text/html"),
        ({"Accept": "*/*"}, "text/html"),
        ({}, "text/html"),
    ],
)
def test_who_is_told_in_json(broken, headers, mimetype):
    answer = broken.test_client().get("/nowhere", headers=headers)

    assert (answer.status_code, answer.mimetype) == (404, mimetype)
    if mimetype == "application/json":
        told = {"error": "There is nothing here", "message": "The page has moved or never was."}
        assert answer.json == told


@pytest.mark.parametrize("path", ["/", "/post/post", "/feed.atom", "/nowhere", "/search?q=x"])
def test_a_database_that_is_away(away, path):
    answer = away.test_client().get(path)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "Back in a moment" in answer.text
    assert "Traceback" not in answer.text
    assert "mongo" not in answer.text.lower()


def test_a_database_that_is_away_in_json(away):
    answer = away.test_client().get("/", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json["error"]) == (503, "Back in a moment")


def test_somebody_who_is_signed_in_reads_the_same_page(away):
    client = away.test_client()
    with client.session_transaction() as session:
        session["user"] = "6b036c5bd5c237ba2fcf1322"

    assert client.get("/").status_code == 503


def test_trying_again_leads_to_the_same_page(away):
    text = away.test_client().get("/search?q=nginx&page=2").text

    assert 'href="/search?q=nginx&amp;page=2">Try again</a>' in text


def test_files_need_no_database(away):
    text = away.test_client().get("/").text
    style = text.partition('rel="stylesheet" href="')[2].partition('"')[0]

    assert away.test_client().get(style, buffered=True).status_code == 200


def test_who_is_signed_in_sees_the_usual_frame(db, browser):
    published(db, "Post")

    assert "Log out" in browser(Role.WRITER).get("/nowhere").text
