"""What is sent arrives as it was sent, and a visitor can read what is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import socket
from typing import TYPE_CHECKING

import pytest

from outrider import files
from outrider.site import Paths
from tests.integration.running import PATIENCE_S, Answer, outrider, until

if TYPE_CHECKING:
    from tests.integration.running import Running

pytestmark = pytest.mark.integration

LIMIT = 64 * 1024
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def assert_readable(answer: Answer, *words: str) -> None:
    """Assert that a page of Nginx's says what happened, and by which id to ask about it."""
    (shown,) = answer.headers.get_all("X-Request-ID", [])
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<!doctype html><title>")
    for word in (*words, f"Request {shown}"):
        assert word in answer.text
    assert "nginx" not in answer.text.lower()


def answer_on(connection: socket.socket) -> Answer:
    """Read one answer, and leave the connection open."""
    response = http.client.HTTPResponse(connection)
    with contextlib.closing(response):
        response.begin()
        return Answer(response.status, response.headers, response.read())


# -- requests arrive as they were sent -----------------------------------------------------------


@pytest.fixture(scope="module")
def echo(serve, copy_of) -> Running:
    return serve(cwd=copy_of("behaviour_echo"))


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/a%2Fb", "/a/b"),
        ("/a//b", "/a//b"),
        ("//a/b", "//a/b"),
        ("/a%20b", "/a b"),
        ("/a+b", "/a+b"),
        ("/a%2Bb", "/a+b"),
        ("/a%25b", "/a%b"),
        ("/a%252Fb", "/a%2Fb"),
        ("/gr%C3%BCn", "/grün"),
        ("/a;b=1,2", "/a;b=1,2"),
        ("/a:b@c", "/a:b@c"),
        ("/%7Euser", "/~user"),
        ("/a%3Fb", "/a?b"),
        ("/a%23b", "/a#b"),
        ("/a/", "/a/"),
        ("/a.", "/a."),
        ("/.hidden", "/.hidden"),
        ("/code.py", "/code.py"),
    ],
)
def test_a_path_arrives_as_it_was_sent(echo, sent, path):
    told = echo.get(sent).json()
    assert told["raw_uri"] == sent
    assert told["path_info"] == path


@pytest.mark.parametrize(
    "query", ["a=1&b=2", "a=%26&b=%20+", "", "?", "a=b=c", "q=%C3%BC", "a[]=1&a[]=2", "x=%zz"]
)
def test_a_query_arrives_as_it_was_sent(echo, query):
    told = echo.get(f"/page?{query}").json()
    assert told["raw_uri"] == f"/page?{query}"
    assert told["query"] == query


def test_a_long_query_arrives_whole(echo):
    query = "q=" + "x" * 7000
    assert echo.get(f"/page?{query}").json()["query"] == query


def test_a_header_of_8000_bytes_arrives_whole(echo):
    cookie = "c" * 8000
    assert echo.get("/", headers={"Cookie": cookie}).json()["headers"]["HTTP_COOKIE"] == cookie


@pytest.mark.parametrize("sent", [{"path": "/" + "x" * 9000}, {"headers": {"Cookie": "c" * 9000}}])
def test_what_is_longer_is_refused_and_the_next_request_is_not(echo, sent):
    answer = echo.get(**{"path": "/", **sent})
    assert answer.status in (400, 414, 431)
    assert echo.get("/").status == 200


def test_every_method_arrives(echo):
    for method in METHODS:
        answer = echo.get("/page", method=method)
        assert (answer.status, answer.json()["method"]) == (200, method)


def test_head_and_options_arrive(echo):
    whole, head = echo.get("/page?x"), echo.get("/page?x", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0
    assert echo.get("/page", method="OPTIONS").json()["method"] == "OPTIONS"


@pytest.mark.parametrize("size", [0, 1, 10_000, 1_000_000])
def test_a_body_arrives_whole(echo, size):
    body = hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)
    told = echo.get("/page", method="POST", body=body[:size]).json()
    assert told["body_bytes"] == size
    assert told["body_sha256"] == hashlib.sha256(body[:size]).hexdigest()


def test_an_upload_without_a_length_arrives_whole(echo):
    pieces = [bytes([number]) * (number * 100 + 1) for number in range(256)]
    connection = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("PUT", "/page", body=iter(pieces), encode_chunked=True)
        told = answer_on(connection.sock).json()
    whole = b"".join(pieces)
    # Nginx has all of it before Gunicorn is asked, and says how long it is.
    assert told["content_length"] == str(len(whole))
    assert told["body_sha256"] == hashlib.sha256(whole).hexdigest()


def test_a_client_that_asks_first_is_told_to_go_on(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=PATIENCE_S) as connection:
        connection.sendall(
            b"POST /page HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        answer = answer_on(connection)
    assert (answer.status, answer.json()["body_bytes"]) == (200, 5)


def test_a_client_that_keeps_its_connection_can_post_fifty_times(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=PATIENCE_S) as connection:
        for number in range(50):
            head = f"POST /page HTTP/1.1\r\nHost: a.example\r\nContent-Length: {number}\r\n\r\n"
            connection.sendall(head.encode() + b"x" * number)
            answer = answer_on(connection)
            assert (answer.status, answer.json()["body_bytes"]) == (200, number)


@pytest.mark.parametrize("size", [100, 4_000, 12_000])
def test_an_answer_may_have_a_long_cookie(echo, size):
    answer = echo.get(f"/cookie/{size}")
    assert (answer.status, answer.text) == (200, "a long cookie\n")
    assert len(answer.headers["Set-Cookie"]) == size


# -- pages about what is wrong -------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(serve, copy_of) -> Running:
    return serve(cwd=copy_of("behaviour_pages"))


def test_a_body_of_exactly_the_limit_is_taken(site):
    answer = site.get("/length", method="POST", body=bytes(LIMIT))
    assert (answer.status, answer.json()) == (200, {"bytes": LIMIT})


def test_a_body_above_the_limit_is_refused_with_the_limit(site):
    answer = site.get("/length", method="POST", body=bytes(LIMIT + 1))
    assert answer.status == 413
    assert_readable(answer, "That is too large", "at most 64 kB")
    site.wait_for(r"413 POST /length .*\(by nginx\)")


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"Accept": "*/*", "Content-Type": "application/json"},
        {"Accept": "application/problem+json, */*;q=0.1"},
    ],
)
def test_who_wants_or_sends_json_is_told_in_json(site, headers):
    answer = site.get("/length", method="POST", body=bytes(LIMIT + 1), headers=headers)
    assert answer.status == 413
    assert answer.headers["Content-Type"] == "application/json"
    (shown,) = answer.headers.get_all("X-Request-ID", [])
    assert answer.json() == {
        "error": "too_large",
        "message": "This site takes at most 64 kB in one request.",
        "request_id": shown,
    }


@pytest.mark.parametrize(
    "headers", [{"Accept": "text/html, application/json"}, {"Accept": "*/*"}, {}]
)
def test_anyone_else_is_shown_a_page(site, headers):
    answer = site.get("/length", method="POST", body=bytes(LIMIT + 1), headers=headers)
    assert_readable(answer, "That is too large")


def test_a_program_is_told_in_json_that_a_worker_died(site):
    answer = site.get("/dies", headers={"Accept": "application/json"})
    assert (answer.status, answer.json()["error"]) == (502, "not_answering")


def test_a_body_that_grows_beyond_the_limit_is_refused_too(site):
    head = b"PUT /length HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"
    piece = b"8000\r\n" + bytes(0x8000) + b"\r\n"
    body = b"Transfer-Encoding: chunked\r\n\r\n" + piece * 3 + b"0\r\n\r\n"
    assert site.raw(head + body).startswith(b"HTTP/1.1 413 ")


def test_whoever_asks_first_is_refused_before_sending_anything(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE_S) as connection:
        connection.sendall(
            b"POST /length HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
        )
        first = connection.recv(12, socket.MSG_PEEK)
        answer = answer_on(connection)
    assert first == b"HTTP/1.1 413"
    assert_readable(answer, "at most 64 kB")


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 418, 500, 502, 503, 504])
def test_the_apps_own_pages_are_left_alone(site, status):
    answer = site.get(f"/own/{status}")
    assert (answer.status, answer.text) == (status, f"the app's own page for {status}\n")
    assert len(answer.headers.get_all("X-Request-ID")) == 1


def test_the_apps_own_handlers_answer(site):
    answer = site.get("/raises")
    assert (answer.status, answer.text) == (500, "the app's own page for a mistake\n")
    answer = site.get("/missing")
    assert (answer.status, answer.text) == (404, "the app has no such page\n")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_worker_that_dies_leaves_a_readable_page(site, method):
    answer = site.get("/dies", method=method, body=b"x" if method == "POST" else None)
    assert answer.status == 502
    assert_readable(answer, "The site is not answering", "try again")
    # Once: nobody sends a request a second time that may have done something.
    (shown,) = answer.headers.get_all("X-Request-ID")
    site.wait_for(rf"502 {method} /dies .*\[{shown[:8]}\]")
    assert site.get("/").status == 200
    deaths = [line for line in site.stdout if "about to die" in line and shown[:8] in line]
    assert len(deaths) == 1


@pytest.fixture(scope="module")
def hurried(serve, copy_of) -> Running:
    words = ("--live-path", "/up", "--ready-path", "/own/500", "--trusted-proxy", "127.0.0.1")
    place = copy_of("behaviour_pages")
    (place / "errors").mkdir()
    for name in ("413", "maintenance"):
        page = f'<h1>Own {name} für alle</h1><!--# echo var="outrider_id" -->'
        (place / "errors" / f"{name}.html").write_text(page)
    return serve("--timeout", "2", "--error-pages", "errors", *words, cwd=place)


def test_a_page_that_takes_too_long_leaves_a_readable_page(hurried):
    # Gunicorn's first process would replace the worker before Nginx gives up: after the timeout
    # and five seconds more.
    master = hurried.gunicorn_master()
    master.suspend()
    try:
        answer = hurried.get("/sleeps/60.0")
    finally:
        master.resume()
    assert answer.status == 504
    assert_readable(answer, "The site took too long")
    hurried.wait_for(r"504 GET /sleeps/60\.0 ")
    assert hurried.get("/").status == 200


def test_a_worker_that_hangs_is_replaced(hurried):
    before = hurried.get("/").json()["pid"]
    answer = hurried.get("/sleeps/60.0")
    # Gunicorn's own page, where it still gets round to one.
    assert answer.status in (500, 502)
    assert len(answer.headers.get_all("X-Request-ID")) == 1
    hurried.wait_for(rf"WORKER TIMEOUT \(pid:{before}\)")
    (shown,) = answer.headers.get_all("X-Request-ID")
    told = rf"critical: REQUEST TIMEOUT \(pid:{before}\): GET /sleeps/60.0, for \d s"
    hurried.wait_for(rf"\[{shown[:8]}\] {told}")
    until(lambda: ", in sleeps" in hurried.said_by_app(shown))  # lines follow of its stack
    assert hurried.get("/").json()["pid"] != before


@pytest.mark.parametrize(
    ("app", "words", "path", "statuses"),
    [
        ("behaviour_asgi", (), "/blocks", {502}),  # the whole event loop
        ("servers_wsgi", ("--threads", "2"), "/hangs", {500, 502}),
    ],
)
def test_what_hangs_in_a_worker_of_many_requests_is_named_before_it_is_ended(
    app, words, path, statuses, serve, copy_of
):
    site = serve("app:app", "--timeout", "2", *words, cwd=copy_of(app))
    answer = site.get(f"{path}?x=1")
    (shown,) = answer.headers.get_all("X-Request-ID")
    assert answer.status in statuses
    told = rf"\[{shown[:8]}\] critical: REQUEST TIMEOUT \(.*\): GET {path}\?x=1, for \d s, is here:"
    site.wait_for(told)
    until(lambda: f", in {path[1:]}" in site.said_by_app(shown))
    until(lambda: site.get("/").status < 500)


# -- while the site is not ready -------------------------------------------------------------------


@pytest.fixture
def closed(echo):
    """Return a site on which somebody works, so that it lets nobody in but 127.0.0.3."""
    paths = Paths(run=str(echo.run_dir))
    files.set_maintenance(paths, is_on=True, allow=("127.0.0.3",))
    yield echo
    files.set_maintenance(paths, is_on=False)
    assert echo.get("/").status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_who_comes_while_the_site_is_worked_on_is_told_when_to_come_back(closed, method):
    answer = closed.get("/page?x=1", method=method)
    assert answer.status == 503
    assert_readable(answer, "The site is being worked on")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    (shown,) = answer.headers.get_all("X-Request-ID")
    closed.wait_for(rf"503 {method} /page\?x=1 .*\(by nginx\) .*\[{shown[:8]}\]")


def test_a_program_that_comes_while_the_site_is_worked_on_is_told_in_json(closed):
    answer = closed.get("/page", headers={"Accept": "application/json"})
    assert (answer.status, answer.json()["error"]) == (503, "maintenance")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("headers", [{"Upgrade": "websocket"}, {"Accept": "text/event-stream"}])
def test_no_stream_begins_while_the_site_is_worked_on(closed, headers):
    assert closed.get("/page", headers=headers).status == 503


def test_static_files_are_served_while_the_site_is_worked_on(closed):
    assert closed.get("/static/hello.txt").text == "hello\n"


def test_who_is_allowed_sees_the_site_as_it_is_and_nobody_else(closed):
    told = closed.get("/a%2Fb?x=1", method="PUT", body=b"abc", source="127.0.0.3")
    assert (told.status, told.json()["raw_uri"], told.json()["body_bytes"]) == (
        200,
        "/a%2Fb?x=1",
        3,
    )
    assert closed.get("/", source="127.0.0.4").status == 503


def test_a_second_order_replaces_who_is_allowed(closed):
    paths = Paths(run=str(closed.run_dir))
    files.set_maintenance(paths, is_on=True, allow=("127.0.0.4",))
    assert closed.get("/", source="127.0.0.4").status == 200
    assert closed.get("/", source="127.0.0.3").status == 503


@pytest.mark.parametrize(
    ("headers", "kind"), [({}, "text/html"), ({"Accept": "application/json"}, "application/json")]
)
def test_who_comes_while_the_app_starts_is_told_to_try_again(echo, headers, kind):
    mark = Paths(run=str(echo.run_dir)).starting
    files.set_mark(mark, is_there=True)
    answer = echo.get("/page", method="POST", body=b"x", headers=headers)
    files.set_mark(mark, is_there=False)
    assert (answer.status, answer.headers["Content-Type"]) == (503, kind)
    assert "Please try again in a moment" in answer.text
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("5", "no-store")
    assert echo.get("/page").status == 200


def test_pages_of_the_users_own_are_shown_to_who_reads_pages(hurried):
    body = bytes(LIMIT + 1)
    answer = hurried.get("/length", method="POST", body=body)
    (shown,) = answer.headers.get_all("X-Request-ID")
    assert (answer.status, answer.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert answer.text.strip() == f"<h1>Own 413 für alle</h1>{shown}"
    hurried.wait_for(rf"413 POST /length .*\(by nginx\) .*\[{shown[:8]}\]")
    json = hurried.get("/length", method="POST", body=body, headers={"Accept": "application/json"})
    assert (json.status, json.json()["error"]) == (413, "too_large")

    paths = Paths(run=str(hurried.run_dir))
    files.set_maintenance(paths, is_on=True)
    answers = [hurried.get("/", method=method) for method in METHODS]
    head = hurried.get("/", method="HEAD")
    files.set_maintenance(paths, is_on=False)
    assert {answer.status for answer in [*answers, head]} == {503}
    assert all("Own maintenance für alle" in answer.text for answer in answers)
    assert (head.headers["Retry-After"], head.body) == ("300", b"")
    assert hurried.get("/_outrider/pages/too_large.html").status == 404


# -- health ----------------------------------------------------------------------------------------


def test_this_machine_is_told_that_nginx_and_the_app_are_well(site):
    for path, text in (("/-/live", "ok\n"), ("/-/ready", "ready\n")):
        answer = site.get(path)
        assert (answer.status, answer.text) == (200, text)
    site.get("/after-that")
    site.wait_for("GET /after-that ")  # else the lines might only be on their way
    assert not [line for line in site.stdout if "/-/" in line]


def test_the_app_is_asked_under_its_own_name_and_hears_nothing_of_who_asks(echo):
    headers = {"Host": "10.1.2.3", "Cookie": "a=b", "X-Forwarded-Host": "evil.example"}
    told = echo.get("/-/ready?x=1", method="POST", body=b"x", headers=headers).json()
    assert (told["method"], told["path_info"], told["body_bytes"]) == ("GET", "/-/ready", 0)
    assert told["headers"]["HTTP_HOST"] == "localhost"
    assert "HTTP_COOKIE" not in told["headers"]
    assert "evil" not in str(told)


def test_whoever_is_asked_for_by_a_proxy_is_not_told(site):
    for path in ("/-/live", "/-/ready"):
        answer = site.get(path, headers={"X-Forwarded-For": "203.0.113.7"})
        assert (answer.status, answer.text) == (404, "Not found.\n")


def test_health_is_told_while_the_site_is_worked_on_and_not_while_the_app_starts(echo):
    paths = Paths(run=str(echo.run_dir))
    files.set_maintenance(paths, is_on=True)
    assert (echo.get("/-/live").status, echo.get("/-/ready").status) == (200, 200)
    files.set_maintenance(paths, is_on=False)
    files.set_mark(paths.starting, is_there=True)
    assert (echo.get("/-/live").status, echo.get("/-/ready").text) == (200, "starting\n")
    files.set_mark(paths.starting, is_there=False)


def test_an_app_that_fails_on_a_page_of_its_own_is_not_ready(hurried):
    assert hurried.get("/up").text == "ok\n"
    answer = hurried.get("/own/500")
    assert (answer.status, answer.text) == (503, "not ready\n")
    assert hurried.get("/own/500", headers={"X-Forwarded-For": "203.0.113.7"}).status == 404
    assert hurried.get("/-/live").text == "the app has no such page\n"


def test_an_app_whose_process_is_gone_is_not_ready(hurried):
    master = hurried.gunicorn_master()
    workers = master.children()
    for process in (master, *workers):
        process.suspend()
    try:
        answer = hurried.get("/own/500")
    finally:
        for process in (master, *workers):
            process.resume()
    assert (answer.status, answer.text) == (503, "not ready\n")


# -- your own directives -------------------------------------------------------------------------


def test_a_snippet_adds_locations_and_takes_none_away(serve, copy_of):
    place = copy_of("behaviour_echo")
    (place / "more.conf").write_text(
        'location = /teapot { default_type text/plain; return 418 "short and stout\\n"; }\n'
        "location ~ [.]txt$ { return 410; }\n"
    )
    site = serve("--nginx-snippet", "more.conf", cwd=place)
    answer = site.get("/teapot")
    assert (answer.status, answer.text) == (418, "short and stout\n")
    assert site.get("/").status == 200
    assert site.get("/other.txt").status == 410
    assert site.get("/static/hello.txt").text == "hello\n"


@pytest.mark.parametrize(
    ("text", "line", "evidence"),
    [
        ("# mine\nexpires 1h;\nno_such_directive on;\n", 3, "no_such_directive"),
        ("location /x {\n  return 200;\n", 3, "unexpected end of file"),
        ("}\n", 1, 'unexpected "}"'),
    ],
)
def test_a_snippet_with_a_mistake_is_refused_with_its_line(
    nginx, copy_of, free_port, text, line, evidence
):
    place = copy_of("behaviour_pages")
    (place / "bad.conf").write_text(text)
    words = ("--nginx", nginx, "--nginx-snippet", "bad.conf", "--bind", str(free_port))
    refused = outrider("run", *words, "--run-dir", str(place / "run"), cwd=place)
    assert refused.returncode == 6
    assert evidence in refused.stderr
    assert re.search(rf"bad\.conf:{line}\b", refused.stderr)
    assert "correct your snippet" in refused.stderr
    assert not (place / "run").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port), timeout=PATIENCE_S)


def test_a_snippet_may_lie_where_names_are_odd(serve, copy_of):
    project = copy_of("behaviour_pages")
    odd = project / 'it\'s "odd" ; {4}'
    odd.mkdir()
    (odd / "more.conf").write_text("location = /odd { return 204; }\n")
    site = serve("--nginx-snippet", str(odd / "more.conf"), cwd=project)
    assert site.get("/odd").status == 204
