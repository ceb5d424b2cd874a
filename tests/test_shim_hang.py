"""What the log says of a request that hangs."""

from __future__ import annotations

import sys
import threading

from outrider.app.shim.gunicorn_hang import request_in, tell

ENVIRON = {
    "REQUEST_METHOD": "POST",
    "RAW_URI": "/orders?x=1",
    "PATH_INFO": "/orders",
    "HTTP_X_REQUEST_ID": "abc",
}
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/live",
    "query_string": b"x=1",
    "headers": [(b"x-request-id", b"abc")],
}


def serve(environ):
    return app(environ)


def app(environ):
    return sys._getframe()


async def serve_asgi(scope):
    return await asgi_app(scope)


async def asgi_app(scope):
    return sys._getframe()


def finished(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


class Log:
    def __init__(self):
        self.lines = []

    def critical(self, text, *args):
        self.lines.append(text % args)


class Worker:
    pid = 7

    def __init__(self):
        self.log = Log()


def test_a_request_is_found_in_the_frames_of_who_serves_it():
    name, its_id, _ = request_in(serve(ENVIRON))
    assert (name, its_id) == ("POST /orders?x=1", "abc")
    name, its_id, _ = request_in(finished(serve_asgi(SCOPE)))
    assert (name, its_id) == ("GET /live?x=1", "abc")


def test_a_websocket_is_named_as_such():
    scope = {"type": "websocket", "path": "/chat", "query_string": b"", "headers": []}
    assert request_in(finished(asgi_app(scope)))[:2] == ("websocket /chat", "")


def test_what_an_app_calls_by_the_same_name_is_no_request():
    assert request_in(app({"development": True}))[0] == ""
    assert request_in(app(None))[0] == ""
    assert request_in(None) == ("", "", None)


def test_the_line_names_the_request_and_shows_no_more_than_what_serves_it():
    worker = Worker()
    told = threading.Event()

    def request(environ):
        tell(worker, sys._getframe(), 31.4, "outrider-2")
        told.set()

    threading.Thread(target=request, args=(ENVIRON,)).start()
    assert told.wait(60)
    [line] = worker.log.lines
    first, *stack = line.splitlines()
    assert first == ("REQUEST TIMEOUT (pid:7, outrider-2): POST /orders?x=1, for 31 s, is here:")
    assert [", in request" in one for one in stack if "File" in one] == [True]


def test_a_worker_that_hangs_between_requests_says_so():
    worker = Worker()
    tell(worker, None, 31.4)
    assert worker.log.lines[0].startswith(
        "REQUEST TIMEOUT (pid:7): what is done between requests, for 31 s, is here:"
    )
