"""Static files whose names change with their content."""

from __future__ import annotations

import errno
import os
import re
import threading
from pathlib import Path

import pytest
from flask import Flask, url_for

from blog import assets


@pytest.fixture
def make(tmp_path):
    """Return what makes an app with these static files."""

    def make(**files):
        root = tmp_path / "site"
        for name, content in files.items():
            path = root / "static" / name.replace("_", "/", 1).replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        app = Flask("site", root_path=str(root), instance_path=str(tmp_path / "instance"))
        assets.init_app(app)
        return app

    return make


def address(app, name="css/a.css"):
    with app.test_request_context():
        return url_for("static", filename=name)


def read(app, found):
    return app.test_client().get(found, buffered=True).text


def test_the_name_holds_a_digest_of_the_content(make):
    app = make(css_a_css="p {}")

    found = address(app)

    assert re.fullmatch(r"/static/css/a\.[0-9a-f]{12}\.css", found)
    assert read(app, found) == "p {}"


def test_a_changed_file_has_another_name_and_the_former_one_is_still_there(make):
    before = address(make(css_a_css="p {}"))
    app = make(css_a_css="p { color: red }")
    after = address(app)

    assert before != after
    assert read(app, before) == "p {}"
    assert read(app, after) == "p { color: red }"


def test_the_same_content_keeps_its_name(make):
    assert address(make(css_a_css="p {}")) == address(make(css_a_css="p {}"))


def test_a_template_that_names_a_file_which_is_not_there_fails(make):
    with pytest.raises(KeyError, match=r"other\.css"):
        address(make(css_a_css="p {}"), "other.css")


def test_other_addresses_stay_as_they_are(make):
    app = make(css_a_css="p {}")
    app.add_url_rule("/files/<path:filename>", "files", str)

    with app.test_request_context():
        assert url_for("files", filename="css/a.css") == "/files/css/a.css"


def test_where_all_copies_are_there_nothing_is_written(make):
    """As in a container whose files are read-only: a folder's time tells of drafts in it too."""
    folder = Path(make(css_a_css="p {}").static_folder)
    there = [folder, *folder.rglob("*")]
    for path in there:
        os.utime(path, (1, 1))

    assert read(make(css_a_css="p {}"), address(make(css_a_css="p {}"))) == "p {}"
    assert [path.stat().st_mtime for path in there] == [1] * len(there)
    assert [folder, *folder.rglob("*")] == there


def test_a_container_with_read_only_files_starts(make, monkeypatch):
    before = address(make(css_a_css="p {}"))

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(assets.tempfile, "NamedTemporaryFile", refuse)

    app = make()
    assert address(app) == before
    assert read(app, before) == "p {}"


def test_nginx_may_read_the_copies_and_finds_nothing_half_written(make):
    folder = Path(make(css_a_css="p {}").static_folder)

    assert [path.stat().st_mode & 0o777 for path in folder.rglob("*.css")] == [0o644]
    assert list(folder.rglob(".*")) == []


def test_files_of_editors_are_left_out(make, tmp_path):
    make(css_a_css="p {}")
    (tmp_path / "site/static/.a.css.swp").write_text("")

    folder = Path(make(css_a_css="p {}").static_folder)

    assert [path.suffix for path in folder.rglob("*") if path.is_file()] == [".css"]


def test_workers_that_start_at_once_make_one_copy(tmp_path):
    source = tmp_path / "a.css"
    source.write_text("p {}" * 10_000)
    made = set()
    workers = [
        threading.Thread(target=lambda: made.add(assets.copied(source, tmp_path / "copies")))
        for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [copy.read_text() for copy in made] == ["p {}" * 10_000]
    assert list((tmp_path / "copies").iterdir()) == list(made)


def test_no_file_of_the_site_names_another_that_would_not_be_found(app):
    source = Path(app.root_path, "static")

    for path in (*source.rglob("*.css"), *source.rglob("*.js")):
        without_comments = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"url\((?!['\"]?(?:data:|#))|@import|^import\b", without_comments)


def test_every_page_names_the_copies(client):
    found = re.findall(r'"(/static/[^"]+)"', client.get("/").text)

    assert found
    for one in found:
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", one)
        assert client.get(one, buffered=True).status_code == 200
