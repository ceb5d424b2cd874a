"""What a client asks, and what the app sees of it: rows of the table in hazards.py."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from pathlib import Path

import pytest

from tests.worker.rig import (
    PATIENCE_S,
    THERE,
    Reply,
    connected,
    receive,
    request,
    serving,
)

pytestmark = pytest.mark.integration

MEGABYTE = 2**20
LARGE = 60 * MEGABYTE
MORE_AT_MOST = 12 * MEGABYTE
"""Of memory for a large body: Gunicorn's own pieces have a megabyte, of which it holds several."""
OWN = {"gunicorn.socket", "wsgi.early_hints", "wsgi.errors", "wsgi.file_wrapper", "wsgi.input"}
"""Objects of a server's own, of which only what they can do is alike."""


# -- heads -----------------------------------------------------------------------------------------


def test_large_head(served, expected):
    """Twelve headers of 6 KB each, read in several pieces whatever the size of a read."""
    headers = [f"X-Long-{number}: " + f"{number:x}" * 6000 for number in range(12)]
    seen = served.direct(request("/environ", *headers)).json()
    assert seen["HTTP_X_LONG_11"] == "b" * 6000
    assert seen["HTTP_X_LONG_0"] == "0" * 6000
    assert expected == "200"


def test_split_head(served, expected):
    data = request("/environ?a=b", "X-A: 1", "X-B: 2", method="POST", body=b"body")
    whole = described(served, data)
    with connected(served.socket) as connection:
        for number in range(len(data)):
            connection.sendall(data[number : number + 1])
            if number % 8 == 0:
                time.sleep(0.001)  # not a verdict: so that the worker reads less than it wants
        assert described(served, receive(connection)) == whole
    assert expected == "200"


def test_repeated_header(served, expected):
    headers = ["X-A: 1", "x-a: 2", "X-A:3", "Cookie: a=1", "Cookie: b=2"]
    for send in (served.direct, served.through):
        seen = send(request("/environ", *headers)).json()
        assert seen["HTTP_X_A"] == "1,2,3"
        assert seen["HTTP_COOKIE"] in ("a=1,b=2", "a=1; b=2")  # the second is newer Nginx's
    assert expected == "joined by a comma"


def test_underscore(served, expected):
    """It would look like a hyphen to the app: https://www.rfc-editor.org/rfc/rfc9110#section-17.10."""
    headers = ["X_Real_IP: 203.0.113.9", "REMOTE_USER: admin", "X-A: 1", "Content_Length: 9"]
    for send in (served.direct, served.through):
        seen = send(request("/environ", *headers)).json()
        forged = {"HTTP_REMOTE_USER", "HTTP_CONTENT_LENGTH", "REMOTE_USER", "CONTENT_LENGTH"}
        assert not forged & seen.keys()
        assert seen.get("HTTP_X_REAL_IP") != "203.0.113.9"
        assert seen["HTTP_X_A"] == "1"
    assert expected == "dropped"


def test_not_ascii(served, expected):
    for send in (served.direct, served.through):
        seen = send(request("/environ", "X-A: caf\xe9 \xff")).json()
        assert seen["HTTP_X_A"] == "caf\xe9 \xff"
    assert expected == "as Latin-1"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a%00b", "/a\0b"),
        ("//env/../env", "//env/../env"),
        ("//", "//"),
        ("/a//b", "/a//b"),
        ("/..", "/.."),
        ("/a/../../b", "/a/../../b"),
        ("/%2e%2e/%2F", "/..//"),
        ("/caf%C3%A9", "/caf\xc3\xa9"),
        ("/100%", "/100%"),
        ("/%zz%4", "/%zz%4"),
        ("/a+b;c=d", "/a+b;c=d"),
        ("/a:b@c", "/a:b@c"),
        ("/[x]", "/[x]"),
        ("/a?b?c", "/a"),
        ("/a?", "/a"),
        ('/"quoted"', '/"quoted"'),
        ("/a\\b", "/a\\b"),
    ],
)
def test_odd_paths(served, expected, target, path):
    seen = served.direct(request(target)).json()
    assert (seen["PATH_INFO"], seen["RAW_URI"]) == (path, target)
    assert seen["QUERY_STRING"] == target.partition("?")[2]
    reply = served.through(request(target))
    # Nginx refuses a NUL, and what leads out of the root; it passes the rest on as it was sent.
    if reply.status == 400:
        assert "%00" in target or target in ("/..", "/a/../../b", "/100%", "/%zz%4", "/%2e%2e/%2F")
    else:
        assert (reply.json()["PATH_INFO"], reply.json()["RAW_URI"]) == (path, target)
    assert expected == "as they were sent"


# -- bodies ----------------------------------------------------------------------------------------


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def test_chunked(served, expected):
    head = request("/environ", "Transfer-Encoding: chunked", method="POST")
    seen = served.through(head + chunked(b"a" * 1000, b"b" * 70_000, b"c")).json()
    assert seen["body"] == "a" * 1000 + "b" * 70_000 + "c"
    assert seen["CONTENT_LENGTH"] == "71001"
    assert "HTTP_TRANSFER_ENCODING" not in seen
    assert expected == "whole, with a length"


def test_chunked_direct(served, expected):
    head = request("/environ", "Transfer-Encoding: chunked", method="POST")
    seen = served.direct(head + chunked(b"a" * 1000, b"b" * 70_000, b"c")).json()
    assert seen["body"] == "a" * 1000 + "b" * 70_000 + "c"
    assert "CONTENT_LENGTH" not in seen
    assert expected == "whole"


def test_expect(served, expected):
    head = request("/environ", "Expect: 100-continue", "Content-Length: 4", method="POST")
    with connected(served.socket) as connection:
        connection.sendall(head)
        first = connection.recv(1000)
        assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        reply = receive(connection)
    assert reply.json()["body"] == "body"
    assert expected == "100, then 200"


def test_unknown_expectation(served, expected):
    reply = served.direct(request("/environ", "Expect: wonders", method="POST", body=b"a"))
    assert reply.kind == expected


def test_connection(served, expected):
    is_there = "gunicorn.socket" in served.through(request("/environ")).json()
    always = {True: "there", False: "there where a request asks for an Upgrade"}
    assert always[is_there] == expected
    asking = request("/environ", "Upgrade: websocket").replace(b"close", b"Upgrade, close")
    assert "gunicorn.socket" in served.through(asking).json()


def test_upgrade(served, expected):
    """It is the app's to refuse it, which it does by answering as if there was no such header."""
    headers = [
        *("Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    data = request("/environ", *headers).replace(
        b"Connection: close", b"Connection: Upgrade, close"
    )
    for send in (served.direct, served.through):
        reply = send(data)
        assert reply.kind == "200"
        assert reply.json()["HTTP_UPGRADE"] == "websocket"
        assert expected == "200, an ordinary request"


BODY = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight"


def test_reading(served, expected):
    for send in (served.direct, served.through):
        told = send(request("/lines", method="POST", body=BODY)).body.decode()
        assert told == (
            r"[b'one\n', b'two', b'\nt', b'hree\n', b'', "
            r"b'four\nfive\nsix\nseven\neight', b'', b'', [], []]"
        )
    assert expected == "as PEP 3333 says"


def test_reading_lines_by_a_hint(served, expected):
    told = {
        r"[b'one\n', b'two\n']": "as many as it asks for",
        repr(BODY.splitlines(keepends=True)): "all",
    }
    for send in (served.direct, served.through):
        reply = send(request("/lines?hint", method="POST", body=BODY))
        assert told[reply.body.decode()] == expected


def test_short_upload(served, expected):
    """Nginx sends whole bodies; its own end in the middle is all that can cause this."""
    head = request("/environ", "Content-Length: 100", method="POST")
    with connected(served.socket) as connection:
        connection.sendall(head + b"body")
        connection.shutdown(1)
        reply = receive(connection)
    assert reply.json()["body"] == "body"
    assert expected == "the app reads what came"


def test_upload_ignored(served, expected):
    """Several times: a race of the answer with the rest of the upload would show."""
    outcomes = set()
    for _ in range(3):
        reply = served.through(request("/refuse", method="POST", body=bytes(50 * MEGABYTE)))
        outcomes.add((reply.kind, reply.body if reply.kind == "413" else b""))
    told = {("413", b"too large"): "413, whole", ("502", b""): "502"}
    allowed = set(expected.removesuffix(", by chance").split(" or "))
    assert {told[outcome] for outcome in outcomes} <= allowed


@contextlib.contextmanager
def memory_is_constant(served):
    """Compare the highest that a worker has had with what it has now.

    https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    """
    [worker] = served.workers()
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")
    before = peak(worker.pid)
    yield
    assert peak(worker.pid) - before < MORE_AT_MOST


def peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) * 1024


def test_large_upload(served, expected):
    piece = os.urandom(MEGABYTE)
    body = piece * (LARGE // MEGABYTE)
    digest = hashlib.blake2b(body, digest_size=8).hexdigest()
    for send in (served.direct, served.through):
        with memory_is_constant(served):
            reply = send(request("/digest", method="POST", body=body))
        assert reply.body.decode() == f"{len(body)} {digest}"
    assert expected == "whole, memory constant"


def test_large_download(served, expected):
    block = bytes(range(256)) * 256
    digest = hashlib.blake2b(block * (LARGE // len(block)))
    for address in (served.socket, served.port):
        with memory_is_constant(served):
            body = downloaded(address, f"/pour?{LARGE // MEGABYTE}")
        assert len(body) == LARGE
        assert hashlib.blake2b(body).digest() == digest.digest()
    assert expected == "whole, memory constant"


def downloaded(address, path) -> bytes:
    """Return a chunked body; a Reply would take it apart by copies."""
    body, rest = bytearray(), memoryview(b"")
    with connected(address) as connection:
        connection.sendall(request(path))
        raw = receive(connection).raw
    head, _, framed = raw.partition(b"\r\n\r\n")
    assert b"ransfer-Encoding: chunked" in head
    rest, at = memoryview(framed), 0
    while True:
        end = framed.index(b"\r\n", at)
        size = int(framed[at:end], 16)
        body += rest[end + 2 : end + 2 + size]
        at = end + 2 + size + 2
        if size == 0:
            assert at == len(framed)
            return bytes(body)


# -- limits ----------------------------------------------------------------------------------------

LIMITS = "limit_request_line = 200\nlimit_request_fields = 10\nlimit_request_field_size = 100"


@pytest.fixture(scope="module", params=THERE, ids=[kind.name for kind in THERE])
def limited(request):
    with serving(request.param, LIMITS) as running:
        yield running


def answer_of(limited, data) -> Reply:
    pids = [worker.pid for worker in limited.workers()]
    reply = limited.direct(data)
    assert [worker.pid for worker in limited.workers()] == pids
    return reply


def outcome(row: str, limited) -> str:
    from tests.worker.hazards import HAZARDS

    return HAZARDS[row].outcome(limited.kind)


@pytest.mark.parametrize(("length", "is_within"), [(200, True), (201, False), (5000, False)])
def test_line_limit(limited, length, is_within):
    path = "/environ?".ljust(length - len("GET  HTTP/1.1"), "a")
    expected = "200" if is_within else outcome("line_limit", limited)
    assert answer_of(limited, request(path)).kind == expected


@pytest.mark.parametrize(("count", "is_within"), [(10, True), (11, False), (200, False)])
def test_fields_limit(limited, count, is_within):
    headers = [f"X-{number}: a" for number in range(count - 2)]  # beside Host and Connection
    expected = "200" if is_within else outcome("fields_limit", limited)
    assert answer_of(limited, request("/environ", *headers)).kind == expected


@pytest.mark.parametrize(("length", "is_within"), [(100, True), (101, False), (5000, False)])
def test_field_limit(limited, length, is_within):
    header = "X-A: ".ljust(length - len("\r\n"), "a")
    expected = "200" if is_within else outcome("field_limit", limited)
    assert answer_of(limited, request("/environ", header)).kind == expected


# -- the environment -------------------------------------------------------------------------------

REQUESTS = {
    "get": request("/environ?a=b&c=%20"),
    "post": request("/environ", "Content-Type: text/plain", method="POST", body=b"body"),
    "put without a body": request("/environ", method="PUT"),
    "delete": request("/environ", method="DELETE", body=b""),
    "as Nginx sends it": request(
        "/environ?q",
        *("X-Forwarded-Host: 127.0.0.1:8000", "X-Forwarded-Port: 8000", "X-Forwarded-Proto: https"),
        *("X-Real-IP: 192.0.2.1", "X-Real-Port: 4711", "X-Forwarded-For: 192.0.2.1"),
        *("X-Request-ID: 0123", "Accept: */*", "Accept-Encoding: gzip", "Cookie: a=b; c=d"),
    ),
    "no host": b"GET /environ HTTP/1.1\r\nConnection: close\r\n\r\n",
    "host with a port": request("/environ").replace(b"Host: 127.0.0.1", b"Host: a.example:81"),
    "host of IPv6": request("/environ").replace(b"Host: 127.0.0.1", b"Host: [::1]:81"),
    "empty host": request("/environ").replace(b"Host: 127.0.0.1", b"Host: "),
    "https": request("/environ", "X-Forwarded-Proto: https"),
    "http": request("/environ", "X-Forwarded-Proto: http"),
    "https twice": request("/environ", "X-Forwarded-Proto: https", "X-Forwarded-Proto: https"),
    "scheme in doubt": request("/environ", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
    "schemes at odds": request("/environ", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
    "schemes agree": request("/environ", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: on"),
    "script name": request("/environ", "SCRIPT_NAME: /env"),
    "script name elsewhere": request("/environ", "SCRIPT_NAME: /other"),
    "path info": request("/environ", "PATH_INFO: /other"),
    "two hosts": request("/environ", "Host: other"),
    "two types": request("/environ", "Content-Type: a/b", "Content-Type: c/d"),
    "empty values": request("/environ", "X-A:", "X-B: ", "Content-Type:"),
    "blanks around": request("/environ", "X-A: \t a b \t "),
    "odd methods": request("/environ", method="PROPFIND"),
    "methods with a dash": request("/environ", method="M-SEARCH"),
    "long method": request("/environ", method="A" * 21),
    "small method": request("/environ", method="get"),
    "short method": request("/environ", method="GO"),
    "connect": b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "connect to a path": request("/environ", method="CONNECT"),
    "options": b"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "absolute": b"GET http://b.example:80/environ?a HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "fragment": request("/environ#part"),
    "old": request("/environ", version="1.0"),
    "newer": request("/environ", version="1.2"),
    "newest": request("/environ", version="2.0"),
    "preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "empty line first": b"\r\n" + request("/environ"),
    "two empty lines first": b"\r\n\r\n" + request("/environ"),
    "bare line feeds": request("/environ").replace(b"\r\n", b"\n"),
    "folded": request("/environ", "X-A: a\r\n b"),
    "blank before a colon": request("/environ", "X-A : b"),
    "no colon": request("/environ", "X-A"),
    "no name": request("/environ", ": a"),
    "carriage return": request("/environ", "X-A: a\rb"),
    "nul": request("/environ", "X-A: a\0b"),
    "control": request("/environ", "X-A: a\x01b"),
    "delete character": request("/environ", "X-A: a\x7fb"),
    "two lengths": request("/environ", "Content-Length: 1", method="POST", body=b"a"),
    "signed length": request("/environ", "Content-Length: +1", method="POST") + b"a",
    "length in words": request("/environ", "Content-Length: one", method="POST") + b"a",
    "length with an underscore": request("/environ", "Content-Length: 1_0", method="POST") + b"a",
    "list of lengths": request("/environ", "Content-Length: 1, 1", method="POST") + b"a",
    "other digits": request("/environ", "Content-Length: \xb2", method="POST") + b"a",
    "empty length": request("/environ", "Content-Length:", method="POST") + b"a",
    "length and chunks": request(
        "/environ", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST"
    )
    + chunked(b"a"),
    "unknown coding": request("/environ", "Transfer-Encoding: wonders", method="POST"),
    "chunks of old": request("/environ", "Transfer-Encoding: chunked", method="POST", version="1.0")
    + chunked(b"a"),
    "a second request behind": request("/environ") + request("/pid"),
    "a second request behind a body": request("/environ", method="POST", body=b"a") + request("/x"),
    "two blanks": b"GET  /environ HTTP/1.1\r\n\r\n",
    "tab": b"GET\t/environ HTTP/1.1\r\n\r\n",
    "no version": b"GET /environ\r\n\r\n",
    "not ascii": "GET /environ\xe9 HTTP/1.1\r\n\r\n".encode("latin-1"),
    "lower case version": b"GET /environ http/1.1\r\n\r\n",
}


@pytest.fixture(scope="session")
def reference():
    """Return what Gunicorn's sync worker makes of each request."""
    from tests.worker.rig import SYNC

    with serving(SYNC) as running:
        yield {name: described(running, data) for name, data in REQUESTS.items()}


def described(running, asked: bytes | Reply) -> tuple[int, dict[str, object]]:
    """Return the status, and the environment if the app was asked."""
    reply = running.direct(asked) if isinstance(asked, bytes) else asked
    seen = reply.json() if reply.status == 200 and not reply.has_no_body else {}
    told = {key: value for key, value in seen.items() if key not in OWN}
    # Of a request without a Host, Gunicorn tells the path of the socket.
    if told.get("SERVER_NAME") == running.socket:
        told["SERVER_NAME"] = "the socket"
    return reply.status, told


@pytest.mark.parametrize("name", REQUESTS)
def test_the_app_sees_what_it_sees_on_sync(served, reference, name):
    status, environ = described(served, REQUESTS[name])
    assert status == reference[name][0]
    if served.kind.threads > 1:
        assert environ.pop("wsgi.multithread", True)
        environ |= {"wsgi.multithread": False} if environ else {}
    assert environ == reference[name][1]


def test_the_app_is_given_what_it_is_given_on_sync(served, reference):
    """By the names alone: these are objects."""
    seen = served.direct(REQUESTS["post"]).json()
    assert OWN - seen.keys() <= {"gunicorn.socket"}


def test_nothing_is_left_of_a_connection_that_says_nothing(served):
    """Nginx may close before it sends anything."""
    for data in (b"", b"G", b"GET /environ HTTP/1.1\r\nX-A: "):
        with connected(served.socket, PATIENCE_S) as connection:
            connection.sendall(data)
    assert served.through(request("/pid")).status == 200
