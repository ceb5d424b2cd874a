"""What all tests share: a database server per test process, a database per test, people."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import argon2
import pytest
from bson import ObjectId

from blog import accounts, create_app, local_mongo
from blog.accounts import Role
from tests.people import NOW, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 60


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


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@dataclass
class Server:
    """A database server of the tests, which they may stop and start again."""

    port: int
    folder: Path
    process: subprocess.Popen | None = None

    def start(self) -> None:
        program = Path(sysconfig.get_path("scripts"), local_mongo.PROGRAM)
        with Path(f"{self.folder}.log").open("ab") as log:
            self.process = subprocess.Popen(
                local_mongo.command(self.port, self.folder, program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder.parent,
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            said = Path(f"{self.folder}.log").read_text()
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


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
