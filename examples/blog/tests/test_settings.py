"""What the environment says, and what holds when it says nothing."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blog import local_mongo, settings


def test_with_nothing_said_the_database_of_this_machine_is_used(tmp_path):
    found = settings.read({}, tmp_path)
    assert found["MONGO_URL"] == "mongodb://127.0.0.1:27217/blog"
    assert found["LOCAL_DATABASE"] is True
    assert found["MEDIA_ROOT"] == str(tmp_path / "media")


def test_what_is_said_is_used(tmp_path):
    said = {"MONGO_URL": "mongodb://db:1/x", "SECRET_KEY": "key", "MEDIA_ROOT": "/srv/media"}
    found = settings.read(said, tmp_path)
    assert {name: found[name] for name in said} == said
    assert found["LOCAL_DATABASE"] is False
    assert list(tmp_path.iterdir()) == []


def test_the_port_of_the_local_database_can_be_chosen(tmp_path):
    found = settings.read({"MONGO_PORT": "1234"}, tmp_path)
    assert found["MONGO_URL"] == "mongodb://127.0.0.1:1234/blog"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "1 ", "²", "1;2"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(ValueError, match="is not a port: write a number from 1 to 65535"):
        settings.mongo_port({"MONGO_PORT": port})


@pytest.mark.parametrize("url", ["db.example.org", "http://db", "mongodb://", "mongodb://a:b@c@d"])
def test_an_address_that_is_none_is_refused_with_an_example(url):
    with pytest.raises(ValueError, match="Write for instance MONGO_URL=mongodb://"):
        settings.mongo_url({"MONGO_URL": url})


def test_a_password_in_a_wrong_address_is_not_told():
    with pytest.raises(ValueError, match="MONGO_URL") as caught:
        settings.mongo_url({"MONGO_URL": "mongodb://me:geheim@db:port/x"})
    assert "geheim" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_address_that_a_name_server_answers_for_is_not_asked_for_at_start():
    url = "mongodb+srv://db.example.invalid/blog"
    assert settings.mongo_url({"MONGO_URL": url}) == url


def test_the_key_is_made_once_and_read_by_nobody_else(tmp_path):
    instance = tmp_path / "instance"
    first = settings.read({}, instance)["SECRET_KEY"]
    assert len(first) == 64
    assert settings.read({"SECRET_KEY": ""}, instance)["SECRET_KEY"] == first
    assert stat.S_IMODE((instance / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in instance.iterdir()] == ["secret_key"]


def test_workers_that_start_at_the_same_moment_have_the_same_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings._kept_secret(tmp_path / "key"), range(8)))
    assert len(keys) == 1


def test_a_key_that_cannot_be_kept_is_asked_for(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match="set SECRET_KEY"):
        settings.read({}, tmp_path / "file")


def test_the_local_database_listens_on_this_machine_only():
    words = local_mongo.command(1234, Path("/data"), Path("/bin/secantusd-py"))
    assert words[1:5] == ["--host", "127.0.0.1", "--port", "1234"]


def test_without_the_program_of_the_local_database_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(SystemExit, match=r"pip install 'outrider-blog\[local\]'"):
        local_mongo.main()
