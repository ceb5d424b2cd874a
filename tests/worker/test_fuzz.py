"""Bytes of all kinds for the worker's parser: it never falls, and never disagrees with Gunicorn's.

A hundred examples each by default. For a long run, which tries twenty thousand:

    pytest tests/worker/test_fuzz.py --hypothesis-profile=long
"""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.worker.malformed import MALFORMED
from tests.worker.rig import (
    KINDS,
    PATIENCE_S,
    SYNC,
    THERE,
    Reply,
    connected,
    receive,
    request,
    serving,
)
from tests.worker.test_requests import REQUESTS, described

pytestmark = [pytest.mark.integration, pytest.mark.slow]

worker = pytest.importorskip("outrider.app.worker.worker")
request_of = pytest.importorskip("outrider.app.worker.request")

OURS = [kind for kind in KINDS if kind.is_ours and kind in THERE]
LONGEST = 24
"""Of random bytes, as a power of two."""

# The server is the same for all examples of a test, on purpose.
fuzzed = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# -- requests that are almost right ----------------------------------------------------------------

_BYTES = st.binary(max_size=20)
_BLANKS = st.sampled_from(["", " ", "\t", "  ", "\r", "\n", "\0", "\x0b", "\xa0"])
_ENDS = st.one_of(st.just("\r\n"), st.sampled_from(["\r\n", "\n", "\r", "\r\r\n", "\r\n ", ""]))
_TOKENS = st.text("AZaz09!#$%&'*+-.^_`|~", min_size=1, max_size=12)
_TEXTS = st.text(st.characters(max_codepoint=255), max_size=12)

methods = st.one_of(
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "PRI", "M-SEARCH"]),
    st.sampled_from(["get", "GE", "A" * 20, "A" * 21, "G#T", "GÉT", "", "GET ", "G_T", "GET1"]),
    _TOKENS,
    _TEXTS,
)
targets = st.one_of(
    st.sampled_from(["/", "/a?b=c", "//a/../b", "/%00%zz%", "*", "a:1", "http://b/c?d", "/a#b"]),
    st.sampled_from(["", "?", "/?", "/??#", "//", "///", "//a:b@c/", "/[", "//[", "/\\", "/:a"]),
    st.builds("/{}".format, st.text('/?#%:;@[]&=+,.ab09\\"<>^`{|}~', max_size=16)),
    st.builds("/{}".format, _TEXTS),
    _TEXTS,
)
versions = st.sampled_from(
    ["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/11", ""]
)
names = st.one_of(
    st.sampled_from(["Host", "Cookie", "X-A", "x-a", "X_A", "Accept", "Connection", "Upgrade"]),
    st.sampled_from(["Content-Length", "content-length", "Content-Type", "Transfer-Encoding"]),
    st.sampled_from(["X-Forwarded-Proto", "X-Forwarded-Ssl", "X-Forwarded-Protocol", "Expect"]),
    st.sampled_from(["SCRIPT_NAME", "PATH_INFO", "REMOTE_USER", "SCRIPT-NAME", "Http-Host"]),
    st.sampled_from(["Proxy", "Trailer", "TE", "HTTP2-Settings", "Content-Encoding"]),
    _TOKENS,
    _TEXTS,
)
values = st.one_of(
    st.sampled_from(["", "a", "127.0.0.1", "a.example:81", "https", "http", "on", "off", "ssl"]),
    st.sampled_from(
        ["0", "4", "+4", "-1", "4 4", "1_0", "\xb2", "٤", "9" * 18, "9" * 19, "0" * 30]
    ),
    st.sampled_from(["chunked", "gzip, chunked", "identity", "100-continue", "websocket", "h2c"]),
    st.sampled_from(["/", "/a", "close", "keep-alive", " a ", "\ta\t", "a\x01b", "a\x7fb", "é"]),
    _TEXTS,
).map(lambda text: text.encode("utf-8", "replace").decode("latin-1"))
fields = st.builds(
    lambda name, before, after, value, end: name + before + ":" + after + value + end,
    names,
    st.one_of(st.just(""), _BLANKS),
    st.one_of(st.just(" "), _BLANKS),
    values,
    _ENDS,
)
lines = st.builds(
    lambda before, words, blank, end: before + blank.join(words) + end,
    st.one_of(st.just(""), st.just(""), st.just("\r\n"), _BLANKS),
    st.tuples(methods, targets, versions),
    st.one_of(st.just(" "), st.just(" "), _BLANKS),
    _ENDS,
)
bodies = st.one_of(
    st.just(b""),
    st.sampled_from(
        [b"body", b"4\r\nbody\r\n0\r\n\r\n", b"0\r\n\r\n", b"4;a=b\r\nbo", b"\r\n\r\n"]
    ),
    st.binary(max_size=40),
)
almost_right = st.builds(
    lambda line, headers, end, body: (
        (line + "".join(headers) + end).encode("latin-1", "replace") + body
    ),
    lines,
    st.lists(fields, max_size=6),
    st.one_of(st.just("\r\n"), _ENDS),
    bodies,
)
quite_right = st.builds(
    lambda method, target, headers, body: request(
        target, *(f"{name}: {value}" for name, value in headers), method=method, body=body
    ),
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.builds("/{}".format, st.text("/?%:;@[]&=+,.ab09~", max_size=16)),
    st.lists(st.tuples(names, values).filter(lambda pair: "\n" not in "".join(pair)), max_size=6),
    st.one_of(st.none(), st.binary(max_size=40)),
)


@st.composite
def noise(draw):
    """Random bytes of any length up to 24 bits: the lengths are as often small as large."""
    length = draw(st.integers(0, (1 << draw(st.integers(0, LONGEST))) - 1))
    data = random.Random(draw(st.integers(0, 2**32))).randbytes(length)
    return draw(st.sampled_from([b"", b"", b"GET ", b"GET / HTTP/1.1\r\n", b"\r\n"])) + data


@st.composite
def damaged(draw):
    """A request with some of its bytes changed, taken out or repeated."""
    data = bytearray(draw(st.one_of(quite_right, st.sampled_from(list(REQUESTS.values())))))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data[at : at + draw(st.integers(0, 3))] = draw(_BYTES)
    return bytes(data)


anything = st.one_of(quite_right, almost_right, damaged())


# -- the worker, by its socket ---------------------------------------------------------------------


@pytest.fixture(scope="module", params=OURS, ids=[kind.name for kind in OURS])
def ours(request):
    with serving(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def sync():
    with serving(SYNC) as running:
        yield running


def whole_exchange(served, data: bytes) -> Reply:
    """Send all, say that there is no more, and wait until the worker closes.

    Raises:
        TimeoutError: it does not.
    """
    with connected(served.socket, PATIENCE_S) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        return receive(connection, data.partition(b" ")[0].decode("latin-1"))


@pytest.fixture
def unharmed(ours):
    """The worker that served before still does afterwards."""
    before = [one.pid for one in ours.workers()]
    yield
    assert [one.pid for one in ours.workers()] == before
    assert ours.through(request("/pid")).body == str(before[0]).encode()
    assert "Traceback" not in ours.log


@fuzzed
@given(data=noise())
@example(data=b"")
@example(data=b"\r\n" * 100_000)
@example(data=b"GET / HTTP/1.1\r\nX:" + b" " * 8100 + b"\x01\r\n\r\n")
@example(data=b"GET / HTTP/1.1\r\nX:" + b" " * 60_000 + b"\x01\r\n\r\n")
@example(data=b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 20_000 + b"\r\n")
@example(data=b"GET /" + b"%41" * 20_000 + b" HTTP/1.1\r\n\r\n")
@example(data=b"A" * 2**LONGEST)
def test_noise_is_answered_or_closed(ours, unharmed, data):
    reply = whole_exchange(ours, data)
    assert reply.raw[:7] in (b"", b"HTTP/1."), data[:300]


@fuzzed
@given(data=anything)
@example(data=b"GET / HTTP/1.1\r\n\r\n")
@example(data=b"HEAD / HTTP/1.1\r\n\r\n")
@example(data=b"GET / HTTP/1.0\r\n\r\n")
def test_the_worker_answers_as_sync_does(ours, sync, unharmed, data):
    assume(b"\r\n\r\n" in data)
    ends = [whole_exchange(served, data) for served in (ours, sync)]
    told = [described(served, end) for served, end in zip((ours, sync), ends, strict=True)]
    for _, environ in told:
        environ.pop("wsgi.multithread", None)
    assert told[0] == told[1]
    assert len(ends[0].interim) == len(ends[1].interim)


# -- the parser, by itself -------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_prefix(monkeypatch):
    """Gunicorn's own parser looks into the environment."""
    monkeypatch.delenv("SCRIPT_NAME")


class Client:
    """A connection that has said everything, as Gunicorn's parser reads it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def recv(self, size: int) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        return data

    def send(self, data: bytes) -> int:
        return len(data)


CONFIG = Config()
RULES = request_of.rules(CONFIG, {}, worker.READ_BYTES)


def by_gunicorn(data: bytes) -> dict[str, object] | None:
    """Return the environment that Gunicorn makes, with the body, or None if it refuses."""
    client: Any = Client(data)
    try:
        parsed = next(RequestParser(CONFIG, client, ""))
        _, environ = create(parsed, client, "", "/app.sock", CONFIG)
        environ["body"] = environ["wsgi.input"].read()
    except (ParseException, OSError, StopIteration):
        return None
    return dict(environ)


def compared(environ: dict[str, object]) -> dict[str, object]:
    """Return what a request decides, and not the server."""
    decided = ("REQUEST_METHOD", "RAW_URI", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE")
    more = ("CONTENT_LENGTH", "SERVER_PROTOCOL", "wsgi.url_scheme", "body", "SCRIPT_NAME")
    return {
        name: value
        for name, value in environ.items()
        if name in decided + more or name.startswith("HTTP_")
    }


def by_ours(data: bytes) -> dict[str, object] | None:
    """Return the same of the worker's own parser, or None if it leaves that to Gunicorn."""
    parsed = request_of.parse(data, RULES)
    length = None if parsed is None else request_of.length_of(parsed[0])
    if parsed is None or length is None:
        return None
    environ, begun = parsed
    return compared(environ) | {"body": begun[:length]}


def parsed_alike(data: bytes) -> None:
    """It takes a part of what Gunicorn takes, and the rest is Gunicorn's own to judge."""
    ours = by_ours(data)
    if ours is None:
        return
    gunicorns = by_gunicorn(data)
    assert gunicorns is not None, "Gunicorn refuses it"
    assert ours == compared(gunicorns)


@fuzzed
@given(data=anything)
def test_what_is_parsed_is_parsed_alike(data):
    parsed_alike(data)


@pytest.mark.parametrize("odd", MALFORMED, ids=[odd.name for odd in MALFORMED])
def test_a_malformed_request_is_parsed_alike(odd):
    parsed_alike(odd.data)


@pytest.mark.parametrize("name", REQUESTS)
def test_an_ordinary_request_is_parsed_alike(name):
    parsed_alike(REQUESTS[name])


@fuzzed
@given(data=noise())
def test_the_parser_never_raises(data):
    request_of.parse(data[:65536], RULES)


def test_what_nginx_sends_is_parsed_here():
    """Or it would be right, and slow."""
    names = ("get", "post", "delete", "as Nginx sends it", "host with a port", "https")
    assert [name for name in names if by_ours(REQUESTS[name]) is None] == []
