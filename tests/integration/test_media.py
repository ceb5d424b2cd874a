"""Uploads: served by Nginx when everyone may see them, and never as something that can act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.running import Running

pytestmark = pytest.mark.integration

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
ATTACK = (
    b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(document.cookie)</script></html>\n"
)
SECRET = b"nobody may read this\n"

SHOWN = {
    "picture.png": "image/png",
    "picture.JPG": "image/jpeg",
    "picture.webp": "image/webp",
    "song.mp3": "audio/mpeg",
    "film.mp4": "video/mp4",
    "notes.txt": "text/plain; charset=utf-8",
    "letter.pdf": "application/pdf",
}
DOWNLOADED = (
    *("page.html", "page.htm", "page.HTML", "page.xhtml", "page.shtml", "page.mht"),
    *("drawing.svg", "drawing.svgz", "data.xml", "sheet.xsl", "feed.rss", "feed.atom"),
    *("code.js", "code.mjs", "style.css", "code.wasm", "data.json", "site.webmanifest"),
    *("film.swf", "page.hta", "unknown.qqq", "nothing", "picture.png.html"),
)
NEVER = (
    *("app.py", "APP.PY", "code.pyc", ".env", ".git/HEAD", ".htaccess", "sub/.env"),
    *("notes.txt~", "notes.txt.bak", "shop.sqlite3"),
)


@pytest.fixture(scope="module")
def project(nginx, copy_of) -> Path:
    place = copy_of("behaviour_media")
    for folder in ("uploads", "letters", "more"):
        (place / folder).mkdir()
        (place / folder).chmod(0o777)  # the app may run as another user
    (place / "letters/picture.png").write_bytes(PNG)
    (place / "more/picture.png").write_bytes(PNG)
    (place / "more/page.html").write_bytes(ATTACK)
    return place


@pytest.fixture(scope="module")
def site(serve, project) -> Running:
    running = serve("--media", "/more/=more", cwd=project)
    for name in (*SHOWN, *DOWNLOADED, *NEVER):
        path = project / "uploads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SECRET if name in NEVER else ATTACK if name in DOWNLOADED else PNG)
    return running


def assert_nothing_can_act(answer) -> None:
    """Assert that a browser neither guesses a type nor runs anything under the site's name."""
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    (policy,) = answer.headers.get_all("Content-Security-Policy")
    words = [part.strip() for part in policy.split(";")]
    assert "default-src 'none'" in words
    assert "sandbox" in words  # and no allow-scripts behind it
    assert "script-src" not in policy


@pytest.mark.parametrize("name", SHOWN)
def test_pictures_and_the_like_are_shown(site, name):
    answer = site.get(f"/media/{name}")
    assert (answer.status, answer.body) == (200, PNG)
    assert answer.headers.get_all("Content-Type") == [SHOWN[name]]
    assert "Content-Disposition" not in answer.headers
    assert_nothing_can_act(answer)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_what_could_act_is_a_download(site, name):
    answer = site.get(f"/media/{name}")
    assert (answer.status, answer.body) == (200, ATTACK)
    assert answer.headers.get_all("Content-Type") == ["application/octet-stream"]
    assert_nothing_can_act(answer)


@pytest.mark.parametrize("name", NEVER)
def test_sources_and_hidden_files_are_never_served(site, name):
    answer = site.get(f"/media/{name}")
    assert answer.status == 404
    assert SECRET not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/media../app.py",
        "/media/../app.py",
        "/media/%2e%2e/app.py",
        "/media/..%2fletters/picture.png",
    ],
)
def test_no_path_leads_out_of_the_folder(site, path):
    answer = site.get(path)
    assert answer.status in (308, 400, 401, 404)
    assert b"Flask" not in answer.body
    assert PNG not in answer.body


def test_a_missing_upload_cannot_act_either(site):
    answer = site.get("/media/missing.png")
    assert answer.status == 404
    assert_nothing_can_act(answer)


def test_a_part_of_an_upload_is_as_safe_as_the_whole(site):
    answer = site.get("/media/page.html", headers={"Range": "bytes=0-4"})
    assert (answer.status, answer.body) == (206, ATTACK[:5])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert_nothing_can_act(answer)


def test_what_was_just_uploaded_is_there(site):
    for content in (PNG + b"first", PNG + b"and the second"):
        assert site.get("/upload/new.png", method="PUT", body=content).status == 201
        answer = site.get("/media/new.png")
        assert answer.body == content
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_app_is_not_asked_for_uploads(site):
    for path in ("/media/picture.png", "/media/page.html", "/media/.env", "/more/picture.png"):
        site.get(f"{path}?who-answers")
    site.get("/letters/picture.png?who-answers")
    seen = [one for one in site.get("/seen").json() if "who-answers" in one]
    assert seen == ["/letters/picture.png?who-answers"]
    site.wait_for(r"200 GET /media/picture\.png\?who-answers .*\(by nginx\)")
    site.wait_for(r"401 GET /letters/picture\.png\?who-answers .*\(app \d+ ms\)")


def test_a_route_that_asks_who_you_are_stays_with_the_app(site):
    assert site.get("/letters/picture.png").status == 401
    answer = site.get("/letters/picture.png", headers={"X-Member": "yes"})
    assert (answer.status, answer.body) == (200, PNG)
    assert not any("/letters/" in line for line in site.stderr if "Nginx" in line)


def test_a_folder_can_be_named(site):
    picture, page = site.get("/more/picture.png"), site.get("/more/page.html")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/png")
    assert (page.status, page.headers["Content-Type"]) == (200, "application/octet-stream")
    assert_nothing_can_act(page)
