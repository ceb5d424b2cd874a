"""The app as servers other than Gunicorn call it."""

from __future__ import annotations

import asyncio
import io
import logging.config
import sys

import pytest
from gunicorn.util import import_app as import_app_of_gunicorn

from outrider.app.shim import entry, process, ready, target


def called(app, body=b"", **more):
    """Return status, headers and body that the server is given, and what it has closed."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/tidy",
        "SCRIPT_NAME": "/of-the-server",
        "REMOTE_ADDR": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        **more,
    }
    started = []
    answer = entry.WsgiEntry(app)(environ, lambda *told: started.append(told))
    chunks = list(answer)
    if hasattr(answer, "close"):
        answer.close()
    assert len(started) == 1
    return started[0][0], environ, chunks


def ok(environ, start_response):
    start_response("200 OK", [])
    return [b"fine"]


# -- what the app is told --------------------------------------------------------------------------


def test_the_path_is_the_one_that_was_sent():
    _, environ, _ = called(ok, REQUEST_URI="//a%2Fb/%C3%A9?q=%2F")
    assert environ["PATH_INFO"] == "//a/b/\xc3\xa9"


def test_without_the_path_that_was_sent_the_servers_is_kept():
    assert called(ok)[1]["PATH_INFO"] == "/tidy"


@pytest.mark.parametrize(("sent", "scheme"), [("https", "https"), ("http", "http"), ("", "http")])
def test_the_scheme_is_the_fronts(sent, scheme):
    assert called(ok, HTTP_X_FORWARDED_PROTO=sent)[1]["wsgi.url_scheme"] == scheme


def test_what_the_server_makes_of_a_unix_socket_is_not_told():
    _, environ, _ = called(ok, REMOTE_PORT="None", REMOTE_HOST="localhost")
    assert environ["REMOTE_ADDR"] == environ["SCRIPT_NAME"] == ""
    assert "REMOTE_PORT" not in environ
    assert "REMOTE_HOST" not in environ
    assert environ["wsgi.errors"] is sys.stderr


# -- what the server is given ----------------------------------------------------------------------


def test_a_body_is_passed_on():
    assert called(ok)[0::2] == ("200 OK", [b"fine"])


def test_a_generator_may_start_its_answer_late():
    def app(environ, start_response):
        start_response("202 Accepted", [])
        yield b""
        yield b"one"
        yield b"two"

    assert called(app)[0::2] == ("202 Accepted", [b"one", b"two"])


def test_what_is_written_comes_first():
    def app(environ, start_response):
        start_response("200 OK", [])(b"written ")
        return [b"returned"]

    assert called(app)[2] == [b"written ", b"returned"]


def test_an_error_page_may_replace_what_was_started():
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("418 Teapot", [], (ValueError, ValueError(), None))
        return [b"short and stout"]

    assert called(app)[0] == "418 Teapot"


@pytest.mark.parametrize("when", ["called", "asked", "silent"])
def test_a_failure_before_the_first_byte_is_answered_and_told(when, capsys):
    def fails(environ, start_response):
        if when == "called":
            raise ZeroDivisionError
        if when == "silent":
            return [b"without a start"]
        start_response("200 OK", [])
        return (1 // 0 for _ in "x")

    status, _, chunks = called(fails)
    assert status == "500 Internal Server Error"
    assert b"Internal Server Error" in chunks[0]
    assert "Traceback" in capsys.readouterr().err


def test_a_failure_behind_the_first_byte_is_the_servers_to_notice():
    def app(environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        called(app)


def test_the_body_of_the_app_is_closed():
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    called(app)
    assert closed == [True]


# -- the body of the request -----------------------------------------------------------------------


def test_what_the_app_leaves_is_read_before_the_answer_and_kept():
    stream = io.BytesIO(b"0123456789" * 200_000)
    seen = []

    def app(environ, start_response):
        environ["wsgi.input"].read(3)
        start_response("200 OK", [])
        yield b"first"
        seen.append(stream.tell())
        yield environ["wsgi.input"].read()

    chunks = called(app, **{"wsgi.input": stream})[2]
    assert seen == [2_000_000]
    assert chunks[1] == (b"0123456789" * 200_000)[3:]


def test_lines_of_a_request_are_read():
    def app(environ, start_response):
        request = environ["wsgi.input"]
        start_response("200 OK", [])
        return [repr([request.readline(), request.readline(2), request.readlines()]).encode()]

    assert called(app, b"a\nbcd\ne")[2] == [repr([b"a\n", b"bc", [b"d\n", b"e"]]).encode()]


# -- ASGI ------------------------------------------------------------------------------------------


def told(app, messages, scope=None):
    """Return what the server is sent, and how much of the request was read at each time."""
    left, sent = list(messages), []

    async def receive():
        return left.pop(0)

    async def send(message):
        sent.append((message, len(left)))

    scope = scope or {"type": "http", "headers": [(b"content-length", b"9")]}
    asyncio.run(entry.AsgiEntry(app)(scope, receive, send))
    return sent


def request(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_request_is_read_before_the_answer_begins_and_can_be_read_later():
    async def app(scope, receive, send):
        first = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        rest = await receive()
        assert not rest["more_body"]
        await send({"type": "http.response.body", "body": first + rest["body"]})

    parts = [request(b"one", more=True), request(b"two", more=True), request(b"end")]
    (_, left), (body, _) = told(app, parts)
    assert left == 0
    assert body["body"] == b"onetwoend"


def test_a_request_without_a_body_is_not_asked_for():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    assert len(told(app, [], {"type": "http", "headers": []})) == 1


@pytest.mark.parametrize("says_so", [True, False])
def test_a_start_that_fails_is_told_to_the_server_and_the_supervisor(
    says_so, tmp_path, monkeypatch
):
    notes = tmp_path / "notes"
    notes.touch()
    monkeypatch.setenv(ready.NOTIFY_VARIABLE, str(notes))

    async def app(scope, receive, send):
        await receive()
        if says_so:
            await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise LookupError

    run = [{"type": "lifespan.startup"}]
    if says_so:
        with pytest.raises(LookupError):
            told(app, run, {"type": "lifespan"})
    else:
        [(message, _)] = told(app, run, {"type": "lifespan"})
        assert message["type"] == "lifespan.startup.failed"
    assert notes.read_text() == "failed 3\n"


def test_without_a_supervisor_nothing_is_told(monkeypatch):
    monkeypatch.delenv(ready.NOTIFY_VARIABLE, raising=False)
    ready.tell_ready()


# -- the target ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    ["json:dumps", "os.path:join", "collections:OrderedDict", "operator:itemgetter(1, 2)"],
)
def test_a_target_is_what_gunicorn_makes_of_it(named):
    ours, theirs = target.import_app(named), import_app_of_gunicorn(named)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("named", ["json:dumps()()", "json:a b", "json:JSONDecoder()", "json:f(x)"])
def test_a_target_that_gunicorn_refuses_is_refused(named):
    with pytest.raises(target.AppError):
        target.import_app(named)


# -- its process -----------------------------------------------------------------------------------


def test_lines_of_the_server_look_as_those_of_gunicorn(capsys):
    logging.config.dictConfig(process.log_config("some.server"))
    logging.getLogger("some.server").error("out of tea")
    line = capsys.readouterr().err
    assert line.startswith("[20")
    assert "[ERROR] out of tea" in line


def test_a_socket_of_its_own_is_for_user_and_group(short_dir):
    path = short_dir / "app.sock"
    for _ in range(2):  # the second finds the first one's file
        with process.listener(str(path), 5):
            assert oct(path.stat().st_mode & 0o777) == "0o660"
