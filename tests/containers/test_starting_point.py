"""The article's own files are taken over for an app, built and started by a real engine."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.containers import images
from tests.integration.environments import made_with
from tests.integration.running import APPS, outrider
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.containers.compose import Compose

_PATIENCE_S = 60


@dataclass(frozen=True)
class Blog:
    """A small app, and the article's files with another port and another folder for the data."""

    compose: Compose
    folder: Path
    data: Path
    port: int

    def export(self, *words: str) -> str:
        """Return what is said."""
        python = made_with(*(self.folder / "requirements.txt").read_text().split())
        words = ("--from", "before", "--python", str(python), *words)
        done = outrider("export", "compose", *words, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def ask(self, path: str, method: str = "GET") -> str:
        """Return what the port of the article answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status in (200, 204), f"{response.status} {text}"
            return text
        finally:
            connection.close()

    def ask_until(self, path: str, expected: str) -> None:
        """Ask again and again until the answer has a text in it."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                text = self.ask(path)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                text = str(error)
            if expected in text:
                return
            assert time.monotonic() < deadline, text
            time.sleep(0.2)


@pytest.fixture(scope="module")
def blog(compose: Callable[..., Compose], tmp_path_factory) -> Iterator[Blog]:
    place = tmp_path_factory.mktemp("containers")
    folder, data = place / "blog", place / "mongodb"
    shutil.copytree(APPS / "containers_article", folder)
    shutil.copytree(APPS / "article", folder / "before")
    data.mkdir()
    os.chown(data, 999, 999)  # as the image of the article would have done it
    with reserved() as port:
        path = folder / "before" / "docker-compose.yml"
        text = path.read_text().replace("/Users/gevin/projects/data/mongodb", str(data))
        path.write_text(text.replace('"8080:80"', f'"{port}:80"'))
        found = Blog(compose=compose(folder), folder=folder, data=data, port=port)
        found.export()
        found.compose.up()
        yield found


def test_the_site_answers_at_the_port_of_the_article_and_its_services_keep_their_names(blog):
    assert "<title>Guest book</title>" in blog.ask("/")
    services = blog.compose("ps", "--services").split()
    assert sorted(services) == ["blog", "blog-proxy", "mongo"]


def test_data_goes_into_the_folder_where_it_always_was(blog):
    blog.ask("/notes/hello", "POST")
    assert json.loads(blog.ask("/notes")) == ["hello"]
    assert list(blog.data.iterdir())


def test_static_files_come_from_the_image_of_the_proxy(blog):
    assert "black" in blog.ask("/static/site.css")
    listed = blog.compose("config", "--volumes").split()
    assert "blog-static" not in listed


def test_a_changed_file_is_seen_without_a_build(blog):
    blog.export("--dev")
    blog.compose.up()
    assert "<title>Guest book</title>" in blog.ask("/")
    before = blog.compose.container("blog")

    code = blog.folder / "manage.py"
    code.write_text(code.read_text().replace("Guest book", "Visitors"))
    (blog.folder / "static" / "site.css").write_text("body { color: green }\n")

    assert "green" in blog.ask("/static/site.css")
    blog.ask_until("/", "<title>Visitors</title>")
    assert blog.compose.container("blog") == before
    assert json.loads(blog.ask("/notes")) == ["hello"]


NOTES = """
import os

import psycopg
from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/notes")
def notes():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return jsonify([text for (text,) in connection.execute("SELECT text FROM notes")])
"""
BEFORE = """
services:
  web:
    build: ..
    command: gunicorn --bind :8000 app:app
  db:
    image: postgres:17
    environment: {POSTGRES_USER: blog, POSTGRES_PASSWORD: old, POSTGRES_DB: posts}
    volumes: ["pg:/var/lib/postgresql/data"]
volumes:
  pg:
"""


def test_a_database_goes_on_with_its_volume_its_user_and_its_password(compose, tmp_path):
    folder = tmp_path / "posts"
    (folder / "before").mkdir(parents=True)
    (folder / "app.py").write_text(NOTES)
    (folder / "requirements.txt").write_text("flask\ngunicorn\npsycopg[binary]\n")
    (folder / "before" / "docker-compose.yml").write_text(BEFORE)
    with reserved() as port:
        project = compose(folder)
        new = Blog(compose=project, folder=folder, data=folder, port=port)
        new.export("--bind", f"127.0.0.1:{port}", "app:app")

        old = replace(project, folder=folder / "before")
        images.provide(project.engine, "postgres:17")
        old("up", "--detach", "db")
        sql = "CREATE TABLE notes (text VARCHAR(99)); INSERT INTO notes VALUES ('before')"
        words = ("psql", "--host", "127.0.0.1", "--username", "blog", "--dbname", "posts")
        waiting = 'until pg_isready --quiet --host 127.0.0.1; do sleep 0.2; done; exec "$@"'
        old.execute(
            "db", "env", "PGPASSWORD=old", "timeout", "60",
            "sh", "-c", waiting, "sh", *words, "--command", sql,
        )  # fmt: skip
        old.down()

        project.up()
        assert json.loads(new.ask("/notes")) == ["before"]
