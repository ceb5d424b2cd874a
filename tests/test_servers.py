"""The table of servers, and what is decided by it."""

from __future__ import annotations

import pytest

from outrider.errors import OutriderError
from outrider.render.server import render
from outrider.servers import DEFAULT, SERVERS, able_to_serve
from tests.situations import site

ASGI = {"interface": "asgi", "framework": "FastAPI 0.120"}
NEWEST = {"uwsgi": "2.0.31", "granian": "2.8.7", "uvicorn": "0.54.0", "waitress": "3.0.2"}
ALL = {"gunicorn": "27.0.1", "servers": NEWEST}
PAIRS = [(server.name, one) for server in SERVERS.values() for one in server.interfaces]
NOT_PAIRS = [
    (server.name, one)
    for server in SERVERS.values()
    for one in ("wsgi", "asgi")
    if one not in server.interfaces
]


def planned(server, interface="wsgi", flags=None, python=ALL):
    app = ASGI if interface == "asgi" else {}
    return site({"server": server, **(flags or {})}, app=app, interpreter=python)


def refused(*args, **kwargs):
    with pytest.raises(OutriderError) as caught:
        planned(*args, **kwargs)
    return caught.value


def decision(made, name):
    return next((one for one in made.decisions if one.name == name), None)


# -- the table -------------------------------------------------------------------------------------


def test_the_table_is_by_name_and_the_default_is_in_it():
    assert [server.name for server in SERVERS.values()] == list(SERVERS)
    assert DEFAULT in SERVERS


@pytest.mark.parametrize("server", SERVERS.values(), ids=list(SERVERS))
def test_each_floor_has_a_reason_and_a_source(server):
    assert server.floor_why
    assert server.floor_source.startswith("https://")
    assert server.is_safe(server.floor)
    assert set(server.threaded) <= set(server.interfaces)


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        (None, False),
        ("", False),
        ("unknown", False),
        ("2.0.9", False),
        ("2.0.25.1", False),
        ("2.0.26", True),
        ("2.0.30.post1", True),
        ("2.1", True),
        ("10.0", True),
    ],
)
def test_a_version_is_compared_by_its_numbers(version, is_safe):
    assert SERVERS["uwsgi"].is_safe(version) is is_safe


def test_who_is_able_to_serve_begins_with_the_default():
    assert [one.name for one in able_to_serve("asgi")] == ["gunicorn", "granian", "uvicorn"]
    assert able_to_serve("wsgi")[0].name == "gunicorn"


# -- what is asked of it ---------------------------------------------------------------------------


@pytest.mark.parametrize(("server", "interface"), PAIRS)
def test_what_a_server_serves_is_planned_with_its_version(server, interface):
    made = planned(server, interface)
    assert made.process.server.name == server
    assert decision(made, "server").origin == "--server"
    version = {**NEWEST, "gunicorn": "27.0.1"}[server]
    assert decision(made, "python").why.endswith(f"{SERVERS[server].title} {version}")


@pytest.mark.parametrize(("server", "interface"), NOT_PAIRS)
def test_what_it_does_not_serve_is_refused_with_those_that_do(server, interface):
    error = refused(server, interface)
    assert error.id == "wrong-server"
    able = [one.name for one in able_to_serve(interface) if one.name != "gunicorn"]
    assert error.fix[1:] == tuple(f"or choose  --server {name}" for name in able)


@pytest.mark.parametrize("server", NEWEST)
def test_a_server_that_is_missing_is_refused(server):
    interface = SERVERS[server].interfaces[0]
    error = refused(server, interface, python={"gunicorn": "27.0.1", "servers": {}})
    assert error.id == "no-server"
    assert f"pip install '{SERVERS[server].package}>=" in error.fix[0]


def test_an_old_one_is_refused_with_the_reason():
    error = refused("waitress", python={"servers": {"waitress": "2.1.2"}})
    assert error.found[1] == f"why 3.0.1: {SERVERS['waitress'].floor_why}"


def test_gunicorn_is_not_needed_for_another_server():
    assert planned("waitress", python={**ALL, "gunicorn": None}).process.server.name == "waitress"


def test_workers_of_a_server_without_any_are_refused():
    assert refused("waitress", flags={"workers": "2"}).id == "server-cannot"
    assert planned("waitress", flags={"workers": "1"}).workers.count == 1
    assert planned("uwsgi", flags={"workers": "2"}).workers.count == 2


@pytest.mark.parametrize("server", ["granian", "uvicorn"])
def test_threads_of_an_event_loop_are_refused(server):
    assert refused(server, "asgi", {"threads": "4"}).id == "server-cannot"
    assert planned(server, "asgi", {"threads": "1"}).workers.threads == 1


def test_a_server_with_one_process_has_threads_for_as_many_requests():
    made = planned("waitress")
    assert (made.workers.count, made.workers.threads) == (1, 5)
    assert made.workers_shown == "5 threads"


def test_the_fewest_threads_are_those_of_waitress_itself():
    small = site({"server": "waitress"}, interpreter=ALL, host={"cpus": 1})
    assert small.workers.threads == 4


def test_workers_are_shown_as_they_are():
    assert planned("gunicorn").workers_shown == "5 workers"
    assert planned("gunicorn", flags={"worker_class": "sync"}).workers_shown == "5 sync workers"
    assert planned("uwsgi", flags={"workers": "1"}).workers_shown == "1 worker"
    assert planned("granian", flags={"threads": "3"}).workers_shown == "2 workers of 3 threads"
    assert planned("waitress", flags={"threads": "1"}).workers_shown == "1 thread"


def test_a_server_that_does_not_end_a_request_says_so():
    told = decision(planned("uvicorn", "asgi"), "hanging requests")
    assert "504 after 35 s" in told.why
    assert decision(planned("uwsgi"), "hanging requests") is None


def test_websockets_of_a_wsgi_app_are_told_to_need_gunicorn():
    needs = {"single_process": "Socket.IO knows a client in one process only", "wants_threads": 100}
    for server, values in (("waitress", ["none"]), ("gunicorn", [])):
        made = site({"server": server}, interpreter=ALL, app=needs)
        assert [one.value for one in made.decisions if one.name == "WebSockets"] == values


# -- replacing workers -----------------------------------------------------------------------------

LIMITS = {"max_requests": "1000", "max_age": "1h", "max_memory": "512m"}


@pytest.mark.parametrize(
    ("server", "interface", "lines"),
    [
        ("gunicorn", "wsgi", ["_hooks.recycle(worker, 1000, 3600, 536870912)"]),
        ("gunicorn", "asgi", ["_hooks.recycle(worker, 1000, 3600, 536870912)"]),
        (
            "uwsgi",
            "wsgi",
            ['"max-requests": 1000,', '"max-worker-lifetime": 3600,', '"reload-on-rss": 512,'],
        ),
        ("granian", "wsgi", ["workers_lifetime=3600,", "workers_max_rss=512,"]),
        ("uvicorn", "asgi", ["limit_max_requests=1000,"]),
        ("waitress", "wsgi", []),
    ],
)
def test_each_server_replaces_workers_as_far_as_it_can(server, interface, lines):
    made = planned(server, interface, LIMITS)
    [config] = [one for one in render(made) if one.path == made.process.server.config]
    for line in lines:
        assert line in config.content
    compile(config.content, config.path, "exec")
    for name in LIMITS:
        told = decision(made, name)
        assert told is not None
        assert told.is_warning == (name not in made.process.server.recycles)


def test_nothing_is_laid_out_for_workers_that_stay():
    for server, interface in PAIRS:
        made = planned(server, interface)
        text = "".join(one.content for one in render(made) if one.path.endswith(".conf.py"))
        assert "recycle" not in text
        assert "max_requests" not in text
