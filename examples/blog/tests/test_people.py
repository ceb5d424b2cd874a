"""The owner looks after people: invites, roles, passwords, removing, handing over."""

from __future__ import annotations

import re

import pytest

from blog import accounts
from blog.accounts import Role
from tests.people import PASSWORD

INVITE = {"login": "grace", "name": "Grace Hopper", "role": "writer"}


def log_in(app, login, password=PASSWORD):
    client = app.test_client()
    client.post("/login", data={"login": login, "password": password})
    return client


def shown_password(answer):
    return re.search(r"<code>(.+)</code>", answer.text)[1]


def role_of(db, user):
    return accounts.by_id(db, user.id).role


# -- who may come here -----------------------------------------------------------------------------

PAGES = ["/desk/people", "/desk/people/{id}", "/desk/people/{id}/owner", "/desk/settings"]
ACTIONS = ["role", "password", "remove", "owner"]


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER, Role.EDITOR])
@pytest.mark.parametrize("path", PAGES)
def test_only_the_owner_sees_these_pages(browser, person, role, path):
    person(Role.OWNER)
    somebody = person(Role.READER, "somebody")
    assert browser(role).get(path.format(id=somebody.id)).status_code == 403


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER, Role.EDITOR])
@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_owner_does_these_things(browser, person, db, role, action):
    person(Role.OWNER)
    somebody = person(Role.READER, "somebody")
    before = db.users.find_one({"_id": somebody.id})
    form = {"role": "editor", "password": PASSWORD}
    answer = browser(role).post(f"/desk/people/{somebody.id}/{action}", data=form)
    assert answer.status_code == 403
    assert db.users.find_one({"_id": somebody.id}) == before


@pytest.mark.parametrize("path", PAGES)
def test_a_visitor_is_asked_to_sign_in(client, person, path):
    owner = person(Role.OWNER)
    path = path.format(id=owner.id)
    assert client.get(path).location == f"/login?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_the_owner_sees_them(browser, person, path):
    somebody = person(Role.READER, "somebody")
    assert browser(Role.OWNER).get(path.format(id=somebody.id)).status_code == 200


@pytest.mark.parametrize("id", ["nonsense", "0" * 24, "1", "[$ne]=1"])
def test_nobody_is_not_found(browser, id):
    client = browser(Role.OWNER)
    assert client.get(f"/desk/people/{id}").status_code == 404
    assert client.post(f"/desk/people/{id}/remove").status_code == 404


# -- inviting --------------------------------------------------------------------------------------


def test_somebody_invited_signs_in_with_the_password_that_is_shown_once(app, browser, db):
    owner = browser(Role.OWNER)
    answer = owner.post("/desk/people", data=INVITE)
    password = shown_password(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    with owner.session_transaction() as session:
        assert password not in str(session)  # where a flash message would be
    grace = log_in(app, "grace", password)
    assert grace.get("/account").status_code == 200
    for page in ("/desk/people", f"/desk/people/{db.users.find_one({'login': 'grace'})['_id']}"):
        assert password not in owner.get(page).text


def test_two_invited_have_different_passwords(browser):
    owner = browser(Role.OWNER)
    first = shown_password(owner.post("/desk/people", data=INVITE))
    second = shown_password(owner.post("/desk/people", data={**INVITE, "login": "other"}))
    assert first != second


def test_a_login_that_somebody_has_is_not_given_again(browser, person, db):
    person(Role.WRITER, "grace")
    answer = browser(Role.OWNER).post("/desk/people", data={**INVITE, "login": "Grace"})
    assert answer.status_code == 409
    assert "Somebody has this login." in answer.text
    assert len(accounts.everyone(db)) == 2


@pytest.mark.parametrize("role", ["owner", "king", "", "0"])
def test_nobody_is_invited_as_what_there_is_not(browser, db, role):
    answer = browser(Role.OWNER).post("/desk/people", data={**INVITE, "role": role})
    assert answer.status_code == 422
    assert len(accounts.everyone(db)) == 1


# -- roles, passwords, removing --------------------------------------------------------------------


def test_a_role_changed_counts_from_the_next_page(browser, person, db):
    writer = person(Role.WRITER)
    theirs, owner = browser(writer), browser(Role.OWNER)
    assert theirs.get("/desk/").status_code == 200
    answer = owner.post(f"/desk/people/{writer.id}/role", data={"role": "reader"})
    assert answer.status_code == 303
    assert theirs.get("/desk/").status_code == 403
    assert "Writer is a reader now." in owner.get("/desk/people").text


@pytest.mark.parametrize("role", ["owner", "king", ""])
def test_nobody_becomes_what_there_is_not(browser, person, db, role):
    writer = person(Role.WRITER)
    answer = browser(Role.OWNER).post(f"/desk/people/{writer.id}/role", data={"role": role})
    assert answer.status_code == 422
    assert role_of(db, writer) is Role.WRITER


def test_a_new_password_replaces_the_old_one_and_ends_the_sessions(app, browser, person):
    writer = person(Role.WRITER)
    theirs, owner = browser(writer), browser(Role.OWNER)
    password = shown_password(owner.post(f"/desk/people/{writer.id}/password"))
    assert theirs.get("/account").status_code == 303
    assert log_in(app, "writer").get("/account").status_code == 303
    assert log_in(app, "writer", password).get("/account").status_code == 200


def test_who_is_removed_is_signed_out_and_cannot_sign_in(app, browser, person):
    writer = person(Role.WRITER)
    theirs, owner = browser(writer), browser(Role.OWNER)
    assert owner.post(f"/desk/people/{writer.id}/remove").location == "/desk/people"
    assert theirs.get("/account").status_code == 303
    assert log_in(app, "writer").get("/account").status_code == 303


@pytest.mark.parametrize("action", ["role", "password", "remove"])
def test_the_owner_is_neither_demoted_nor_removed_nor_given_a_password(browser, person, db, action):
    owner = person(Role.OWNER)
    before = db.users.find_one({"_id": owner.id})
    client = browser(owner)
    answer = client.post(f"/desk/people/{owner.id}/{action}", data={"role": "reader"})
    assert answer.status_code == 409
    assert db.users.find_one({"_id": owner.id}) == before
    assert "cannot be removed" in client.get(f"/desk/people/{owner.id}").text


# -- handing over ----------------------------------------------------------------------------------


def test_the_site_is_handed_over_with_the_owners_password(browser, person, db):
    owner, writer = person(Role.OWNER), person(Role.WRITER)
    client, theirs = browser(owner), browser(writer)
    answer = client.post(f"/desk/people/{writer.id}/owner", data={"password": PASSWORD})
    assert answer.location == "/desk/"
    assert (role_of(db, owner), role_of(db, writer)) == (Role.EDITOR, Role.OWNER)
    assert client.get("/desk/people").status_code == 403
    assert theirs.get("/desk/people").status_code == 200


@pytest.mark.parametrize("password", ["", "not this one"])
def test_without_the_password_nothing_is_handed_over(browser, person, db, password):
    owner, writer = person(Role.OWNER), person(Role.WRITER)
    path = f"/desk/people/{writer.id}/owner"
    answer = browser(owner).post(path, data={"password": password})
    assert answer.status_code in (403, 422)
    assert (role_of(db, owner), role_of(db, writer)) == (Role.OWNER, Role.WRITER)


def test_the_password_is_not_guessed_here_either(browser, person):
    owner, writer = person(Role.OWNER), person(Role.WRITER)
    client, path = browser(owner), f"/desk/people/{writer.id}/owner"
    for _ in range(5):
        assert client.post(path, data={"password": "not this one"}).status_code == 403
    assert client.post(path, data={"password": PASSWORD}).status_code == 429


def test_the_owner_does_not_hand_over_to_the_owner(browser, person, db):
    owner = person(Role.OWNER)
    answer = browser(owner).post(f"/desk/people/{owner.id}/owner", data={"password": PASSWORD})
    assert answer.status_code == 404
    assert role_of(db, owner) is Role.OWNER


def test_a_hand_over_that_was_cut_short_is_finished(client, person, db):
    owner, writer = person(Role.OWNER), person(Role.WRITER)
    # All that the first of its two steps writes.
    heir = {"$set": {"role": "editor", "heir": writer.id}}
    db.users.update_one({"_id": owner.id}, heir)
    assert client.get("/setup").status_code == 404
    assert (role_of(db, owner), role_of(db, writer)) == (Role.EDITOR, Role.OWNER)
    assert db.users.count_documents({"heir": {"$exists": True}}) == 0


def test_a_hand_over_to_somebody_removed_meanwhile_leaves_the_owner(client, person, db):
    owner, writer = person(Role.OWNER), person(Role.WRITER)
    heir = {"$set": {"role": "editor", "heir": writer.id}}
    db.users.update_one({"_id": owner.id}, heir)
    db.users.delete_one({"_id": writer.id})
    assert client.get("/setup").status_code == 404
    assert role_of(db, owner) is Role.OWNER


def test_the_database_itself_allows_one_owner(person):
    person(Role.OWNER)
    with pytest.raises(accounts.DuplicateKeyError):
        person(Role.OWNER, "second")
