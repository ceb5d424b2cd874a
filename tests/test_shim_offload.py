"""Which answers Nginx sends in the app's place, and which it must not."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from outrider.app.shim import offload
from outrider.app.shim.asgi import AsgiFront
from outrider.app.shim.wsgi import WsgiFront

HOUR_AGO = time.time() - 3600


@pytest.fixture
def folder(tmp_path):
    """Return a folder that Nginx may send from, with a file that is an hour old."""
    inside = tmp_path / "srv"
    inside.mkdir()
    for path in (inside / "a b.bin", tmp_path / "secret"):
        path.write_bytes(b"0123456789")
        os.utime(path, (HOUR_AGO, HOUR_AGO))
    return inside


def roots(folder):
    return offload.existing([(str(folder), "/_outrider/files/0/")])


def place(path, folder):
    with path.open("rb") as file:
        return offload.place_of(file, roots(folder))


# -- the file --------------------------------------------------------------------------------------


def test_a_file_inside_gets_an_internal_url_that_is_quoted(folder):
    assert place(folder / "a b.bin", folder) == "/_outrider/files/0/a%20b.bin"


def test_a_name_that_is_no_text_is_quoted_by_its_bytes(folder):
    path = os.fsencode(folder) + b"/\xff%2e?#.bin"
    with Path(os.fsdecode(path)).open("wb"):
        os.utime(path, (HOUR_AGO, HOUR_AGO))
    url = offload.place_of(os.fsdecode(path), roots(folder))
    assert url == "/_outrider/files/0/%FF%252e%3F%23.bin"


def test_a_file_outside_stays_with_the_app(folder):
    assert place(folder.parent / "secret", folder) is None


def test_a_link_that_leads_out_stays_with_the_app(folder):
    (folder / "link").symlink_to(folder.parent / "secret")
    assert place(folder / "link", folder) is None


def test_a_folder_whose_name_begins_alike_is_another(folder):
    other = folder.with_name("srv2")
    folder.rename(other)
    folder.mkdir()
    assert place(other / "a b.bin", folder) is None


def test_the_folder_may_be_a_link_itself(folder):
    link = folder.with_name("current")
    link.symlink_to(folder)
    assert place(link / "a b.bin", link) == "/_outrider/files/0/a%20b.bin"


def test_a_file_that_has_just_been_made_stays_with_the_app_which_may_delete_it(folder):
    os.utime(folder / "a b.bin")
    assert place(folder / "a b.bin", folder) is None


def test_a_file_that_was_replaced_after_it_was_opened_stays_with_the_app(folder):
    with (folder / "a b.bin").open("rb") as file:
        (folder / "new").write_bytes(b"other")
        os.utime(folder / "new", (HOUR_AGO, HOUR_AGO))
        (folder / "new").replace(folder / "a b.bin")
        assert offload.place_of(file, roots(folder)) is None


def test_a_file_that_is_gone_stays_with_the_app(folder):
    with (folder / "a b.bin").open("rb") as file:
        (folder / "a b.bin").unlink()
        assert offload.place_of(file, roots(folder)) is None


def test_a_path_object_is_not_looked_for_by_its_last_part(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert offload.place_of(folder.parent / "elsewhere" / "a b.bin", roots(folder)) is None


def test_nothing_is_sent_from_the_whole_machine(folder):
    assert offload.place_of(str(folder / "a b.bin"), roots(folder)) is not None
    assert offload.place_of(str(folder / "a b.bin"), roots("/")) is None


@pytest.mark.parametrize("what", [None, io.BytesIO(b"x"), 3, "/nowhere/at/all"])
def test_what_is_no_file_stays_with_the_app(what, folder):
    assert offload.place_of(what, roots(folder)) is None


# -- WSGI ------------------------------------------------------------------------------------------


def served(folder, app, **environ):
    """Return status, headers and body that the server gets."""
    told: list[Any] = []

    def start_response(status, headers, exc_info=None):
        told[:] = [status, dict(headers)]
        return told.append

    front = WsgiFront(app, roots=[(str(folder), "/_outrider/files/0/")])
    result = front({"wsgi.url_scheme": "http", **environ}, start_response)
    body = b"".join(result)
    if hasattr(result, "close"):
        result.close()
    return told[0], told[1], body + b"".join(told[2:])


def sends(path, *, status="200 OK", headers=(), seek=0):
    def app(environ, start_response):
        start_response(status, [("Content-Type", "x/y"), *headers])
        file = path.open("rb")
        file.seek(seek)
        return environ["wsgi.file_wrapper"](file)

    return app


def test_a_whole_file_is_sent_by_nginx_and_its_headers_are_kept(folder):
    app = sends(folder / "a b.bin", headers=[("Content-Length", "10"), ("ETag", '"e"')])
    assert served(folder, app) == (
        "200 OK",
        {"Content-Type": "x/y", "ETag": '"e"', "X-Accel-Redirect": "/_outrider/files/0/a%20b.bin"},
        b"",
    )


@pytest.mark.parametrize(
    "different",
    [
        {"seek": 1},
        {"status": "404 Not Found"},
        {"headers": [("X-Own", "1")]},
        {"headers": [("Content-Length", "5")]},
        {"headers": [("Link", "a"), ("Link", "b")]},
    ],
    ids=["from the middle", "no 200", "a header that Nginx would lose", "a part", "twice"],
)
def test_what_nginx_would_send_otherwise_the_app_sends(different, folder):
    _, headers, body = served(folder, sends(folder / "a b.bin", **different))
    assert "X-Accel-Redirect" not in headers
    assert body == b"0123456789"[different.get("seek", 0) :]


@pytest.mark.parametrize("condition", ["HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"])
def test_a_condition_that_nginx_would_judge_by_its_own_etag_is_the_apps(condition, folder):
    _, headers, body = served(folder, sends(folder / "a b.bin"), **{condition: '"e"'})
    assert "X-Accel-Redirect" not in headers
    assert body == b"0123456789"


@pytest.mark.parametrize("condition", ["HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"])
def test_a_condition_is_not_judged_by_nginx_when_the_app_gives_nothing_to_judge_by(
    condition, folder
):
    asks = {condition: "*"}
    _, headers, _ = served(folder, sends(folder / "a b.bin"), **asks)
    assert "X-Accel-Redirect" not in headers
    app = sends(folder / "a b.bin", headers=[("ETag", '"e"')])
    assert "X-Accel-Redirect" in served(folder, app, **asks)[1]


def test_a_part_is_cut_out_of_the_answer_to_a_get_only(folder):
    app = sends(folder / "a b.bin")
    asks = {"HTTP_RANGE": "bytes=0-1"}
    assert "X-Accel-Redirect" not in served(folder, app, REQUEST_METHOD="POST", **asks)[1]
    assert "X-Accel-Redirect" in served(folder, app, REQUEST_METHOD="GET", **asks)[1]
    assert "X-Accel-Redirect" in served(folder, app, REQUEST_METHOD="POST")[1]


def test_the_file_is_closed_when_the_answer_is(folder):
    opened = (folder / "a b.bin").open("rb")

    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](opened)

    served(folder, app)
    assert opened.closed


def test_an_app_cannot_be_made_to_give_a_file_by_a_header_that_it_echoes(folder):
    def app(environ, start_response):
        start_response("200 OK", [("X-Accel-Redirect", "/_outrider/files/0/a%20b.bin")])
        return [b"mine"]

    assert served(folder, app) == ("200 OK", {}, b"mine")


def test_a_generator_starts_its_response_when_it_is_asked(folder):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        yield b"data: 1\n\n"

    status, headers, body = served(folder, app)
    assert (status, headers["X-Accel-Buffering"], body) == ("200 OK", "no", b"data: 1\n\n")


def test_an_app_that_writes_is_heard_in_order(folder):
    def app(environ, start_response):
        write = start_response("200 OK", [])
        write(b"a")
        write(b"b")
        return [b"c"]

    told: list[Any] = []

    def start_response(*words):
        told.append(words)
        return told.append

    WsgiFront(app)({"wsgi.url_scheme": "http"}, start_response)
    assert told == [("200 OK", []), b"a", b"b"]


def test_an_error_page_replaces_the_answer_that_had_begun(folder):
    def app(environ, start_response):
        start_response("200 OK", [("A", "1")])
        start_response("500 Oops", [("B", "2")], (ValueError, ValueError(), None))
        return [b"oops"]

    assert served(folder, app) == ("500 Oops", {"B": "2"}, b"oops")


def test_no_hint_before_the_answer_can_steer_nginx(folder):
    def app(environ, start_response):
        start_response("200 OK", [])
        return [str("wsgi.early_hints" in environ).encode()]

    assert served(folder, app, **{"wsgi.early_hints": print})[2] == b"False"


class Deciphered:
    """Has all of the file beneath but its content."""

    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def read(self, size=-1):
        return self._file.read(size).translate(bytes.maketrans(b"0123456789", b"abcdefghij"))


def unpacked(path):
    packed = path.with_name("packed.gz")
    packed.write_bytes(gzip.compress(b"abcdefghij"))
    os.utime(packed, (HOUR_AGO, HOUR_AGO))
    return gzip.open(packed)


@pytest.mark.parametrize("opened", [lambda path: Deciphered(path.open("rb")), unpacked])
def test_what_is_not_stored_as_it_is_read_the_app_reads(opened, folder):
    files = []

    def app(environ, start_response):
        start_response("200 OK", [])
        files.append(opened(folder / "a b.bin"))
        return environ["wsgi.file_wrapper"](files[0])

    assert served(folder, app) == ("200 OK", {}, b"abcdefghij")
    assert files[0].closed


def test_gunicorn_does_not_send_what_lies_beneath_a_file_that_unpacks(folder):
    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](unpacked(folder / "a b.bin"))

    environ: dict[str, Any] = {"wsgi.url_scheme": "http"}
    body: Any = WsgiFront(app)(environ, lambda *_: print)
    # What it asks before it takes the descriptor: gunicorn/workers/sync.py.
    assert not isinstance(body, environ["wsgi.file_wrapper"])
    assert b"".join(body) == b"abcdefghij"
    body.close()


def test_a_named_temporary_file_is_read_as_it_is_stored(folder):
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"0123456789")
        file.flush()
        file.seek(0)
        os.utime(file.name, (HOUR_AGO, HOUR_AGO))

        def app(environ, start_response):
            start_response("200 OK", [])
            return environ["wsgi.file_wrapper"](file)

        assert "X-Accel-Redirect" in served(folder, app)[1]


# -- ASGI ------------------------------------------------------------------------------------------


def sent(folder, path, *, headers=(), offers=True):
    """Return the messages that the server gets of an app that sends a path."""
    heard = []
    leaves = [{"type": "http.disconnect"}]

    async def app(scope, receive, send):
        assert ("http.response.pathsend" in scope["extensions"]) == offers
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.pathsend", "path": str(path)})
        heard.append("the app goes on")

    async def receive():
        return leaves[0]

    async def hear(message):
        heard.append(message)

    scope = {"type": "http", "path": "/", "headers": []}
    front = AsgiFront(app, roots=[(str(folder), "/_outrider/files/0/")])
    asyncio.run(front(scope, receive, hear))
    return heard


def test_a_path_is_sent_by_nginx_which_has_opened_it_before_the_app_goes_on(folder):
    start, body, end, after = sent(folder, folder / "a b.bin", headers=[(b"content-length", b"10")])
    assert start["headers"] == [(b"x-accel-redirect", b"/_outrider/files/0/a%20b.bin")]
    assert (body["more_body"], end["more_body"]) == (True, False)
    assert after == "the app goes on"


def test_a_path_outside_is_sent_by_the_app(folder):
    start, *bodies, _ = sent(folder, folder.parent / "secret", headers=[(b"content-length", b"10")])
    assert start["headers"] == [(b"content-length", b"10")]
    assert b"".join(one["body"] for one in bodies) == b"0123456789"
    assert bodies[-1]["more_body"] is False
