"""The same site on every application server: what a visitor and an operator notice is the same."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from outrider import files
from outrider.servers import SERVERS as TABLE
from outrider.site import Paths
from tests.integration.environments import made_with, with_every_framework
from tests.integration.running import (
    NGINXES,
    PATIENCE_S,
    Running,
    assert_nothing_is_left,
    environment,
    is_alive,
    outrider,
    serving,
    start,
    until,
)
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.integration

SERVERS = {
    "uwsgi": ("pyuwsgi", ("wsgi",)),
    "granian": ("granian", ("wsgi", "asgi")),
    "uvicorn": ("uvicorn", ("asgi",)),
    "waitress": ("waitress", ("wsgi",)),
}
TITLES = {"uwsgi": "uWSGI", "granian": "Granian", "uvicorn": "Uvicorn", "waitress": "Waitress"}
PAIRS = [(server, interface) for server, (_, kinds) in SERVERS.items() for interface in kinds]
ASGI = [pair for pair in PAIRS if pair[1] == "asgi"]
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def python() -> Path:
    """Return a Python with every server in it."""
    return with_every_framework()


def words(pair: tuple[str, str], python: Path, *more: str) -> list[str]:
    workers = [] if pair[0] == "waitress" else ["--workers", "2"]
    return ["--server", pair[0], "--python", str(python), *workers, *more]


def group(pairs: list[tuple[str, str]]):
    """Return the pairs as parameters; those of one pair stay in one process of xdist."""
    return [
        pytest.param(pair, id="-".join(pair), marks=pytest.mark.xdist_group("-".join(pair)))
        for pair in pairs
    ]


@pytest.fixture(scope="module")
def sites(python, copy_of) -> Iterator[Callable[[tuple[str, str]], Running]]:
    """Return a function that gives the running site of a pair, below a prefix."""
    running: dict[tuple[str, str], Running] = {}
    with contextlib.ExitStack() as stack:

        def get(pair: tuple[str, str]) -> Running:
            if pair not in running:
                project = copy_of(f"servers_{pair[1]}")
                # One that was written a moment ago may still be written to.
                os.utime(project / "static" / "style.css", (1, 1))
                static = f"/static/={project}/static"
                port = stack.enter_context(reserved())
                more = ["--prefix", "/shop", "--static", static, "--log-format", "json"]
                more += ["--metrics", f"127.0.0.1:{port + 1}"]
                running[pair] = stack.enter_context(
                    serving(
                        *words(pair, python, *more),
                        cwd=project,
                        port=port,
                        nginx=NGINXES["system"] or NGINXES["wheel"],
                    )
                )
            return running[pair]

        yield get


@pytest.fixture
def project(pair, copy_of) -> Path:
    return copy_of(f"servers_{pair[1]}")


# -- a visitor -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", group(PAIRS))
def test_a_page_is_answered_and_the_front_sends_the_files(pair, sites):
    site = sites(pair)
    assert site.get("/shop/").text == "hello\n"

    style = site.get("/shop/static/style.css")
    assert style.text == "h1 { color: teal }\n"
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("pair", group(PAIRS))
def test_an_operator_sees_the_request_that_is_answered(pair, sites):
    site = sites(pair)

    def doing() -> list[tuple[str, str]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{site.port + 1}/status.json") as told:
            workers = json.load(told)["processes"]
        return [(one["method"], one["path"]) for each in workers for one in each["doing"]]

    client = threading.Thread(target=site.get, args=("/shop/slow?token=1",))
    client.start()
    # One from before may only just have ended.
    until(lambda: doing() == [("GET", "/shop/slow")])
    gate = Path(psutil.Process(site.process.pid).cwd(), "go-on")
    gate.touch()
    client.join(PATIENCE_S)
    gate.unlink()
    until(lambda: not doing())


@pytest.mark.parametrize("pair", group(PAIRS))
def test_the_app_sees_the_client_and_not_the_front(pair, sites):
    site = sites(pair)
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/elsewhere",
        "X-Real-IP": "203.0.113.9",
        "Proxy": "evil.example",
        "X-Forwarded-Host": "evil.example",
    }
    answer = site.get("/shop//a%2Fb%20c//d%25?x=%2F", headers=forged, source="127.0.0.2")
    assert answer.status == 404
    assert answer.json() == {
        "REMOTE_ADDR": "127.0.0.2",
        "SCRIPT_NAME": "/shop",
        "PATH_INFO": "//a/b c//d%",
        "QUERY_STRING": "x=%2F",
        "HTTP_HOST": f"127.0.0.1:{site.port}",
        "SERVER_PORT": str(site.port),
        "scheme": "http",
        "proxies": [None, "127.0.0.2"],
    }


@pytest.mark.parametrize("pair", group(PAIRS))
def test_the_app_is_asked_whether_it_is_ready_and_left_alone_while_it_is_worked_on(pair, sites):
    site = sites(pair)
    assert site.get("/shop/-/ready").status == 200
    paths = Paths(run=str(site.run_dir))
    files.set_maintenance(paths, is_on=True, allow=("127.0.0.3",))
    answers = [site.get("/shop/", source=one).status for one in ("127.0.0.1", "127.0.0.3")]
    files.set_maintenance(paths, is_on=False)
    assert answers == [503, 200]


@pytest.mark.parametrize("pair", group(PAIRS))
def test_a_failure_is_answered_and_its_traceback_carries_the_id(pair, sites):
    site = sites(pair)
    answer = site.get("/shop/fails")
    assert answer.status == 500
    request_id = answer.headers["X-Request-ID"]
    line = site.wait_for(rf".*{request_id}.*ZeroDivisionError.*").string
    assert "divided by the number of customers" in line
    site.wait_for(rf"{request_id}.*app.py.*, line \d+, in fails")


@pytest.mark.parametrize("pair", group(PAIRS))
def test_large_bodies_are_whole_in_both_directions(pair, sites):
    site = sites(pair)
    body = os.urandom(10 * MEGABYTE)
    assert site.get("/shop/upload", method="POST", body=body).text == str(10 * MEGABYTE)
    assert site.get("/shop/download").body == b"y" * (10 * MEGABYTE)


@pytest.mark.parametrize("pair", group(PAIRS))
def test_the_answer_to_a_body_that_nobody_reads_is_whole(pair, sites):
    site = sites(pair)
    answer = site.get("/shop/unread", method="POST", body=b"x" * (10 * MEGABYTE))
    assert (answer.status, answer.body) == (200, b"z" * 300_000)


@pytest.mark.parametrize("pair", group(PAIRS))
def test_a_body_can_still_be_read_when_the_answer_has_begun(pair, sites):
    answer = sites(pair).get("/shop/late", method="POST", body=b"hello" * 1000)
    assert answer.text == "first hello"


@pytest.mark.parametrize("pair", group(PAIRS))
def test_a_head_that_the_front_lets_through_is_taken(pair, sites):
    headers = {"Cookie": "a=" + "b" * 7000, "X-Other": "c" * 7000}
    assert sites(pair).get("/shop/" + "?q=" + "d" * 7000, headers=headers).status == 200


@pytest.mark.parametrize("pair", group(PAIRS))
def test_a_file_that_the_app_hands_out_is_sent_by_the_front(pair, sites):
    # The app knows nothing of ranges, so that only Nginx can have cut it.
    answer = sites(pair).get("/shop/file", headers={"Range": "bytes=0-1"})
    assert (answer.status, answer.text) == (206, "h1")
    assert "X-Accel-Redirect" not in answer.headers


@pytest.mark.parametrize("pair", group(ASGI))
def test_a_websocket_answers(pair, sites):
    with socket.create_connection(("127.0.0.1", sites(pair).port), timeout=PATIENCE_S) as peer:
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            "GET /shop/talk HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        )
        peer.sendall("\r\n".join([*head, "", ""]).encode())
        stream = peer.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 101 ")
        while stream.readline() != b"\r\n":
            pass
        # https://www.rfc-editor.org/rfc/rfc6455#section-5.2: one masked text frame
        mask, text = os.urandom(4), b"hello"
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
        peer.sendall(struct.pack("!BB", 0x81, 0x80 | len(text)) + mask + masked)
        assert stream.read(8) == b"\x81\x06hello!"


@pytest.mark.parametrize("pair", group(ASGI))
def test_an_event_arrives_while_the_stream_goes_on(pair, sites):
    connection = http.client.HTTPConnection("127.0.0.1", sites(pair).port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/shop/events", headers={"Accept": "text/event-stream"})
        assert connection.getresponse().readline() == b"data: one\n"


# -- an operator -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", group(PAIRS))
def test_a_stop_lets_a_request_finish_and_leaves_nothing(pair, python, project, free_port):
    with serving(*words(pair, python), cwd=project, port=free_port) as site:
        answers: list[str] = []
        client = threading.Thread(target=lambda: answers.append(site.get("/slow").text))
        client.start()
        site.wait_for("slow begins")
        site.process.send_signal(signal.SIGTERM)
        site.wait_for("Nginx finishes what it has")
        (project / "go-on").touch()
        client.join(PATIENCE_S)
        assert answers == ["at last"]
        assert site.wait() == 0
        assert f"{TITLES[pair[0]]} finishes what it has" in site.output
        assert "is killed" not in site.output
        if pair[1] == "asgi":
            assert "the shop is closed" in site.log
        assert_nothing_is_left(site)


@pytest.mark.parametrize("pair", group(PAIRS))
def test_an_app_that_cannot_be_loaded_ends_the_start(pair, python, project, free_port):
    (project / "refuse").touch()
    with start(*words(pair, python), cwd=project, port=free_port) as site:
        assert site.wait() == 10
        assert "LookupError: the shop is closed today" in site.log
        assert f"error: {TITLES[pair[0]]} did not start" in site.output
        assert "the app could not be loaded" in site.output
        assert_nothing_is_left(site)


@pytest.mark.parametrize("pair", group(ASGI))
def test_an_app_that_does_not_start_ends_the_start(pair, python, project, free_port):
    (project / "never-start").touch()
    with start(*words(pair, python), cwd=project, port=free_port) as site:
        assert site.wait() == 10
        assert "LookupError: the shop has no till" in site.log
        assert f"error: {TITLES[pair[0]]} did not start" in site.output
        assert_nothing_is_left(site)


@pytest.mark.parametrize("pair", group([pair for pair in PAIRS if pair[0] != "waitress"]))
def test_a_worker_that_dies_is_replaced(pair, python, project, free_port):
    with serving(*words(pair, python), cwd=project, port=free_port) as site:
        until(lambda: len(workers_of(site)) == 2)
        first, _ = site.get("/who").json()
        others = workers_of(site) - {first}
        psutil.Process(first).kill()

        until(lambda: first not in workers_of(site) and len(workers_of(site)) == 2)
        # A new worker of uWSGI does not hear the order to stop before it is ready.
        known = {first, *others}
        until(lambda: site.get("/who").json()[0] not in known)
        assert site.stop() == 0


@pytest.mark.parametrize(
    "pair",
    group(
        [
            (name, interface)
            for name, server in TABLE.items()
            for interface in server.interfaces
            if server.reloads
        ]
    ),
)
def test_workers_are_replaced_when_the_server_is_asked_to_reload(pair, python, project, free_port):
    with serving(*words(pair, python), cwd=project, port=free_port) as site:
        until(lambda: len(workers_of(site)) == 2)
        before = workers_of(site)
        site.gunicorn_master().send_signal(signal.SIGHUP)

        def is_replaced() -> bool:
            assert site.get("/").text == "hello\n"  # meanwhile too
            now = workers_of(site)
            return len(now) == 2 and now.isdisjoint(before)

        until(is_replaced)
        assert site.stop() == 0


def workers_of(site: Running) -> set[int]:
    """Return the processes below the server's first one."""
    master = site.gunicorn_master()
    return {child.pid for child in master.children() if is_worker(child)}


def is_worker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        # Python's own is beside processes that it has spawned.
        return is_alive(process) and "resource_tracker" not in " ".join(process.cmdline())
    return False


def test_a_request_that_hangs_is_ended_by_uwsgi(python, copy_of, free_port):
    project = copy_of("servers_wsgi")
    flags = words(("uwsgi", "wsgi"), python, "--timeout", "1")
    # Such a variable is an option of uWSGI, which would be the last one.
    env = environment(UWSGI_HARAKIRI="500")
    with serving(*flags, cwd=project, port=free_port, env=env) as site:
        assert site.get("/hangs").status == 502
        site.wait_for("HARAKIRI")
        assert site.get("/").text == "hello\n"
        assert site.stop() == 0


@pytest.mark.parametrize(
    "pair", group([("uwsgi", "wsgi"), ("granian", "wsgi"), ("granian", "asgi")])
)
def test_a_stop_does_not_wait_for_a_worker_that_still_imports(pair, python, project, free_port):
    (project / "one-by-one").touch()
    more = ("--drain-timeout", "20")
    with serving(*words(pair, python, *more), cwd=project, port=free_port) as site:
        site.wait_for("waits at the door")
        assert site.stop() == 0  # else it had to be killed


@pytest.mark.parametrize("pair", group(PAIRS))
def test_everything_ends_when_the_supervisor_is_killed(pair, python, project, free_port):
    with serving(*words(pair, python), cwd=project, port=free_port) as site:
        family = site.family()
        site.process.kill()
        site.wait()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert alive == []


@pytest.mark.parametrize("pair", group(PAIRS))
def test_an_export_starts_as_its_first_lines_say(pair, python, project, free_port):
    flags = words(pair, python, "--bind", f"127.0.0.1:{free_port}", "-o", "out")
    done = outrider("export", "nginx", *flags, cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    out = project / "out"
    with contextlib.ExitStack() as stack:
        running = []
        for name in (f"{pair[0]}.conf.py", "nginx.conf"):
            command = shlex.split((out / name).read_text().splitlines()[3].removeprefix("#"))
            one = stack.enter_context(
                subprocess.Popen(
                    command, cwd=out, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            stack.callback(one.kill)
            running.append(one)
            if name != "nginx.conf":
                until((out / "app.sock").exists)
        site = Running(running[1], free_port, out)
        until(lambda: is_answered(site))
        assert site.get("/").text == "hello\n"
        for one in running:
            one.send_signal(signal.SIGTERM)
            one.wait(PATIENCE_S)


def is_answered(site: Running) -> bool:
    with contextlib.suppress(OSError):
        return site.get("/").status == 200
    return False


@pytest.mark.parametrize("pair", group([("waitress", "wsgi"), ("uvicorn", "asgi")]))
def test_gunicorn_need_not_be_there(pair, project, free_port):
    python = made_with(SERVERS[pair[0]][0])
    with serving(*words(pair, python), cwd=project, port=free_port) as site:
        assert site.get("/").text == "hello\n"
        assert site.stop() == 0


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--server", "uvicorn"), "Uvicorn serves ASGI apps, and app:app is a WSGI app"),
        (("--server", "waitress", "--workers", "3"), "Waitress has one process and no workers"),
        (("--server", "hypercorn"), "--server takes one of gunicorn, uwsgi, granian"),
    ],
)
def test_what_a_server_cannot_do_is_refused(flags, said, python, copy_of):
    refused = outrider("plan", *flags, "--python", str(python), cwd=copy_of("servers_wsgi"))
    assert refused.returncode == 2
    assert f"error: {said}" in refused.stderr


def test_a_server_that_is_not_there_is_refused_with_the_command_that_installs_it(copy_of):
    python = made_with("gunicorn")
    refused = outrider(
        "run", "--server", "granian", "--python", str(python), cwd=copy_of("servers_wsgi")
    )
    assert refused.returncode == 7
    assert "error: the app's Python needs Granian 2.6.0 or newer" in refused.stderr
    assert f"{python} -m pip install 'granian>=2.6.0'" in refused.stderr


def test_a_server_that_is_too_old_is_refused_with_the_reason(copy_of):
    python = made_with("gunicorn", "waitress==3.0.0")
    refused = outrider(
        "run", "--server", "waitress", "--python", str(python), cwd=copy_of("servers_wsgi")
    )
    assert refused.returncode == 7
    assert "it has Waitress 3.0.0" in refused.stderr
    assert "why 3.0.1: " in refused.stderr
