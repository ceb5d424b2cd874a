"""The stream of visitors: when they are due, what an answer is, what counts as failed."""

from __future__ import annotations

import asyncio
import contextlib
import math
from itertools import pairwise

import pytest

from outrider.bench.stream import Stream, even, fetch, percentile, poisson, read_answer
from outrider.values import Address

CHUNKS = b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@contextlib.asynccontextmanager
async def site(answer):
    """Serve whatever `answer(reader, writer)` does, on a port of this machine."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader, writer):
        task = asyncio.current_task()
        assert task
        serving.add(task)
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the visitor has left, or the test is over
        finally:
            writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def says(data):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()

    return answer


def asked(answer, **how):
    """Return what becomes of three requests at once."""

    async def ask():
        async with site(answer) as address:
            return await Stream(address, [0.0, 0.0, 0.0], **how).run()

    return asyncio.run(ask())


def read(data):
    async def answer():
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read_answer(reader)

    return asyncio.run(answer())


# -- when they are due -----------------------------------------------------------------------------


def test_visitors_who_come_at_random_come_at_the_same_times_to_every_site():
    assert poisson(50, 10) == poisson(50, 10)
    assert poisson(50, 10) != poisson(50, 10, seed=2)


def test_visitors_who_come_at_random_are_as_many_as_asked_for_and_not_regular():
    dues = poisson(50, 100)
    assert 4500 < len(dues) < 5500
    assert dues == sorted(dues)
    assert dues[0] > 0
    assert dues[-1] < 100
    gaps = [after - before for before, after in pairwise(dues)]
    assert percentile(gaps, 90) > 2 * percentile(gaps, 50)


def test_visitors_who_come_evenly():
    assert even(4, 1) == [0, 0.25, 0.5, 0.75]


# -- percentiles -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 5), (90, 9), (91, 10), (99, 10), (100, 10), (0, 1), (10, 1)]
)
def test_a_percentile_is_a_latency_that_was_measured(percent, expected):
    assert percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], percent) == expected


def test_a_failed_request_counts_as_later_than_any_other():
    latencies = [0.001] * 98 + [math.inf] * 2
    assert percentile(latencies, 98) == 0.001
    assert percentile(latencies, 99) == math.inf


def test_of_no_request_nothing_is_known():
    assert math.isnan(percentile([], 50))


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "size", "is_kept"),
    [
        (OK, 2, True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 2, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 2, False),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 13, False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0, True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
            6,
            True,
        ),
    ],
)
def test_an_answer_is_read_to_its_end(data, size, is_kept):
    answer = read(data)
    assert (answer.body_bytes, answer.may_be_kept) == (size, is_kept)


CUT = [
    (b"", "closed without an answer"),
    (b"HTTP/1.1 200", "cut off"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "cut off"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "cut off"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut off"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "a length that is no number"),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP answer"),
]


@pytest.mark.parametrize(("data", "failure"), CUT)
def test_an_answer_that_is_none_or_not_whole_has_failed(data, failure):
    for sample in asked(says(data)):
        assert (sample.failure, sample.latency_s) == (failure, math.inf)


# -- what becomes of requests ----------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [False, True])
def test_whole_answers_have_a_latency_and_a_status(keeps):
    samples = asked(says(OK), keeps=keeps)
    assert [(sample.status, sample.failure) for sample in samples] == [(200, "")] * 3
    assert all(0 < sample.latency_s < math.inf for sample in samples)


def test_a_server_error_has_failed_and_a_missing_page_is_an_answer():
    [one, *_] = asked(says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
    assert (one.status, one.failure, one.latency_s) == (502, "status 502", math.inf)
    [one, *_] = asked(says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    assert (one.status, one.failure) == (404, "")


def test_a_site_that_never_answers_has_failed_everybody_and_does_not_hold_the_stream_up():
    async def never(reader, _):
        await reader.read()

    samples = asked(never, limit_s=0.2)
    assert [sample.failure for sample in samples] == ["no answer within 0.2 s"] * 3


def test_a_latency_counts_from_when_the_request_was_due_whatever_became_of_the_others():
    # One worker that takes 50 ms, as a sync one would: the third waits for two others.
    async def ask():
        worker = asyncio.Lock()

        async def slowly(reader, writer):
            async with worker:
                await asyncio.sleep(0.05)
                await says(OK)(reader, writer)

        async with site(slowly) as address:
            return await Stream(address, [0.0, 0.0, 0.0]).run()

    latencies = sorted(sample.latency_s for sample in asyncio.run(ask()))
    assert [latency > (n + 1) * 0.049 for n, latency in enumerate(latencies)] == [True] * 3


def test_a_kept_connection_that_was_closed_while_idle_is_no_failure():
    seen = []

    async def once(reader, writer):
        seen.append(1)
        await says(OK)(reader, writer)  # and closes, without having said so

    async def ask():
        async with site(once) as address:
            return await Stream(address, [0.0, 0.2], keeps=True).run()

    assert [sample.failure for sample in asyncio.run(ask())] == ["", ""]
    assert len(seen) == 2


def test_kept_connections_serve_request_after_request():
    seen = []

    async def all_of_them(reader, writer):
        seen.append(1)
        while True:
            await says(OK)(reader, writer)

    async def ask():
        async with site(all_of_them) as address:
            # Long enough that no machine stands still meanwhile, which makes all due at once.
            return await Stream(address, [n / 20 for n in range(30)], keeps=True).run()

    assert [sample.failure for sample in asyncio.run(ask())] == [""] * 30
    assert len(seen) < 30


def test_nobody_listens(free_port):
    async def ask():
        return await Stream(Address(host="127.0.0.1", port=free_port), [0.0]).run()

    assert asyncio.run(ask())[0].failure == "connection refused"


def test_one_request_alone_tells_why_it_has_no_answer():
    async def ask():
        async with site(says(b"nonsense\r\n\r\n")) as address:
            await fetch(address, "/")

    with pytest.raises(OSError, match="no HTTP answer"):
        asyncio.run(ask())
