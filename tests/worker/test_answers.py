"""What an app answers, right or wrong, and what its client gets: rows of hazards.py."""

from __future__ import annotations

import random
from functools import partial

import pytest

from tests.worker.hazards import CUT, ERROR
from tests.worker.rig import asking, connected, request, until

pytestmark = pytest.mark.integration

LENGTH_5 = ["Content-Length", "5"]
TEXT = ["Content-Type", "text/plain"]


@pytest.fixture
def ask(served, log):
    """Return a function that asks twice, directly and through Nginx, for the same outcome."""

    def has_logged(start: int, text: str) -> bool:
        return text in served.log[start:]

    def outcome_of(path: str, tell, *, is_logged: str = "", **more) -> str:
        outcomes = set()
        for send in (served.direct, served.through):
            start = len(served.log)
            outcomes.add(tell(send(request(path, **more))))
            if is_logged:
                until(partial(has_logged, start, is_logged), served)
        assert len(outcomes) == 1, outcomes
        return outcomes.pop()

    return outcome_of


@pytest.fixture
def log(served):
    """Show what the server has said when a test fails."""
    start = len(served.log)
    yield
    print(served.log[start:][-4000:])


def cut(reply):
    return CUT if reply.kind == "cut" else reply.kind


def error(reply):
    """A plain error and nothing of the app's answer, even if it looks like one."""
    is_clean = b"X-Evil" not in reply.raw and reply.raw.count(b"HTTP/1.") == 1
    return ERROR if reply.kind == "500" and is_clean else reply.raw.decode("latin-1")


def whole(body, told="200, whole"):
    def tell(reply):
        return told if (reply.kind, reply.body) == ("200", body) else f"{reply.kind} {reply.body}"

    return tell


# -- errors ----------------------------------------------------------------------------------------


def test_error_at_once(ask, expected):
    path = asking(**{"raise": "at once"})
    assert ask(path, error, is_logged="RuntimeError: raised at once") == expected


def test_error_before_the_first_block(ask, expected):
    path = asking(blocks=["raise"])
    assert ask(path, error, is_logged="RuntimeError: raised in the body") == expected


def test_error_after_the_first_block(ask, expected):
    path = asking(blocks=["a", "raise"])
    assert ask(path, cut, is_logged="RuntimeError: raised in the body") == expected


def test_error_after_a_block_of_a_promised_length(ask, expected):
    path = asking(headers=[TEXT, LENGTH_5], blocks=["a", "raise"])
    assert ask(path, cut, is_logged="RuntimeError: raised in the body") == expected


def test_error_in_close(ask, expected):
    tell = whole(b"abc", "200, whole, logged")
    path = asking(blocks=["abc"], close="raise")
    assert ask(path, tell, is_logged="RuntimeError: raised in close") == expected


def test_start_again(ask, expected):
    assert ask(asking(again="without"), error, is_logged="AssertionError") == expected


def test_start_again_with_the_reason(ask, expected):
    def tell(reply):
        return "500, the second one's" if reply.kind == "500" and reply.body == b"" else reply.raw

    assert ask(asking(again="with the reason"), tell) == expected


def test_start_again_too_late(ask, expected):
    path = asking(write=["a"], again="with the reason")
    assert ask(path, cut, is_logged="RuntimeError: the reason") == expected


def test_no_start(ask, expected, kind):
    def tell(reply):
        if b"HTTP/1.1 None\r\n" in reply.raw:
            return "garbage with status 200"
        return error(reply)

    assert ask("/no-start", tell, is_logged="start_response" * kind.is_ours) == expected


def test_not_bytes(ask, expected):
    def tell(reply):
        return CUT if reply.kind == "cut" else error(reply)

    assert ask("/text", tell, is_logged="TypeError: 'text' is not a byte") == expected


# -- bodies ----------------------------------------------------------------------------------------


def test_late_start(ask, expected):
    assert ask("/late-start", whole(b"late")) == expected


def test_too_short(ask, expected):
    assert ask(asking(headers=[TEXT, LENGTH_5], blocks=["abc"]), cut) == expected


def test_too_long(ask, expected):
    tell = whole(b"abcde", "200, cut to the length")
    for blocks in (["abcdefg"], ["abcde", "fg"], ["abc", "defg"]):
        assert ask(asking(headers=[TEXT, LENGTH_5], blocks=blocks), tell) == expected


def test_head(ask, expected):
    def tell(reply):
        told = (reply.status, reply.header("content-length"), reply.rest)
        return "200, the length, no body" if told == (200, "5", b"") else told

    path = asking(headers=[TEXT, LENGTH_5], blocks=["abcde"])
    assert ask(path, tell, method="HEAD") == expected


def test_no_content(ask, expected):
    def tell(reply):
        framing = (reply.header("content-length"), reply.header("transfer-encoding"), reply.rest)
        return "204, no body, no length" if framing == (None, None, b"") else framing

    path = asking(status="204 No Content", headers=[LENGTH_5], blocks=["abcde"])
    assert ask(path, tell) == expected


def test_not_modified(ask, expected):
    def tell(reply):
        framing = (reply.status, reply.header("transfer-encoding"), reply.rest)
        return "304, no body" if framing == (304, None, b"") else framing

    for headers in ([], [LENGTH_5]):
        path = asking(status="304 Not Modified", headers=headers, blocks=["abcde"])
        assert ask(path, tell) == expected


def test_empty_blocks(ask, expected):
    for blocks in (["", "a", "", "b", ""], ["", ""], []):
        assert ask(asking(blocks=blocks), whole("".join(blocks).encode())) == expected


def test_no_length(ask, expected):
    def tell(reply):
        is_chunked = reply.header("transfer-encoding") == "chunked"
        return "200, chunked, whole" if is_chunked and reply.body == sent else reply.raw

    large = {"byte": "x", "times": 3_000_000}
    sent = b"ab" + b"x" * 3_000_000 + b"c"
    assert ask(asking(blocks=["a", "b", large, "c"]), tell) == expected


def test_old_client(served, expected):
    """Nginx itself speaks HTTP/1.1 to the app, whatever the client speaks."""
    for send in (served.direct, served.through):
        reply = send(request(asking(blocks=["a", "b"]), version="1.0"))
        assert reply.header("transfer-encoding") is None
        assert (reply.status, reply.body) == (200, b"ab")
        assert expected == "200, ended by closing"


def test_write(ask, expected):
    assert ask(asking(write=["a", "", "b"], blocks=["c"]), whole(b"abc")) == expected
    assert ask(asking(write=["abc"], blocks=[]), whole(b"abc")) == expected
    headers = [TEXT, LENGTH_5]
    tell = whole(b"abcde")
    assert ask(asking(headers=headers, write=["abc"], blocks=["defg"]), tell) == expected


def test_early_hints(served, expected):
    """Only without Nginx: some versions drop them, older ones take them for the answer."""
    links = [["Link", "</a.css>; rel=preload"], ["X-More", "1"]]
    reply = served.direct(request(asking(hints=links, blocks=["a"])))
    heads = [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-More: 1"]
    assert (reply.interim, reply.kind, reply.body) == (heads, "200", b"a")
    assert expected == "103, then 200"
    # Nobody who speaks HTTP/1.0 understands them.
    reply = served.direct(request(asking(hints=links, blocks=["a"]), version="1.0"))
    assert (reply.interim, reply.status, reply.body) == ([], 200, b"a")
    # What would break the framing is refused, as in the headers of an answer.
    reply = served.direct(request(asking(hints=[["Link", "a\r\n\r\nHTTP/1.1 200 OK"]])))
    assert error(reply) == ERROR


def test_own_headers(served, expected):
    """Those of the app too: Nginx passes neither on."""
    for headers in ([TEXT], [TEXT, ["Date", "a"], ["Server", "b"]]):
        path = asking(headers=headers, blocks=["a"])
        reply = served.direct(request(path))
        are_sent = {reply.header("date") is not None, reply.header("server") is not None}
        assert {frozenset({True}): "sent", frozenset({False}): "left to Nginx"}[
            frozenset(are_sent)
        ] == expected
        reply = served.through(request(path))
        assert reply.header("server") == "nginx"
        assert str(reply.header("date")).endswith("GMT")


def test_hop_by_hop(served, expected):
    headers = [
        *(["Connection", "keep-alive"], ["Keep-Alive", "timeout=5"], ["TE", "trailers"]),
        *(["Trailers", "X"], ["Transfer-Encoding", "gzip"], ["Proxy-Authenticate", "Basic"]),
        ["Upgrade", "h2c"],
    ]
    reply = served.direct(request(asking(headers=[TEXT, *headers], blocks=["a"])))
    assert (reply.kind, reply.body) == ("200", b"a")
    assert reply.header("connection") == "close"
    assert reply.header("transfer-encoding") == "chunked"
    names = {"keep-alive", "te", "trailers", "proxy-authenticate", "upgrade"}
    assert not names & {name for name, _ in reply.headers}
    assert expected == "200, not passed on"


# -- what must not get into the head ---------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["200 OK\r\nX-Evil: 1", "200 OK\nX-Evil: 1", "200 OK\r\n\r\nX-Evil"]
)
def test_crlf_in_status(ask, expected, status):
    assert ask(asking(status=status), error, is_logged="Traceback") == expected


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\n X-Evil"])
def test_crlf_in_value(ask, expected, value):
    path = asking(headers=[["X-A", value], TEXT])
    assert ask(path, error, is_logged="Traceback") == expected


@pytest.mark.parametrize(
    "name", ["X-A: b\r\nX-Evil", "X-Evil\n", "X-Evil ", "X-Evil:", "", "X-Évil"]
)
def test_crlf_in_name(ask, expected, name):
    path = asking(headers=[[name, "1"], TEXT])
    assert ask(path, error, is_logged="Traceback") == expected


@pytest.mark.parametrize("value", ["a\0X-Evil", "X-Evil\x7f", "\x1bX-Evil"])
def test_nul_in_value(ask, expected, value):
    path = asking(headers=[["X-A", value], TEXT])
    assert ask(path, error, is_logged="Traceback") == expected


@pytest.mark.parametrize("status", ["", "OK", "20 OK", "2000 OK", " 200 OK", "200\tOK", 200])
def test_status_is_no_number(ask, expected, status):
    assert ask(asking(status=status), error, is_logged="Traceback") == expected


def test_value_is_no_text(ask, expected):
    path = asking(headers=[["X-A", 1], TEXT])
    assert ask(path, error, is_logged="Traceback") == expected


def test_value_beyond_latin_1(ask, expected):
    path = asking(headers=[["X-A", "\u20ac"], TEXT])
    assert ask(path, error, is_logged="Traceback") == expected


# -- files -----------------------------------------------------------------------------------------

CONTENT = random.Random("file").randbytes(300_000)


@pytest.fixture
def file(served, ask):
    """Return a function that asks for a file."""
    (served.state / "file").write_bytes(CONTENT)
    (served.state / "empty").write_bytes(b"")

    def answer(tell, *query, name="file", method="GET"):
        return ask(f"/file?{'&'.join(['name=' + name, *query])}", tell, method=method)

    return answer


def same(body, told):
    def tell(reply):
        is_same = (reply.kind, reply.body) == ("200", body)
        return told if is_same else (reply.kind, len(reply.body), len(body))

    return tell


def test_file(file, expected):
    assert file(same(CONTENT, "200, whole")) == expected


def test_file_with_length(file, expected):
    assert file(same(CONTENT, "200, whole"), f"length={len(CONTENT)}") == expected


def test_file_at_an_offset(file, expected):
    assert file(same(CONTENT[1234:], "200, from there"), "at=1234") == expected


def test_file_with_a_part(file, expected):
    tell = same(CONTENT[1234:101_234], "200, that part")
    assert file(tell, "at=1234", "length=100000") == expected


def test_file_too_short(file, expected):
    assert file(cut, f"length={len(CONTENT) + 1}") == expected
    assert file(cut, "at=10", f"length={len(CONTENT)}") == expected


def test_file_in_memory(file, expected):
    assert file(same(CONTENT, "200, whole"), "memory=1") == expected
    tell = same(CONTENT[5:], "200, whole")
    assert file(tell, "memory=1", "at=5", f"length={len(CONTENT) - 5}") == expected


def test_file_of_nothing(served, file, expected):
    assert file(same(b"", "200, whole"), "length=0", name="empty") == "200, whole"
    assert served.through(request("/file?name=empty")).kind == "200"
    ends = {b"0\r\n\r\n": "200, whole", b"0\r\n\r\n0\r\n\r\n": "200, whole, with two ends"}
    assert ends[served.direct(request("/file?name=empty")).rest] == expected


def test_file_and_head(file, expected):
    def tell(reply):
        return "200, no body" if (reply.status, reply.rest) == (200, b"") else reply.raw

    assert file(tell, f"length={len(CONTENT)}", method="HEAD") == expected
    assert file(tell, method="HEAD") == expected


# -- the end of it ---------------------------------------------------------------------------------


def test_client_leaves(served, expected):
    """It reads the beginning of more than the connection holds."""
    number = served.number()
    block = {"byte": "x", "times": 100_000}
    path = asking(id=number, blocks=[block] * 30)
    with connected(served.socket) as connection:
        connection.sendall(request(path))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert served.until_noted("closed", number) == [number]
    assert served.through(request("/pid")).status == 200
    assert served.notes("closed").count([number]) == 1
    assert expected == "`close()` once, serves on"


@pytest.mark.parametrize(
    "ask",
    [
        {"blocks": ["a"]},
        {"blocks": []},
        {"blocks": ["raise"]},
        {"blocks": ["a", "raise"]},
        {"blocks": ["abc"], "close": "raise"},
        {"blocks": ["abc"], "headers": [LENGTH_5]},
        {"blocks": ["abcdefg", "h"], "headers": [LENGTH_5]},
        {"blocks": ["a"], "status": "204 No Content"},
        {"blocks": ["a"], "status": "304 Not Modified"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_close_once(served, expected, ask, method):
    number = served.number()
    served.direct(request(asking(**{**ask, "id": number}), method=method))
    served.until_noted("closed", number)
    served.direct(request("/pid"))  # a second call would be noted by now
    assert served.notes("closed").count([number]) == 1
    assert expected == "once for each request"
