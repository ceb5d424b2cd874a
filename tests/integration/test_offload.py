"""Files that the app hands out are sent by Nginx, and by nobody's trick."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.running import Answer, Running

pytestmark = pytest.mark.integration

CONTENT = bytes(range(256)) * 4000


def aged(path: Path, content: bytes = CONTENT) -> Path:
    """Make a file that is an hour old: a younger one may be temporary."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o644)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    return path


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("outside")
    aged(folder / "secret.bin")
    return folder


@pytest.fixture(scope="module")
def site(serve, copy_of, outside) -> Running:
    project = copy_of("behaviour_files")
    aged(project / "given" / "file.bin")
    return serve("--log-format", "json", cwd=project, env={"OUTSIDE": str(outside)})


def by_nginx(site: Running, answer: Answer) -> bool:
    """Tell by the log whether the app has sent nothing but headers."""
    line = site.wait_for(
        rf'^{{.*"request_id": ?"{answer.headers["X-Request-ID"]}".*"upstream_bytes"'
    )
    return bool(json.loads(line.string)["upstream_bytes"] == "0")


def test_a_file_is_sent_by_nginx_with_the_apps_headers(site):
    answer = site.get("/file")
    assert answer.body == CONTENT
    assert by_nginx(site, answer)
    assert "n%C3%A4me.bin" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Cache-Control"] == "no-cache"
    assert len(answer.headers.get_all("ETag")) == 1


def test_headers_that_protect_are_kept(site):
    answer = site.get("/secured")
    assert by_nginx(site, answer)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Set-Cookie"] == "seen=1; Path=/"


def test_a_header_that_nginx_would_lose_keeps_the_file_with_the_app(site):
    answer = site.get("/own-header")
    assert answer.headers["X-Own"] == "kept"
    assert answer.body == CONTENT
    assert not by_nginx(site, answer)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, len(CONTENT) - 1), ("bytes=100-299", 100, 299), ("bytes=-5", -5, -1)],
)
def test_a_part_is_sent_as_asked(site, asked, first, last):
    answer = site.get("/file", headers={"Range": asked})
    assert answer.status == 206
    assert answer.body == CONTENT[first : last + 1 or None]
    start, end = first % len(CONTENT), last % len(CONTENT)
    assert answer.headers.get_all("Content-Range") == [f"bytes {start}-{end}/{len(CONTENT)}"]
    assert answer.headers.get_all("Content-Length") == [str(len(answer.body))]
    assert by_nginx(site, answer)


def test_a_part_that_does_not_exist_is_refused(site):
    assert site.get("/file", headers={"Range": f"bytes={len(CONTENT)}-"}).status == 416


def test_who_has_the_file_is_told_so(site):
    first = site.get("/file").headers
    for condition in (
        {"If-None-Match": first["ETag"]},
        {"If-Modified-Since": first["Last-Modified"]},
    ):
        answer = site.get("/file", headers=condition)
        assert (answer.status, answer.body) == (304, b"")
    assert site.get("/file", headers={"If-None-Match": '"other"'}).body == CONTENT


def test_a_download_that_broke_off_goes_on_only_if_the_file_is_the_same(site):
    etag = site.get("/file").headers["ETag"]
    same = site.get("/file", headers={"Range": "bytes=10-", "If-Range": etag})
    assert (same.status, same.body) == (206, CONTENT[10:])
    other = site.get("/file", headers={"Range": "bytes=10-", "If-Range": '"other"'})
    assert (other.status, other.body) == (200, CONTENT)


def test_a_condition_on_the_apps_own_etag_is_not_refused(site):
    etag = site.get("/file").headers["ETag"]
    answer = site.get("/file", headers={"If-Match": etag})
    assert (answer.status, answer.body) == (200, CONTENT)
    assert site.get("/file", headers={"If-Match": '"other"'}).status == 412


def test_only_the_headers_when_only_they_are_asked_for(site):
    answer = site.get("/file", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_the_answer_to_a_post_may_be_a_file(site):
    answer = site.get("/made", method="POST", body=b"x")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert by_nginx(site, answer)


def test_a_file_outside_is_sent_by_the_app(site, outside):
    answer = site.get("/named?name=secret.bin")
    assert answer.body == CONTENT
    assert not by_nginx(site, answer)


def test_a_link_that_leads_outside_is_sent_by_the_app(site, outside):
    inside = aged(outside / "other.bin", b"other")
    assert site.get(f"/named?name={inside.name}").body == b"other"


@pytest.mark.parametrize(
    "name", ["X-Accel-Redirect", "x-accel-redirect", "X-Accel-Limit-Rate", "X-Accel-Expires"]
)
def test_an_app_that_echoes_a_header_gives_no_file_away(site, name):
    answer = site.get(f"/echo?{name}=/_outrider/files/0/app.py")
    assert (answer.status, answer.text) == (200, "mine")
    assert name not in answer.headers


@pytest.mark.parametrize("path", ["app.py", "given/file.bin", "../app.py", "%2e%2e/app.py"])
def test_nobody_can_ask_for_the_internal_url(site, path):
    answer = site.get(f"/_outrider/files/0/{path}")
    assert answer.status == 404
    assert b"Flask" not in answer.body
