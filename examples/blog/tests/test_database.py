"""The connection of each process, and what it does when the database was away."""

from __future__ import annotations

import os

import pytest
from pymongo.errors import ConnectionFailure

from blog import create_app, database
from tests.mongo import Server, free_port


@pytest.fixture
def own_server(tmp_path):
    """Return a server that the test may stop; it is not running yet."""
    server = Server(free_port(), tmp_path / "own")
    yield server
    server.kill()


@pytest.fixture
def own_app(config, own_server):
    app = create_app({**config, "MONGO_URL": f"mongodb://127.0.0.1:{own_server.port}/blog"})
    yield app
    for connection in app.extensions["database"]._connections.values():
        connection.client.close()


def test_no_client_is_made_before_it_is_asked_for(app):
    assert app.extensions["database"]._connections == {}


def test_a_forked_process_has_a_client_of_its_own(app, db, monkeypatch):
    connections = app.extensions["database"]
    ours = connections.of_this_process()
    assert connections.of_this_process() is ours
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert connections.of_this_process() is not ours


def test_the_indexes_are_there_after_the_first_use(app):
    with app.app_context():
        names = database.get().users.index_information()
    assert names["login_1"]["unique"]
    assert names["one_owner"]["partialFilterExpression"] == {"role": "owner"}


def test_indexes_that_are_there_are_not_made_again(app, db):
    with app.app_context():
        database.get().users.drop_index("login_1")
        assert "login_1" not in database.get().users.index_information()


def test_a_database_that_comes_up_late_is_used_and_has_its_indexes(own_app, own_server):
    with own_app.app_context(), pytest.raises(ConnectionFailure):
        database.get()
    own_server.start()
    with own_app.app_context():
        assert "login_1" in database.get().users.index_information()


def test_a_database_that_comes_back_empty_has_its_indexes_again(own_app, own_server):
    own_server.start()
    with own_app.app_context():
        database.get()
    own_server.kill()
    with own_app.app_context(), pytest.raises(ConnectionFailure):
        database.get().users.find_one()
    own_server.folder = own_server.folder.with_name("another")
    own_server.start()
    with own_app.app_context():
        assert "login_1" in database.get().users.index_information()
