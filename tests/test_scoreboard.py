"""What workers write down of the requests that they answer."""

import asyncio
import io
import os
import random
import signal
import struct
import threading
import time

import pytest

from outrider.app.shim import entry
from outrider.app.shim.asgi import AsgiFront
from outrider.app.shim.scoreboard import (
    BLOCK_BYTES,
    SLOTS,
    VARIABLE,
    Scoreboard,
    in_environment,
    read,
)
from outrider.app.shim.wsgi import WsgiFront


@pytest.fixture
def memory():
    descriptor = os.memfd_create("scoreboard")
    os.ftruncate(descriptor, 3 * BLOCK_BYTES)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def board(memory):
    return Scoreboard(str(memory))


def boards(memory):
    return list(read(os.pread(memory, 3 * BLOCK_BYTES, 0)))


def doing(memory):
    return [one for board in boards(memory) for one in board.doing]


def environ(path="/", **more):
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "REMOTE_ADDR": "",
        "HTTP_HOST": "a.example",
        "wsgi.url_scheme": "http",
        **more,
    }


# -- a request -------------------------------------------------------------------------------------


def test_a_request_is_seen_while_it_is_answered(memory, board):
    before = time.monotonic()
    slot = board.begin(b"abc POST /orders")
    (one,) = doing(memory)

    assert (one.method, one.path, one.id, one.is_stream) == ("POST", "/orders", "abc", False)
    assert before <= one.begun <= time.monotonic()

    board.end(slot)
    assert doing(memory) == []
    assert boards(memory)[0].pid == os.getpid()


def test_requests_are_counted(memory, board):
    for _ in range(5):
        board.end(board.begin(b" GET /"))

    assert boards(memory)[0].requests == 5


def test_what_is_too_long_is_cut(memory, board):
    board.begin(b"i GET /" + b"x" * 5000)
    (one,) = doing(memory)

    assert (one.id, one.method, len(one.path)) == ("i", "GET", 233)


def test_a_path_that_is_cut_within_a_letter_can_be_read(memory, board):
    board.begin((" GET /" + "é" * 200).encode())

    assert doing(memory)[0].path.startswith("/ééé")


def test_requests_beyond_the_slots_are_counted_all_the_same(memory, board):
    slots = [board.begin(b" GET /") for _ in range(SLOTS + 7)]
    (before,) = boards(memory)
    for slot in slots:
        board.end(slot)
    (after,) = boards(memory)

    assert (before.requests, len(before.doing), before.beyond) == (SLOTS + 7, SLOTS, 7)
    assert (after.requests, len(after.doing), after.beyond) == (SLOTS + 7, 0, 0)


def test_threads_do_not_overwrite_one_another(memory, board):
    barrier = threading.Barrier(8)

    def serve(number):
        board.enter(environ(f"/{number}"))
        barrier.wait(60)
        barrier.wait(60)
        board.leave()

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(7)]
    for thread in threads:
        thread.start()
    barrier.wait(60)
    assert {one.path for one in doing(memory)} == {f"/{number}" for number in range(7)}
    barrier.wait(60)
    for thread in threads:
        thread.join()
    assert doing(memory) == []


def test_the_end_of_what_never_reached_the_app_is_no_matter(memory, board):
    board.leave()
    board.enter(environ())
    board.leave()
    board.leave()
    # Given back twice, its slot would be taken twice.
    for path in ("/one", "/two"):
        board.begin(f" GET {path}".encode())

    assert {one.path for one in doing(memory)} == {"/one", "/two"}
    assert boards(memory)[0].beyond == 0


# -- processes -------------------------------------------------------------------------------------


def in_child(work):
    """Run something in a forked child that waits for its end, and return its process id."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os.write(writer, b"x")
        time.sleep(60)
        os._exit(0)
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)
    return pid


def bury(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_each_process_has_a_block_of_its_own(memory, board):
    board.begin(b" GET /parent")
    pid = in_child(lambda: board.begin(b" GET /child"))
    found = {one.pid: [doing.path for doing in one.doing] for one in boards(memory)}
    bury(pid)

    assert found == {os.getpid(): ["/parent"], pid: ["/child"]}


def test_the_block_of_a_killed_worker_is_taken_by_the_next(memory, board):
    bury(in_child(lambda: [board.begin(b" GET /hung"), board.begin(b" GET /hung/too")]))
    assert [one.path for one in doing(memory)] == ["/hung", "/hung/too"]

    board.begin(b" GET /new")
    assert [one.path for one in doing(memory)] == ["/new"]


def test_a_request_that_forks_ends_once(memory, board):
    board.enter(environ("/forks"))
    bury(in_child(board.leave))

    assert [one.path for one in doing(memory)] == ["/forks"]


def test_when_all_blocks_are_taken_a_worker_serves_all_the_same(memory, board):
    children = [in_child(lambda: board.begin(b" GET /")) for _ in range(3)]
    board.end(board.begin(b" GET /unseen"))
    for pid in children:
        bury(pid)

    assert os.getpid() not in {one.pid for one in boards(memory)}


@pytest.mark.parametrize("place", ["/nowhere/at/all", "987"])
def test_without_the_supervisors_memory_a_worker_serves_all_the_same(place):
    board = Scoreboard(place)

    board.end(board.begin(b" GET /"))


def test_there_is_no_board_without_a_supervisor(memory):
    assert in_environment({}) is None
    assert in_environment({VARIABLE: str(memory)}) is not None


def test_a_spawned_worker_finds_it_by_its_path(memory):
    Scoreboard(f"/proc/self/fd/{memory}").begin(b" GET /spawned")

    assert doing(memory)[0].path == "/spawned"


# -- reading ---------------------------------------------------------------------------------------


def test_anything_at_all_can_be_read():
    rng = random.Random(7)
    for _ in range(200):
        head = struct.pack("<8sII", b"outrider", rng.randrange(2**32), rng.randrange(2**32))
        (one,) = read(head + rng.randbytes(BLOCK_BYTES - len(head)))
        assert all(isinstance(each.path, str) for each in one.doing)


@pytest.mark.parametrize("size", [0, 7, BLOCK_BYTES - 1])
def test_a_part_of_a_block_is_none(size):
    assert list(read(bytes(size))) == []


# -- the app's wrappers ----------------------------------------------------------------------------


def test_a_wsgi_request_is_seen_without_its_query(memory, board):
    seen = []

    def app(given, start_response):
        seen.extend(doing(memory))
        return []

    environment = environ("/shop/caf\xc3\xa9", HTTP_X_REQUEST_ID="r1", QUERY_STRING="token=1")
    WsgiFront(app, "/shop", board=board)(environment, print)

    assert [(one.method, one.path, one.id) for one in seen] == [("GET", "/shop/café", "r1")]


def called_by_another_server(app, board):
    answer = entry.WsgiEntry(WsgiFront(app, board=board), board)
    return answer(environ("/", **{"wsgi.input": io.BytesIO()}), lambda *_: None)


def ok(_, start_response):
    start_response("200 OK", [])
    return [b"one", b"two"]


def test_behind_another_server_it_is_over_when_its_body_is(memory, board):
    body = called_by_another_server(ok, board)
    assert len(doing(memory)) == 1

    # As Granian does it, in any thread.
    thread = threading.Thread(target=lambda: (list(body), body.close()))
    thread.start()
    thread.join()
    assert doing(memory) == []
    assert boards(memory)[0].beyond == 0


def test_behind_another_server_it_is_over_when_the_app_raises(memory, board, capsys):
    def app(_, start_response):
        raise ZeroDivisionError

    list(called_by_another_server(app, board))

    assert "ZeroDivisionError" in capsys.readouterr().err
    assert doing(memory) == []


def run_asgi(app, scope, board):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(_):
        pass

    scope = {"path": "/x", "headers": [(b"x-request-id", b"r2")], **scope}
    asyncio.run(AsgiFront(app, board=board)(scope, receive, send))


def test_an_asgi_request_is_seen_until_the_app_returns(memory, board):
    seen = []

    async def app(scope, receive, send):
        seen.extend(doing(memory))

    run_asgi(app, {"type": "http", "method": "PUT", "path": "/é"}, board)

    assert [(o.method, o.path, o.id, o.is_stream) for o in seen] == [("PUT", "/é", "r2", False)]
    assert doing(memory) == []


def test_an_asgi_request_that_raises_is_over(memory, board):
    async def app(scope, receive, send):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_asgi(app, {"type": "http", "method": "GET"}, board)
    assert doing(memory) == []


def test_websockets_and_event_streams_are_told_apart(memory, board):
    seen = []

    async def socket(scope, receive, send):
        seen.extend(doing(memory))

    async def events(scope, receive, send):
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        seen.extend(doing(memory))

    run_asgi(socket, {"type": "websocket"}, board)
    run_asgi(events, {"type": "http", "method": "GET"}, board)

    assert [(one.method, one.is_stream) for one in seen] == [("WEBSOCKET", True), ("GET", True)]
