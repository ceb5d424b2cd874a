"""ASGI apps behind Nginx: as their authors expect, with no setting."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.integration.running import (
    APPS,
    PATIENCE_S,
    assert_nothing_is_left,
    environment,
    serving,
    start,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

    from tests.integration.running import Running

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def site(serve, copy_of) -> Running:
    return serve(cwd=copy_of("behaviour_asgi"))


@contextlib.contextmanager
def websocket(site: Running, path: str = "/ws") -> Iterator[ClientConnection]:
    url = f"ws://127.0.0.1:{site.port}{path}"
    with connect(url, open_timeout=PATIENCE_S, ping_interval=None, proxy=None) as connection:
        yield connection


# -- what the app sees -----------------------------------------------------------------------------


def test_the_app_sees_the_client_and_the_address_that_it_typed(site):
    seen = site.get("/a%20b").json()
    assert seen["client"][0] == "127.0.0.1"
    assert seen["client"][1] > 0
    assert seen["server"] == ["127.0.0.1", site.port]
    assert (seen["scheme"], seen["path"], seen["root_path"]) == ("http", "/a b", "")


def test_what_a_client_says_of_itself_is_not_believed(site):
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", "X-Forwarded-Proto": "https"}
    seen = site.get("/", headers=forged).json()
    assert (seen["client"][0], seen["scheme"]) == ("127.0.0.1", "http")


def test_a_large_upload_arrives_whole(site):
    assert site.get("/upload", method="POST", body=b"x" * 5_000_000).json() == 5_000_000


# -- streams ---------------------------------------------------------------------------------------


def test_an_event_arrives_before_the_stream_has_ended(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/events")
        response = connection.getresponse()
        assert response.readline() == b"data: first\n"
        # The app waits for this before it goes on.
        assert site.get("/opens").text == "open"
        assert response.read() == b"\ndata: last\n\n"


def test_asking_whether_the_client_has_gone_does_not_cut_the_answer(site):
    assert site.get("/polls").text == "01234."


def test_an_answer_that_breaks_off_never_looks_complete(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/breaks")
        response = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead):
            response.read()
    wait_for_error(site, response.headers["X-Request-ID"], "ValueError: broke in the middle")


def test_an_app_that_says_nothing_has_failed(site):
    assert site.get("/nothing").status == 500
    site.wait_for("The app returned without an answer")


def test_an_error_after_the_page_is_in_the_log_under_its_request(site):
    answer = site.get("/fails")
    assert (answer.status, answer.text) == (500, "sorry")
    wait_for_error(site, answer.headers["X-Request-ID"], "ValueError: the engine is cold")


def wait_for_error(site: Running, request_id: str, error: str) -> None:
    """Wait for the last line of a traceback among the lines of its request."""
    until(lambda: error in site.said_by_app(request_id).splitlines())


def test_work_goes_on_when_its_client_has_gone(site):
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(b"GET /works HTTP/1.1\r\nHost: localhost\r\n\r\n")
        site.wait_for("working")
    site.wait_for("the work is done")


# -- WebSockets ------------------------------------------------------------------------------------


def test_a_websocket_needs_no_setting(site):
    with websocket(site, "/any/where") as connection:
        assert json.loads(connection.recv()) == ["ws", "127.0.0.1", "/any/where", ""]
        connection.send("hello")
        assert connection.recv() == "HELLO"
        connection.send("x" * 200_000)
        assert connection.recv() == "X" * 200_000
        connection.send("bye")
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def test_a_websocket_that_is_refused_is_told_so(site):
    with pytest.raises(InvalidStatus) as refused, websocket(site, "/refused"):
        pass
    assert refused.value.response.status_code == 403


def test_an_idle_websocket_outlives_nginxs_usual_minute(site):
    """What Nginx is told, because a test that waits for a minute is a minute."""
    conf = (site.run_dir / "nginx.conf").read_text()
    stream = conf[conf.index("location @stream") :]
    assert re.search(r"proxy_read_timeout (\d+)s", stream)[1] == "3600"  # type: ignore[index]


def test_no_other_protocol_is_switched_to(site):
    answer = site.get("/", headers={"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"})
    assert "upgrade" not in answer.json()["headers"]


# -- start and stop --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fails", "raises"])
def test_a_lifespan_that_fails_ends_the_start_with_its_reason(how, free_port):
    env = environment(LIFESPAN=how)
    with start("--workers", "2", cwd=APPS / "behaviour_asgi", port=free_port, env=env) as site:
        assert site.wait() == 10
        assert "the database is away" in site.output
        assert "error: Gunicorn did not start" in site.output
        assert_nothing_is_left(site)


def test_a_lifespan_that_never_ends_is_not_waited_for_longer_than_the_boot_timeout(free_port):
    env = environment(LIFESPAN="hangs")
    words = ("--workers", "1", "--boot-timeout", "3", "--timeout", "1")
    with start(*words, cwd=APPS / "behaviour_asgi", port=free_port, env=env) as site:
        assert site.wait() == 10
        assert "Gunicorn was not ready within 3 s" in site.output
        assert "WORKER TIMEOUT" not in site.output
        assert_nothing_is_left(site)


def test_a_start_that_is_stopped_lets_the_lifespan_tidy_up(free_port):
    env = environment(LIFESPAN="hangs")
    with start("--workers", "2", cwd=APPS / "behaviour_asgi", port=free_port, env=env) as site:
        until(lambda: site.log.count("hanging") == 2)
        assert site.stop() == 0
        assert site.log.count("tidied up") == 2
        assert_nothing_is_left(site)


def test_when_the_site_stops_who_listens_is_told_to_come_again(free_port):
    words = ("--workers", "1", "--drain-timeout", "30")
    with serving(*words, cwd=APPS / "behaviour_asgi", port=free_port) as site:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
        with contextlib.closing(connection), websocket(site) as socket_:
            socket_.recv()
            connection.request("GET", "/endless")
            response = connection.getresponse()
            assert response.readline() == b"data: first\n"
            site.process.terminate()
            with pytest.raises(ConnectionClosed) as closed:
                socket_.recv(timeout=PATIENCE_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert response.read() == b"\n"
        assert site.wait() == 0
        assert "left with 1012" in site.output
        assert site.log.index("started") < site.log.index("ended")
        assert_nothing_is_left(site)


def test_each_worker_starts_the_app_and_is_ready_only_then(free_port):
    with serving("--workers", "3", cwd=APPS / "behaviour_asgi", port=free_port) as site:
        until(lambda: site.log.count("started") == 3)
        assert site.stop() == 0
        assert site.log.count("ended") == 3
