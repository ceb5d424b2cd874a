"""The posts that a local blog begins with."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blog import examples, preferences
from blog.accounts import Role
from tests.people import NOW
from tests.published import published, site


@pytest.fixture
def local(config):
    with site(config | {"LOCAL_DATABASE": True}) as app:
        yield app


def test_a_local_blog_begins_with_examples(local):
    client = local.test_client()

    text = client.get("/").text

    assert examples.NAME in text
    assert "What slow readers do to Gunicorn" in text
    assert "1 of 2" in text
    assert '<a href="/page/about">About</a>' in text


def test_every_link_and_picture_of_the_examples_is_there(local):
    client = local.test_client()
    seen, ahead = set(), ["/", "/archive", "/tags"]

    while ahead:
        path = ahead.pop()
        answer = client.get(path, buffered=True)
        assert answer.status_code in {200, 303}, path
        seen.add(path)
        if answer.mimetype == "text/html":
            found = set(re.findall(r'(?:href|src)="(/[^"#]*)', answer.text))
            ahead += found - seen - set(ahead)
        assert len(seen) < 200

    assert {path.rpartition(".")[2] for path in seen} >= {"png", "css", "js", "svg", "atom"}
    assert len([path for path in seen if path.startswith("/post/")]) == 6


def test_another_database_is_let_be(db, client):
    client.get("/")

    assert db.posts.count_documents({}) == 0


def test_a_site_in_use_is_let_be(db, person, tmp_path):
    person(Role.OWNER)
    examples.insert(db, tmp_path, NOW)

    assert db.posts.count_documents({}) == 0


def test_a_site_with_a_post_is_let_be(db, tmp_path):
    published(db, "Mine")
    examples.insert(db, tmp_path, NOW)

    assert db.posts.count_documents({}) == 1
    assert preferences.load(db).name != examples.NAME


def test_workers_that_begin_at_once_insert_each_once(db, tmp_path):
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: examples.insert(db, tmp_path, NOW), range(4)))

    texts = list(Path(examples.FOLDER).glob("*.md"))
    assert db.posts.count_documents({}) == len(texts) == 7
    assert db.images.count_documents({}) == 2
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
