"""Gunicorn's hooks and its access log: https://gunicorn.org/reference/settings/#server-hooks."""

from __future__ import annotations

import json
import re
import signal

import pytest

from tests.worker.rig import SYNC, asking, request, serving, until

pytestmark = [pytest.mark.integration, pytest.mark.slow]

HOOKS = """
import json, os

def note(*told):
    with open(os.path.join(os.environ["HAZARDS_STATE"], "hooks"), "a") as file:
        file.write(json.dumps(told) + "\\n")

def pre_request(worker, req):
    note("pre_request", type(worker).__name__, req.method, req.uri, req.path, req.query,
         req.version, sorted(req.headers))
    if req.path == "/bad-hook":
        raise RuntimeError("raised in pre_request")

def post_request(worker, req, environ, resp):
    note("post_request", req.method, req.uri, environ.get("PATH_INFO"), environ.get("HTTP_X_A"),
         resp and resp.status, resp and resp.sent, resp and sorted(resp.headers))
    if req.path == "/bad-last-hook":
        raise RuntimeError("raised in post_request")

def worker_int(worker):
    note("worker_int", worker.pid)

def worker_abort(worker):
    note("worker_abort", worker.pid)

def worker_exit(server, worker):
    note("worker_exit", worker.pid)

def child_exit(server, worker):
    note("child_exit", worker.pid)
"""
ASKED = (
    request("/environ?a=b", "X-A: 1", "X-A: 2"),
    request("/environ", method="POST", body=b"body"),
    request("/environ", method="HEAD"),
    request(asking(blocks=["a", "b"])),
    request(asking(blocks=["raise"])),
    request(asking(blocks=["a", "raise"])),
    request("/bad-hook"),
    request("/bad-last-hook"),
    request("/late-start"),
)
BAD = (
    b"GET / HTTP/9.9\r\n\r\n",
    request("/environ", "X-A : bad"),
    request("/pid", version="1.0"),
)


def told(served, *, at_least: int = 0) -> list[list]:
    path = served.state / "hooks"
    until(lambda: path.exists() and len(path.read_text().splitlines()) >= at_least, served)
    return [json.loads(line) for line in path.read_text().splitlines()]


def told_of_requests(kind) -> tuple[list[list], list[int]]:
    with serving(kind, HOOKS) as served:
        until(lambda: told(served)[-1][0] == "post_request", served)  # of the start
        before = len(told(served))
        statuses = [served.direct(data).status for data in ASKED]
        # With threads, a request's last hook may come after the next one's first.
        lines = sorted(told(served, at_least=before + 2 * len(ASKED))[before:], key=str)
        assert "raised in pre_request" in served.log
        assert "raised in post_request" in served.log
    return lines, statuses


@pytest.fixture(scope="module")
def on_sync():
    return told_of_requests(SYNC)


def test_hooks_of_a_request(kind, expected, on_sync):
    lines, statuses = told_of_requests(kind)
    names = {line[1] for line in lines if line[0] == "pre_request"}
    assert names == {kind.worker_class.rpartition(".")[2].replace("sync", "SyncWorker")} or (
        kind.name == "gthread" and names == {"ThreadWorker"}
    )
    assert statuses == on_sync[1]
    assert without_what_varies(lines) == without_what_varies(on_sync[0])
    assert expected == "called once, with the same"


def without_what_varies(lines: list[list]) -> list[list]:
    """Take out the worker's class, and how long the environment is that the app tells."""
    told = []
    for line in lines:
        name, *rest = line[:1] + line[2:] if line[0] == "pre_request" else line
        is_told = name == "post_request" and rest[2] in ("/environ", "/bad-last-hook")
        told.append([name, *rest[: 5 if is_told else None]])
    return sorted(told, key=str)


def test_hook_that_raises(kind, expected):
    with serving(kind, HOOKS) as served:
        reply = served.through(request("/bad-hook"))
        assert reply.kind == "500"
        lines = [line for line in told(served) if "/bad-hook" in line]
        assert [line[0] for line in lines] == ["pre_request", "post_request"]
        assert "RuntimeError: raised in pre_request" in served.log
        assert expected == "500, logged; `post_request` is called"


def test_hooks_of_a_worker(kind, expected):
    with serving(kind, HOOKS) as served:
        [first] = served.workers()
        first.send_signal(signal.SIGQUIT)
        until(lambda: served.workers() not in ([], [first]), served)
        [second] = served.workers()
        until(lambda: served.through(request("/pid")).body == str(second.pid).encode(), served)
        served.gunicorn.send_signal(signal.SIGTERM)
        served.gunicorn.wait(30)
        lines = told(served)
        for pid, names in (
            (first.pid, ["worker_int", "worker_exit", "child_exit"]),
            (second.pid, ["worker_exit", "child_exit"]),
        ):
            assert [line[0] for line in lines if line[1:] == [pid]] == names
        assert expected == "called once"


def test_hook_of_a_timeout(kind, expected):
    with serving(kind, HOOKS, timeout=2) as served:
        assert served.through(request("/hang?python/1")).status in (500, 504)
        calls = [line[0] for line in told(served)].count("worker_abort")
        assert {0: "not called", 1: "called"}[calls] == expected


# -- the access log --------------------------------------------------------------------------------

ATOMS = (
    "%(h)s %(l)s %(u)s %(r)s %(m)s %(U)s %(q)s %(H)s %(s)s %(B)s %(b)s %(f)s %(a)s"
    " %({x-a}i)s %({content-type}o)s %({x-none}i)s %({wsgi.url_scheme}e)s"
    " | %(t)s %(T)s %(D)s %(M)s %(L)s %(p)s"
)
CHANGING = re.compile(r" \| \[.+\] \d+ \d+ \d+ \d+\.\d+ <\d+>$")
LOGGED = (
    request("/pid?a=b", "X-A: 1", 'User-Agent: one "two"', "Referer: http://a.example/"),
    request("/serve?id=1", method="POST", body=b"body"),
    request("/pid", method="HEAD"),
    request(asking(blocks=["a", "b"])),
    request(asking(status="204 No Content")),
    request(asking(blocks=["a", "raise"])),
    request(asking(blocks=["raise"])),
    request("/pour?1"),
    request("/pid", "Authorization: Basic YW5uOnNlY3JldA=="),
    *BAD,
)


def logged(kind, at_least: int = 0) -> list[str]:
    conf = f"access_log_format = {ATOMS!r}\nimport os\n"
    conf += "accesslog = os.environ['HAZARDS_STATE'] + '/access.log'"
    with serving(kind, conf) as served:
        path = served.state / "access.log"
        for data in (*LOGGED, request("/pid", "X-A: the last")):
            served.direct(data)
        until(lambda: "the last" in path.read_text(), served)
        until(lambda: len(path.read_text().splitlines()) >= at_least, served)
        lines = path.read_text().splitlines()
        [worker] = served.workers()
        assert {line.rpartition(" ")[2] for line in lines} == {f"<{worker.pid}>"}
    # The rest has its form alone.
    assert all(CHANGING.search(line) for line in lines), lines
    # With threads, the line of a request may come after that of the next one.
    return sorted(CHANGING.sub("", line) for line in lines)


@pytest.fixture(scope="module")
def logged_by_sync():
    return logged(SYNC)


def test_access_log(kind, expected, logged_by_sync):
    assert logged(kind, len(logged_by_sync)) == logged_by_sync
    assert expected == "the same lines"
