"""What all tests share: a database server per test process, a database per test, people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import argon2
import pytest
from bson import ObjectId

from blog import accounts, create_app
from blog.accounts import Role
from tests.mongo import Server, free_port
from tests.people import NOW, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("FLASK_", "OUTRIDER_")):
            monkeypatch.delenv(name)
    for name in ("MONGO_URL", "MONGO_PORT", "SECRET_KEY", "MEDIA_ROOT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch):
    """Hash with parameters for a test; those of production are asked for by name."""
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "_HASHER", quick)
    monkeypatch.setattr(accounts, "_NOBODYS", quick.hash("of nobody"))


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory) -> Iterator[Server]:
    """One for all tests of this process; none of them may stop it."""
    server = Server(free_port(), tmp_path_factory.mktemp("mongo") / "files")
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def mongo_url(mongo_server) -> str:
    """The address of a database that is empty."""
    return f"mongodb://127.0.0.1:{mongo_server.port}/test-{ObjectId()}"


@pytest.fixture
def config(mongo_url, tmp_path) -> dict[str, object]:
    """How the app of a test is configured; a test may take one without CSRF tokens from it."""
    return {
        "MONGO_URL": mongo_url,
        "SECRET_KEY": "of the tests",
        "MEDIA_ROOT": str(tmp_path / "media"),
        "TESTING": True,
        "WTF_CSRF_ENABLED": False,
    }


@pytest.fixture
def app(config):
    app = create_app(config)
    yield app
    for connection in app.extensions["database"]._connections.values():
        connection.client.close()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def db(app, mongo_url):
    """The database of the app, indexes made, without an app context that would last too long."""
    from blog import database

    with app.app_context():
        return database.get()


@pytest.fixture
def person(db):
    """Return what makes somebody of a role; the login is the role's word unless given."""

    def make(role: Role, login: str | None = None) -> accounts.User:
        login = login or role.word
        return accounts.add(db, login, login.title(), PASSWORD, role, NOW)

    return make


@pytest.fixture
def browser(app, person):
    """Return what gives a browser in which somebody of a role is signed in."""

    def sign_in(who: Role | accounts.User):
        user = person(who) if isinstance(who, Role) else who
        client = app.test_client()
        with client.session_transaction() as session:
            session["user"] = str(user.id)
            session["epoch"] = user.session
        return client

    return sign_in
