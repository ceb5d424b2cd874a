"""One's own account, and the settings of the site."""

from __future__ import annotations

import pytest

from blog import accounts, preferences
from blog.accounts import Role
from blog.preferences import Preferences
from tests.people import PASSWORD

NEW = "another long password"
CHANGE = {"old": PASSWORD, "password": NEW, "again": NEW}
SETTINGS = {
    "name": "Harbour Notes",
    "subtitle": "",
    "posts_per_page": "5",
    "timezone": "Europe/Berlin",
    "registration": "y",
    "comments": "closed",
}


@pytest.mark.parametrize("path", ["/account", "/account/password"])
@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_an_account_page(browser, role, path):
    assert browser(role).get(path).status_code == 200


def test_a_name_is_changed(browser, person, db):
    writer = person(Role.WRITER)
    client = browser(writer)
    assert client.post("/account", data={"name": "  W. Riter "}).status_code == 303
    assert accounts.by_id(db, writer.id).name == "W. Riter"
    assert 'value="W. Riter"' in client.get("/account").text


def test_a_name_is_text(browser, person, db):
    client = browser(Role.WRITER)
    client.post("/account", data={"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in client.get("/account").text


def test_a_new_password_ends_all_sessions_but_this_one(app, browser, person, db):
    owner = person(Role.OWNER)
    here, elsewhere = browser(owner), browser(owner)
    assert here.post("/account/password", data=CHANGE).location == "/account"
    assert "Your password is changed" in here.get("/account").text
    assert elsewhere.get("/account").location.startswith("/login")
    assert accounts.check(db, "owner", PASSWORD) is None
    assert accounts.check(db, "owner", NEW).id == owner.id


@pytest.mark.parametrize(
    ("field", "text", "status"),
    [
        ("old", "not this one", 403),
        ("old", "", 422),
        ("again", "another one", 422),
        ("password", "short", 422),
    ],
)
def test_with_something_wrong_the_password_stays(browser, person, db, field, text, status):
    owner = person(Role.OWNER)
    client = browser(owner)
    answer = client.post("/account/password", data={**CHANGE, field: text})
    assert answer.status_code == status
    assert accounts.check(db, "owner", PASSWORD)
    assert client.get("/account").status_code == 200


def test_whoever_finds_a_browser_open_cannot_guess_the_password(browser):
    client = browser(Role.OWNER)
    for _ in range(5):
        client.post("/account/password", data={**CHANGE, "old": "not this one"})
    answer = client.post("/account/password", data=CHANGE)
    assert answer.status_code == 429
    assert "Please try again in 15 minutes" in answer.text


# -- settings --------------------------------------------------------------------------------------


def test_the_settings_are_as_they_should_be_before_anybody_set_them(db):
    assert preferences.load(db) == Preferences()


def test_settings_are_saved_and_shown(browser, db):
    client = browser(Role.OWNER)
    assert client.post("/desk/settings", data=SETTINGS).status_code == 303
    assert preferences.load(db) == Preferences(
        name="Harbour Notes",
        subtitle="",
        posts_per_page=5,
        timezone="Europe/Berlin",
        registration=True,
        comments="closed",
    )
    page = client.get("/desk/settings").text
    assert "Harbour Notes" in page
    assert '<option selected value="Europe/Berlin">' in page
    assert "checked" in page


def test_a_box_that_is_not_ticked_is_no(browser, db):
    preferences.save(db, Preferences(registration=True))
    form = {name: text for name, text in SETTINGS.items() if name != "registration"}
    browser(Role.OWNER).post("/desk/settings", data=form)
    assert preferences.load(db).registration is False


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("posts_per_page", "0"),
        ("posts_per_page", "101"),
        ("posts_per_page", "ten"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("comments", "perhaps"),
        ("name", ""),
        ("name", "A" * 81),
    ],
)
def test_settings_that_make_no_sense_are_refused(browser, db, field, text):
    answer = browser(Role.OWNER).post("/desk/settings", data={**SETTINGS, field: text})
    assert answer.status_code == 422
    assert preferences.load(db) == Preferences()


def test_settings_of_a_later_version_do_not_matter(db):
    db.preferences.insert_one({"_id": "site", "name": "Notes", "colour": "green"})
    assert preferences.load(db) == Preferences(name="Notes")
