"""Nothing reaches the app that Nginx did not frame, whatever a client sends."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.integration.running import NGINXES
from tests.worker.malformed import MALFORMED
from tests.worker.rig import KINDS, THERE, connected, request, serving, until

pytestmark = pytest.mark.integration

OURS = [kind for kind in KINDS if kind.is_ours and kind in THERE]
QUIET_S = 0.025
"""Without a byte for so long before and after an answer to somebody else, Nginx waits for more."""
MARK = "/pid?"
"""How the requests begin that are sent between those of the table."""
BUILDS = [build for build, path in NGINXES.items() if path]


@pytest.fixture(scope="module", params=BUILDS)
def behind(request):
    """Return our worker behind each build of Nginx."""
    with serving(OURS[-1], nginx=request.param) as running:
        yield running


def seen_by_app(served) -> list[list[str]]:
    """Return id, method, target and body of each request that the app was given."""
    return [json.loads(" ".join(note)) for note in served.notes("saw")]


def passed_on(served) -> list[dict[str, str]]:
    """Return the requests that Nginx says it has passed on, apart from those of `settle`."""
    told = [one for one in served.requests() if one["upstream_status"]]
    return [one for one in told if not one["uri"].startswith(MARK)]


def send(served, data: bytes) -> bytes:
    """Send all of it and return what comes back until nothing more does."""
    with connected(served.port) as connection:
        with contextlib.suppress(OSError):  # it has been refused already
            connection.sendall(data)
        connection.settimeout(QUIET_S)
        chunks = []
        with contextlib.suppress(OSError):
            while chunk := received(connection, served):
                chunks.append(chunk)
        return b"".join(chunks)


def received(connection, served) -> bytes:
    """Return what comes next, also where the machine has better things to do for a while."""
    with contextlib.suppress(TimeoutError):
        return connection.recv(65536)
    settle(served)
    return connection.recv(65536)


def settle(served) -> None:
    """Wait until Nginx has logged a request that comes behind all others."""
    mark = f"{MARK}{served.number()}"
    assert served.through(request(mark)).status == 200
    until(lambda: any(one["uri"] == mark for one in served.requests()), served)


@pytest.mark.parametrize("odd", MALFORMED, ids=[odd.name for odd in MALFORMED])
def test_the_app_is_given_what_nginx_framed(behind, odd):
    settle(behind)
    before, logged = len(seen_by_app(behind)), len(passed_on(behind))
    [worker] = behind.workers()
    raw = send(behind, odd.data)
    settle(behind)
    seen = seen_by_app(behind)[before:]
    framed = passed_on(behind)[logged:]
    # Each was framed once, as it arrived, and each that was passed on arrived.
    wanted = [[one["request_id"], one["method"], one["uri"]] for one in framed]
    got = [one[:3] for one in seen]
    # By its id, which is Nginx's own.
    assert got == [one for one in wanted if one in got]
    unseen = [one for one in framed if [one["request_id"], one["method"], one["uri"]] not in got]
    # The worker has refused it, or the client had left before it was passed on.
    assert all(one["upstream_status"][0] in "4-" for one in unseen), unseen
    assert [one[3].encode("latin-1") for one in seen] == list(odd.bodies[: len(seen)]), raw[:300]
    hidden = [one for one in seen if one[2].startswith("/admin")]
    assert len(hidden) <= odd.hidden
    assert [one.pid for one in behind.workers()] == [worker.pid]


def test_every_request_of_the_table_has_a_name_of_its_own():
    names = [odd.name for odd in MALFORMED]
    assert len(names) == len(set(names))
