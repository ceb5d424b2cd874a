"""Static files: at the URLs of development, by Nginx alone, and nothing that is not public."""

from __future__ import annotations

import contextlib
import email
import gzip
import http.client
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.integration.running import outrider, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.running import Answer, Running

pytestmark = pytest.mark.integration

CSS = b"body { color: #123456 }\n" * 200
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>\n' * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(4000)
SECRET = b"nobody may read this\n"
TEN = b"0123456789"

FILES = {
    "static/app.css": CSS,
    "static/small.css": b"a {}\n",
    "static/picture.png": PNG,
    "static/drawing.svg": SVG,
    "static/empty.txt": b"",
    "static/ten.txt": TEN,
    "static/with space.txt": b"a space\n",
    "static/grün.txt": b"a letter that is not ASCII\n",
    "static/100%.txt": b"a percent sign\n",
    "static/a+b&c=d'e\"f.txt": b"punctuation\n",
    "static/.well-known/security.txt": b"Contact: mailto:x@example.com\n",
    "static/sub/deep.js": b"export {}\n",
    "admin_files/admin.css": b"admin {}\n",
    "shop_files/shop.css": b"shop {}\n",
}

LATER = {
    # None of these is there when the site starts: what is refused may appear at any time.
    "static/.env": SECRET,
    "static/.git/HEAD": SECRET,
    "static/.htpasswd": SECRET,
    "static/sub/.env": SECRET,
    "static/module.py": SECRET,
    "static/MODULE.PY": SECRET,
    "static/module.pyc": SECRET,
    "static/data.sqlite3": SECRET,
    "static/app.css~": SECRET,
    "static/app.css.bak": SECRET,
    "static/.app.css.swp": SECRET,
}

TYPES = {
    "module.mjs": "text/javascript; charset=utf-8",
    "classic.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "page.html": "text/html; charset=utf-8",
    "site.webmanifest": "application/manifest+json; charset=utf-8",
    "data.json": "application/json; charset=utf-8",
    "code.wasm": "application/wasm",
    "drawing.svg": "image/svg+xml",
    "letters.woff2": "font/woff2",
    "picture.png": "image/png",
    "picture.webp": "image/webp",
    "nobody.knows": "application/octet-stream",
    "nothing": "application/octet-stream",
}

HASHED = ("app.3f2a9c1b.js", "logo-0a1b2c3d4e5f.css", "app.3f2a9c1b.js.map", "3/x.0a1b2c3d.css")
NOT_HASHED = (
    "app.css",
    "report-20261122.pdf",
    "jquery-deadbeef.js",
    "jquery-3.7.1.min.js",
    "app.3f2a.js",
    "abcdef12.css",
    "release-0a1b2c3d",
)

PATHS = (
    # how it is asked for, and which file that is
    ("/static/with%20space.txt", "static/with space.txt"),
    ("/static/gr%C3%BCn.txt", "static/grün.txt"),
    ("/static/100%25.txt", "static/100%.txt"),
    ("/static/a+b&c=d%27e%22f.txt", "static/a+b&c=d'e\"f.txt"),
    ("/static/sub/../ten.txt", "static/ten.txt"),
    ("/static/ten.txt?v=2", "static/ten.txt"),
    ("/static/%74en.txt", "static/ten.txt"),
)

ODD = 'it\'s "odd" ; {4} # grün \\n'
"""Everything that ends a word or a line of nginx.conf, except what no file can be told to hold."""


def write(project: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture(scope="module")
def project(nginx, copy_of) -> Path:
    place = copy_of("behaviour_static")
    names = [*TYPES, *HASHED, *NOT_HASHED]
    write(place, {f"static/{name}": name.encode() for name in names} | FILES)
    return place


@pytest.fixture(scope="module")
def site(serve, project) -> Running:
    running = serve(cwd=project)
    write(project, LATER)
    return running


def by_the_app_itself(site: Running, path: str) -> tuple[int, bytes]:
    """Ask Gunicorn over its own socket, past Nginx, as the development server would be asked."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    with contextlib.closing(connection):
        connection.sock.connect(str(site.run_dir / "app.sock"))
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


# -- what is served ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/app.css",
        "/static/sub/deep.js",
        "/static/admin/admin.css",
        "/shop/files/shop.css",
        "/static/.well-known/security.txt",
        "/static/missing.css",
        "/static/admin/app.css",
    ],
)
def test_nginx_answers_at_the_urls_of_development(site, path):
    answer = site.get(path)
    status, body = by_the_app_itself(site, path)
    assert answer.status == status
    if status == 200:
        assert answer.body == body
    else:
        assert b"nginx" in answer.body


@pytest.mark.parametrize(("path", "file"), PATHS)
def test_a_file_name_may_hold_any_character(site, project, path, file):
    answer = site.get(path)
    assert answer.status == 200
    assert answer.body == (project / file).read_bytes()


def test_an_empty_file_is_a_file(site):
    answer = site.get("/static/empty.txt")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("name", TYPES)
def test_a_file_has_the_type_of_its_name(site, name):
    answer = site.get(f"/static/{name}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == TYPES[name]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_head_tells_what_get_would(site):
    whole, head = site.get("/static/app.css"), site.get("/static/app.css", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert head.headers["ETag"] == whole.headers["ETag"]


def test_a_file_cannot_be_posted_to(site):
    assert site.get("/static/app.css", method="POST", body=b"x").status == 405


def test_an_answer_of_nginx_has_a_request_id_too(site):
    first, second = site.get("/static/app.css"), site.get("/static/app.3f2a9c1b.js")
    assert len(first.headers["X-Request-ID"]) == 32
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


# -- what is not ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static../app.py",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/sub/../../app.py",
        "/static//../app.py",
        "/static/..;/app.py",
        "/static/..\\app.py",
        "/static/%2e%2e%5capp.py",
        "/static/%252e%252e/app.py",
        "/static/admin/../../app.py",
        "/static/app.css/../../app.py",
        "/files/app.py",
        "/static/%00../app.py",
    ],
)
def test_no_path_leads_out_of_the_folder(site, path):
    answer = site.get(path)
    # What leads to no folder goes to the app, whose Werkzeug may take slashes out by a redirect.
    assert answer.status in (308, 400, 404)
    assert b"Flask" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{name}" for name in LATER),
        "/static/%2eenv",
        "/static//.env",
        "/static/.git/",
        "/static/./.env",
        "/static/module%2epy",
        "/static/module.py/",
        "/static/.well-known/../.env",
        "/static/sub/../.env",
    ],
)
def test_secrets_and_sources_are_never_served(site, path):
    answer = site.get(path)
    assert answer.status == 404
    assert SECRET not in answer.body


@pytest.mark.parametrize("path", ["/static", "/staticfoo"])
def test_a_url_that_only_begins_like_the_folder_goes_to_the_app(site, path):
    answer = site.get(path)
    assert (answer.status, answer.text) == (200, "from the app\n")
    assert path in site.get("/seen").json()


def test_a_folder_is_not_listed(site):
    for path in ("/static/", "/static/sub/"):
        answer = site.get(path)
        assert answer.status in (403, 404)
        assert b"deep.js" not in answer.body


def test_a_folder_within_a_folder_has_its_own_files_only(site):
    assert site.get("/static/admin/admin.css").body == b"admin {}\n"
    assert site.get("/static/admin/app.css").status == 404
    assert site.get("/static/admin.css").status == 404


# -- caching -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HASHED)
def test_a_name_with_a_hash_is_kept_for_ever(site, name):
    answer = site.get(f"/static/{name}")
    assert answer.body == name.encode()
    assert answer.headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", NOT_HASHED)
def test_any_other_name_is_asked_for_each_time(site, name):
    answer = site.get(f"/static/{name}")
    assert answer.status == 200
    assert answer.headers.get_all("Cache-Control") == ["no-cache"]


def test_a_missing_file_is_not_kept(site):
    answer = site.get("/static/missing.3f2a9c1b.js")
    assert answer.status == 404
    assert "Cache-Control" not in answer.headers


def test_the_apps_own_age_for_files_is_kept(serve, copy_of):
    place = copy_of("behaviour_static")
    write(place, {"static/app.css": CSS, "static/app.3f2a9c1b.js": b"x\n"})
    site = serve(cwd=place, env={"SITE_SEND_FILE_MAX_AGE_DEFAULT": "600"})
    kept = site.get("/static/app.css").headers
    assert kept.get_all("Cache-Control") == ["public, max-age=600"]
    assert "immutable" in site.get("/static/app.3f2a9c1b.js").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["app.css", "app.3f2a9c1b.js"])
def test_what_the_browser_has_is_not_sent_again(site, name):
    first = site.get(f"/static/{name}")
    for condition in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"other", {first.headers["ETag"]}'},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = site.get(f"/static/{name}", headers=condition)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]


def test_a_compressed_answer_is_not_sent_again_either(site):
    compressed = {"Accept-Encoding": "gzip"}
    first = site.get("/static/app.css", headers=compressed)
    again = site.get(
        "/static/app.css", headers=compressed | {"If-None-Match": first.headers["ETag"]}
    )
    assert again.status == 304


def test_a_file_that_was_replaced_is_sent_at_once(site, project):
    path = project / "static/replaced.txt"
    path.write_bytes(b"before\n")
    first = site.get("/static/replaced.txt")
    assert first.body == b"before\n"

    path.write_bytes(b"after!\n")
    os.utime(path, (path.stat().st_mtime + 10,) * 2)
    known = {
        "If-None-Match": first.headers["ETag"],
        "If-Modified-Since": first.headers["Last-Modified"],
    }
    second = site.get("/static/replaced.txt", headers=known)
    assert (second.status, second.body) == (200, b"after!\n")

    path.unlink()
    assert site.get("/static/replaced.txt").status == 404


# -- parts of a file -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("2-4", 2, 5), ("7-", 7, 10), ("-3", 7, 10), ("8-99", 8, 10)]
)
def test_a_part_of_a_file_can_be_asked_for(site, asked, start, end):
    answer = site.get("/static/ten.txt", headers={"Range": f"bytes={asked}"})
    assert (answer.status, answer.body) == (206, TEN[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/10"


def test_several_parts_come_as_several_parts(site):
    answer = site.get("/static/ten.txt", headers={"Range": "bytes=0-1,4-5"})
    assert answer.status == 206
    kind = answer.headers["Content-Type"]
    assert kind.startswith("multipart/byteranges")
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.body)
    parts = [(part["Content-Range"], part.get_payload()) for part in message.walk()][1:]
    assert parts == [("bytes 0-1/10", "01"), ("bytes 4-5/10", "45")]


def test_a_part_beyond_the_end_is_refused(site):
    answer = site.get("/static/ten.txt", headers={"Range": "bytes=10-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10")


def test_a_part_of_a_file_that_changed_is_the_whole(site):
    headers = {"Range": "bytes=0-1", "If-Range": '"an older one"'}
    answer = site.get("/static/ten.txt", headers=headers)
    assert (answer.status, answer.body) == (200, TEN)


# -- compression ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "content"), [("app.css", CSS), ("drawing.svg", SVG)])
def test_long_text_is_compressed_for_those_who_take_it(site, name, content):
    packed = site.get(f"/static/{name}", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == content
    plain = site.get(f"/static/{name}")
    assert "Content-Encoding" not in plain.headers
    assert plain.body == content
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/static/small.css", "/static/picture.png"])
def test_short_text_and_pictures_are_sent_as_they_are(site, path):
    answer = site.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert "Content-Encoding" not in answer.headers


def test_a_page_of_the_app_is_never_compressed(site):
    answer = site.get("/long.css", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Type"].startswith("text/css")
    assert len(answer.body) > 10_000
    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers


# -- Gunicorn is not asked -----------------------------------------------------------------------


def test_the_app_never_sees_a_request_for_a_file(site):
    for path in ("/static/app.css", "/static/missing", "/static/.env", "/shop/files/shop.css"):
        site.get(f"{path}?who-answers")
    site.get("/staticfoo?who-answers")

    seen = [one for one in site.get("/seen").json() if "who-answers" in one]
    assert seen == ["/staticfoo?who-answers"]

    site.wait_for(r"200 GET /static/app\.css\?who-answers .*\(by nginx\)")
    site.wait_for(r"404 GET /static/missing\?who-answers .*\(by nginx\)")
    site.wait_for(r"404 GET /static/\.env\?who-answers .*\(by nginx\)")
    site.wait_for(r"200 GET /shop/files/shop\.css\?who-answers .*\(by nginx\)")
    site.wait_for(r"200 GET /staticfoo\?who-answers .*\(app \d+ ms\)")


@contextlib.contextmanager
def stopped(site: Running) -> Iterator[None]:
    """Stop all of Gunicorn, and let it go on afterwards."""
    group = site.gunicorn_master().pid
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def test_files_are_served_while_gunicorn_stands_still(site):
    assert site.get("/").status == 200
    with stopped(site):
        for _ in range(20):
            assert site.get("/static/app.css").body == CSS
        with pytest.raises(TimeoutError):
            site.get("/", timeout=0.5)
        assert site.get("/shop/files/shop.css").status == 200
    assert site.get("/").text == "home\n"


# -- folders with odd names ----------------------------------------------------------------------


def check_odd(answer: Answer, content: bytes) -> None:
    assert (answer.status, answer.body) == (200, content)


def test_a_folder_may_have_an_odd_name(serve, copy_of):
    place = copy_of("behaviour_static", name=ODD)
    files = {
        "static/app.css": CSS,
        "static/app.3f2a9c1b.js": b"x\n",
        f"{ODD}/y.css": b"y\n",
        f"media {ODD}/z.png": PNG,
    }
    write(place, files)
    site = serve("--static", f"/odd/={ODD}", "--media", f"/up/=media {ODD}", cwd=place)
    assert site.get("/").status == 200
    check_odd(site.get("/static/app.css"), CSS)
    check_odd(site.get("/static/app.3f2a9c1b.js"), b"x\n")
    check_odd(site.get("/odd/y.css"), b"y\n")
    check_odd(site.get("/up/z.png"), PNG)
    assert site.get("/static../app.py").status == 404


def test_a_dollar_in_the_name_of_a_folder_is_refused(nginx, copy_of):
    place = copy_of("behaviour_static", name="five$5")
    write(place, {"static/app.css": CSS})
    refused = outrider("run", "--nginx", nginx, cwd=place)
    assert refused.returncode == 9
    assert "five$5/static" in refused.stderr
    assert "without '$'" in refused.stderr
    assert refused.stdout == ""


def test_a_file_that_is_replaced_is_served_as_it_is_now(serve, copy_of):
    place = copy_of("behaviour_static")
    write(place, {"static/app.css": CSS, "static/hot.css": CSS})
    site = serve(cwd=place)
    assert site.get("/static/app.css").body == CSS
    replace(place / "static" / "app.css", b"changed {}\n")
    assert site.get("/static/app.css").body == b"changed {}\n"

    # What is asked for again and again is kept open, and looked at again a moment later.
    for _ in range(30):
        assert site.get("/static/hot.css").body == CSS
    replace(place / "static" / "hot.css", b"changed {}\n")
    until(lambda: site.get("/static/hot.css").body == b"changed {}\n")
    assert site.get("/static/hot.css").headers["Content-Length"] == "11"


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another one, as a release does."""
    beside = path.with_name("beside.css")
    beside.write_bytes(content)
    beside.replace(path)
