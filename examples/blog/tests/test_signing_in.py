"""Setting up, signing in and out, and what wrong passwords lead to."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import argon2
import pytest

from blog import accounts, create_app, preferences
from blog.accounts import Role
from blog.preferences import Preferences
from tests.people import PASSWORD

SET_UP = {
    "site": "Harbour Notes",
    "login": "Ada",
    "name": "Ada Lovelace",
    "password": PASSWORD,
    "again": PASSWORD,
}


def log_in(client, login="owner", password=PASSWORD, target="/login", address="203.0.113.7"):
    form = {"login": login, "password": password}
    return client.post(target, data=form, environ_base={"REMOTE_ADDR": address})


# -- setting up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/desk/", "/desk/people", "/desk/settings", "/account"])
def test_a_new_site_leads_to_its_set_up(client, path):
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.location == "/setup"


def test_the_first_one_owns_the_site_and_is_signed_in(client, db):
    answer = client.post("/setup", data=SET_UP)
    assert answer.location == "/desk/"
    assert client.get("/desk/people").status_code == 200
    owner = accounts.owner(db)
    assert (owner.login, owner.name, owner.role) == ("ada", "Ada Lovelace", Role.OWNER)
    assert preferences.load(db).name == "Harbour Notes"


def test_there_is_no_set_up_of_a_site_that_has_an_owner(client, person, db):
    person(Role.OWNER)
    assert client.get("/setup").status_code == 404
    assert client.post("/setup", data=SET_UP).status_code == 404
    assert [user.login for user in accounts.everyone(db)] == ["owner"]


def test_the_second_of_two_set_ups_at_the_same_moment_is_told(app, db, monkeypatch):
    """Both have seen that there is no owner before either writes one."""
    both_looked = Barrier(2)
    seen = accounts.owner

    def looked(database):
        found = seen(database)
        if found is None and both_looked.n_waiting < 2 and not both_looked.broken:
            both_looked.wait(30)
        return found

    answers = {}

    def set_up(login):
        client = app.test_client()
        answers[login] = client.post("/setup", data={**SET_UP, "login": login})

    # Past the first look of the view, at the one of accounts.set_up.
    monkeypatch.setattr("blog.views.accounts.accounts.owner", looked)
    threads = [Thread(target=set_up, args=(login,)) for login in ("ada", "grace")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    monkeypatch.undo()
    assert sorted(answer.location for answer in answers.values()) == ["/desk/", "/login"]
    assert len(accounts.everyone(db)) == 1
    loser = next(answer for answer in answers.values() if answer.location == "/login")
    client = app.test_client()
    client.set_cookie("blog", _cookie(loser))
    assert "Somebody else has set up this site" in client.get("/login").text


def _cookie(answer):
    return answer.headers["Set-Cookie"].split(";")[0].removeprefix("blog=")


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("password", "short", "Please use 10 characters or more."),
        ("again", "something else", "The two are not the same."),
        ("login", "two words", "Letters, digits and"),
        ("login", "", "This field is required."),
        ("name", "", "This field is required."),
        ("name", "line\nbreak", "in one line"),
        ("name", "A" * 81, "between 1 and 80 characters"),
        ("site", "", "This field is required."),
    ],
)
def test_a_set_up_with_something_wrong_says_what(client, db, field, text, message):
    answer = client.post("/setup", data={**SET_UP, field: text})
    assert answer.status_code == 422
    assert message in answer.text
    assert accounts.owner(db) is None


# -- signing in ------------------------------------------------------------------------------------


def test_signing_in_leads_to_the_desk(client, person):
    person(Role.OWNER)
    answer = log_in(client)
    assert (answer.status_code, answer.location) == (303, "/desk/")
    assert client.get("/desk/").status_code == 200


@pytest.mark.parametrize("login", ["OWNER", " owner ", "Owner", "\uff4fwner"])
def test_a_login_is_the_same_however_it_is_typed(client, person, login):
    person(Role.OWNER)
    assert log_in(client, login).status_code == 303


def test_a_reader_is_led_to_the_front_page(client, person):
    person(Role.OWNER)
    person(Role.READER)
    assert log_in(client, "reader").location == "/"


def test_a_wrong_password_and_an_unknown_name_look_the_same(client, person, monkeypatch):
    person(Role.OWNER)
    checked = []
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher,
        "verify",
        lambda hasher, *given: checked.append(given) or verify(hasher, *given),
    )
    wrong = log_in(client, "owner", "not this one")
    unknown = log_in(client, "nobody", "not this one")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace("owner", "nobody") == unknown.text
    assert "no account with this login and this password" in wrong.text
    # The same work: one hash each, made with the same parameters.
    assert len(checked) == 2
    assert checked[0][0].split("$")[:4] == checked[1][0].split("$")[:4]


def test_what_was_typed_as_password_is_not_sent_back(client, person):
    person(Role.OWNER)
    assert "not this one" not in log_in(client, "owner", "not this one").text


@pytest.mark.parametrize("field", ["login", "password"])
def test_operators_of_the_database_are_not_understood(client, person, field):
    person(Role.OWNER)
    form = {"login": "owner", "password": PASSWORD}
    del form[field]
    answer = client.post("/login", data={**form, f"{field}[$ne]": "x", f"{field}[$gt]": ""})
    assert answer.status_code == 422
    answer = client.post("/login", json={**form, field: {"$ne": ""}})
    assert answer.status_code in (403, 422)
    assert client.get("/desk/").status_code == 303


def test_a_password_hashed_in_another_way_is_hashed_again_when_it_is_given(client, person, db):
    owner = person(Role.OWNER)
    old = argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    db.users.update_one({"_id": owner.id}, {"$set": {"password": old}})
    assert log_in(client, password="not this one").status_code == 403
    assert db.users.find_one()["password"] == old
    assert log_in(client).status_code == 303
    stored = db.users.find_one()["password"]
    assert "t=1" in stored
    assert log_in(app_client(client)).status_code == 303
    assert db.users.find_one()["password"] == stored


def app_client(client):
    return client.application.test_client()


# -- where to go afterwards ------------------------------------------------------------------------


def test_signing_in_leads_back_to_the_page_that_asked_for_it(client, person):
    person(Role.OWNER)
    answer = client.get("/desk/people?filter=a%26b&x=1")
    assert answer.status_code == 303
    assert log_in(client, target=answer.location).location == "/desk/people?filter=a%26b&x=1"


def test_the_way_back_is_right_below_a_prefix(client, person):
    person(Role.OWNER)
    answer = client.get("/desk/people", environ_overrides={"SCRIPT_NAME": "/blog"})
    assert answer.location == "/blog/login?next=/blog/desk/people"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "https:evil.example",
        "///evil.example",
        "/ /evil.example",
        "//[",
        "",
    ],
)
def test_signing_in_leads_to_no_other_site(client, person, target):
    person(Role.OWNER)
    answer = client.post(
        "/login", query_string={"next": target}, data={"login": "owner", "password": PASSWORD}
    )
    assert answer.location == "/desk/"


def test_who_is_signed_in_is_sent_on(browser):
    client = browser(Role.OWNER)
    assert client.get("/login").location == "/desk/"
    assert client.get("/login?next=/archive").location == "/archive"


# -- too many attempts -----------------------------------------------------------------------------


def test_the_sixth_wrong_password_is_told_when_to_try_again(client, person):
    person(Role.OWNER)
    for _ in range(5):
        assert log_in(client, password="not this one").status_code == 403
    answer = log_in(client)
    assert answer.status_code == 429
    assert "Too many attempts. Please try again in 15 minutes" in answer.text
    assert 840 < int(answer.headers["Retry-After"]) <= 900


def test_an_unknown_name_is_limited_as_well(client, person):
    person(Role.OWNER)
    for _ in range(5):
        assert log_in(client, "nobody").status_code == 403
    assert log_in(client, "nobody").status_code == 429


def test_waiting_helps_and_what_was_refused_does_not_count(client, person, db):
    person(Role.OWNER)
    for _ in range(5):
        log_in(client, password="not this one")
    for _ in range(5):
        assert log_in(client).status_code == 429
    for found in db.attempts.find():
        earlier = found["at"] - timedelta(minutes=16)
        db.attempts.update_one({"_id": found["_id"]}, {"$set": {"at": earlier}})
    assert log_in(client).status_code == 303


def test_the_right_password_ends_the_counting(client, person):
    person(Role.OWNER)
    for _ in range(4):
        log_in(client, password="not this one")
    assert log_in(client).status_code == 303
    for _ in range(4):
        assert log_in(app_client(client), password="not this one").status_code == 403


def test_one_address_cannot_lock_the_owner_out_at_another(client, person):
    person(Role.OWNER)
    for _ in range(7):
        log_in(client, password="not this one", address="203.0.113.7")
    assert log_in(client, address="203.0.113.7").status_code == 429
    assert log_in(client, address="198.51.100.1").status_code == 303


def test_one_address_cannot_try_all_the_names(client, person):
    person(Role.OWNER)
    for number in range(20):
        assert log_in(client, f"name{number}").status_code == 403
    assert log_in(client, "name20").status_code == 429


def test_addresses_of_one_network_are_one_visitor(client, person):
    person(Role.OWNER)
    for number in range(5):
        log_in(client, password="not this one", address=f"2001:db8:0:1::{number}")
    assert log_in(client, address="2001:db8:0:1:ffff::1").status_code == 429
    assert log_in(client, address="2001:db8:0:2::1").status_code == 303


def test_a_site_that_is_not_told_addresses_still_limits(client, person):
    person(Role.OWNER)
    for _ in range(5):
        assert log_in(client, password="not this one", address="").status_code == 403
    assert log_in(client, address="").status_code == 429


# -- the session -----------------------------------------------------------------------------------


def test_signing_out_ends_the_session(browser):
    client = browser(Role.OWNER)
    assert client.post("/logout").location == "/"
    assert client.get("/desk/").status_code == 303


def test_a_link_signs_nobody_out(browser):
    client = browser(Role.OWNER)
    assert client.get("/logout").status_code == 405
    assert client.get("/desk/").status_code == 200


def test_the_cookie_is_the_sites_own(client, person):
    person(Role.OWNER)
    cookie = log_in(client).headers["Set-Cookie"]
    assert cookie.startswith("blog=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_the_cookie_of_an_https_site_is_sent_by_https_only(client, person):
    person(Role.OWNER)
    answer = client.post(
        "/login", data={"login": "owner", "password": PASSWORD}, base_url="https://localhost"
    )
    assert "Secure" in answer.headers["Set-Cookie"]


def test_nothing_of_an_earlier_session_is_kept(client, person):
    person(Role.OWNER)
    with client.session_transaction() as session:
        session["prepared"] = "by somebody else"
    log_in(client)
    with client.session_transaction() as session:
        assert "prepared" not in session


@pytest.mark.parametrize("user", ["", "nonsense", "0" * 24, 7, None, ["x"], {"$ne": None}])
def test_a_session_of_nobody_is_nobodys(client, person, user):
    person(Role.OWNER)
    with client.session_transaction() as session:
        session["user"] = user
        session["epoch"] = 1
    assert client.get("/desk/").location.startswith("/login")


def test_a_cookie_signed_with_another_key_is_nobodys(app, browser, config):
    client = browser(Role.OWNER)
    other = create_app({**config, "SECRET_KEY": "another"}).test_client()
    other.set_cookie("blog", client.get_cookie("blog").value)
    assert other.get("/account").location.startswith("/login")
    for connection in other.application.extensions["database"]._connections.values():
        connection.client.close()


# -- registering -----------------------------------------------------------------------------------

REGISTER = {"login": "rhea", "name": "Rhea", "password": PASSWORD, "again": PASSWORD}


def test_nobody_registers_unless_the_owner_allows_it(client, person, db):
    person(Role.OWNER)
    assert client.get("/register").status_code == 404
    assert client.post("/register", data=REGISTER).status_code == 404
    assert "Register" not in client.get("/login").text


def test_a_visitor_registers_as_a_reader(client, person, db):
    person(Role.OWNER)
    preferences.save(db, Preferences(registration=True))
    assert 'href="/register"' in client.get("/login").text
    assert client.post("/register", data={**REGISTER, "role": "owner"}).location == "/"
    assert client.get("/account").status_code == 200
    assert client.get("/desk/people").status_code == 403
    assert [user.role for user in accounts.everyone(db)] == [Role.OWNER, Role.READER]


def test_a_login_that_somebody_has_is_refused(client, person, db):
    person(Role.OWNER)
    preferences.save(db, Preferences(registration=True))
    answer = client.post("/register", data={**REGISTER, "login": "OWNER"})
    assert answer.status_code == 403
    assert "Somebody has this login." in answer.text


def test_one_address_makes_only_so_many_accounts(app, person, db):
    person(Role.OWNER)
    preferences.save(db, Preferences(registration=True))
    statuses = [
        app.test_client().post("/register", data={**REGISTER, "login": f"r{n}"}).status_code
        for n in range(6)
    ]
    assert statuses == [303] * 5 + [429]
