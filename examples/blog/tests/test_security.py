"""What holds for every form and every answer."""

from __future__ import annotations

import re

import pytest

from blog.accounts import Role
from tests.people import PASSWORD


@pytest.fixture
def config(config):
    """As in production: forms carry tokens."""
    return {**config, "WTF_CSRF_ENABLED": True}


def token_of(answer):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.text)[1]


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_forged_form_is_refused_with_a_page_that_says_why(browser, person, db, token):
    writer = person(Role.WRITER)
    owner = browser(Role.OWNER)
    owner.get("/desk/people")
    form = {} if token is None else {"csrf_token": token}
    answer = owner.post(f"/desk/people/{writer.id}/remove", data=form)
    assert answer.status_code == 400
    assert "did not come from a page of this site" in answer.text
    assert db.users.find_one({"_id": writer.id})


def test_the_token_of_another_visitor_is_refused(app, browser, person):
    writer = person(Role.WRITER)
    owner = browser(Role.OWNER)
    owner.get("/desk/people")
    token = token_of(app.test_client().get("/login"))
    answer = owner.post(f"/desk/people/{writer.id}/remove", data={"csrf_token": token})
    assert answer.status_code == 400


def test_a_forged_request_of_a_program_is_told_in_its_language(client, person):
    person(Role.OWNER)
    answer = client.post("/logout", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "did not come from a page of this site" in answer.json["message"]


def test_a_form_of_the_site_is_taken(browser, person, db):
    writer = person(Role.WRITER)
    owner = browser(Role.OWNER)
    token = token_of(owner.get(f"/desk/people/{writer.id}"))
    answer = owner.post(f"/desk/people/{writer.id}/remove", data={"csrf_token": token})
    assert answer.status_code == 303
    assert db.users.find_one({"_id": writer.id}) is None


def test_a_form_open_for_hours_is_taken(client, person, monkeypatch):
    import itsdangerous

    person(Role.OWNER)
    now = itsdangerous.TimestampSigner.get_timestamp
    monkeypatch.setattr(
        itsdangerous.TimestampSigner, "get_timestamp", lambda signer: now(signer) - 8 * 3600
    )
    token = token_of(client.get("/login"))
    monkeypatch.undo()
    form = {"login": "owner", "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", data=form).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/account",
        "/account/password",
        "/desk/people",
        "/desk/settings",
        "/desk/posts/new",
    ],
)
def test_no_form_is_read_from_json_where_a_field_may_be_an_operator(app, browser, path):
    app.config["WTF_CSRF_ENABLED"] = False
    client = browser(Role.OWNER) if path != "/login" else app.test_client()
    names = ["login", "password", "old", "again", "name", "role", "title", "slug", "text"]
    answer = client.post(path, json={name: {"$ne": ""} for name in names})
    assert answer.status_code in (303, 422)


@pytest.mark.parametrize("path", ["/", "/login", "/no-such-page", "/static/no-such-file"])
def test_every_answer_carries_the_headers(client, person, path):
    person(Role.OWNER)
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/login", "/account", "/account/password", "/desk/people", "/desk/settings"]
)
def test_no_page_needs_what_the_policy_forbids(browser, path):
    page = browser(Role.OWNER).get(path, follow_redirects=True).text
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
