"""What an ASGI app is told of a request, and what becomes of its answer."""

from __future__ import annotations

import asyncio

import pytest

from outrider.app.shim.asgi import AsgiFront
from outrider.app.shim.gunicorn_asgi import Repaired
from outrider.app.shim.lifespan import Lifespan


def scope_seen(prefix="", kind="http", path="/x", **headers):
    """Return the scope that the app sees, given the one that Gunicorn makes on a Unix socket."""
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)

    sent = {"host": "shop.example", "x-real-ip": "1.2.3.4", "x-real-port": "5555", **headers}
    scope = {
        "type": kind,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http" if kind == "http" else "ws",
        "client": None,
        "server": ("/run/app.sock", None),
        "headers": [(n.replace("_", "-").encode(), v.encode()) for n, v in sent.items()],
    }
    asyncio.run(AsgiFront(app, prefix)(scope, nothing, swallow))
    return seen


async def nothing():
    return {"type": "http.request", "body": b"", "more_body": False}


async def swallow(message):
    pass


def header(scope, name):
    return [value.decode() for key, value in scope["headers"] if key.decode() == name]


def test_the_client_is_who_nginx_saw():
    assert scope_seen()["client"] == ("1.2.3.4", 5555)


def test_the_host_and_port_are_what_the_client_typed():
    scope = scope_seen(x_forwarded_host="shop.example:8080")
    assert header(scope, "host") == ["shop.example:8080"]
    assert scope["server"] == ("shop.example", 8080)


def test_another_host_than_nginx_chose_by_is_not_believed():
    assert header(scope_seen(x_forwarded_host="evil.example"), "host") == ["shop.example"]


@pytest.mark.parametrize(
    ("kind", "proto", "scheme"),
    [
        ("http", "http", "http"),
        ("http", "https", "https"),
        ("websocket", "http", "ws"),
        ("websocket", "https", "wss"),
    ],
)
def test_the_scheme_is_the_clients(kind, proto, scheme):
    assert scope_seen(kind=kind, x_forwarded_proto=proto)["scheme"] == scheme


def test_the_prefix_is_told_and_stays_in_the_path():
    scope = scope_seen("/shop", path="/shop/x")
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (
        "/shop",
        "/shop/x",
        b"/shop/x",
    )


def test_what_a_trusted_proxy_has_cut_off_comes_before():
    scope = scope_seen("/shop", path="/shop/x", x_forwarded_prefix="/outer")
    assert (scope["root_path"], scope["path"]) == ("/outer/shop", "/outer/shop/x")
    assert scope["raw_path"] == b"/outer/shop/x"


def test_without_a_prefix_nothing_is_told():
    scope = scope_seen()
    assert (scope["root_path"], header(scope, "x-forwarded-prefix")) == ("", [])


# -- what comes back -------------------------------------------------------------------------------


def answer(*messages, headers=()):
    """Return what the server hears of an app that sends these messages."""
    heard = []

    async def app(scope, receive, send):
        await send(
            {"type": "http.response.start", "status": 200, "headers": [*map(as_bytes, headers)]}
        )
        for message in messages or ({"body": b"x"},):
            await send({"type": "http.response.body", **message})

    async def hear(message):
        heard.append(message)

    scope = {"type": "http", "path": "/", "headers": []}
    asyncio.run(AsgiFront(app, roots=[("/srv", "/f/")])(scope, nothing, hear))
    return heard


def as_bytes(pair):
    return pair[0].encode(), pair[1].encode()


def test_what_an_app_echoes_cannot_steer_nginx():
    sent = [("X-Accel-Redirect", "/etc/passwd"), ("x-accel-limit-rate", "1"), ("X-Own", "1")]
    assert answer(headers=sent)[0]["headers"] == [(b"X-Own", b"1")]


@pytest.mark.parametrize("kind", ["websocket.accept", "websocket.http.response.start"])
def test_what_a_websocket_is_answered_cannot_steer_nginx(kind):
    heard = []

    async def app(scope, receive, send):
        echoed = [(b"x-accel-redirect", b"/etc/passwd"), (b"x-own", b"1")]
        await send({"type": kind, "headers": echoed})

    async def hear(message):
        heard.append(message)

    scope = {"type": "websocket", "path": "/", "headers": []}
    asyncio.run(AsgiFront(app)(scope, nothing, hear))
    assert heard == [{"type": kind, "headers": [(b"x-own", b"1")]}]


def test_no_hint_before_the_answer_can_steer_nginx():
    heard = answer({"type": "http.response.informational", "status": 103, "headers": []}, {})
    assert [one["type"] for one in heard] == ["http.response.start", "http.response.body"]


def test_who_reads_events_is_answered_before_the_first_event():
    heard_of: list[object] = []

    async def app(scope, receive, send):
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-type", b"text/event-stream")]})
        assert heard_of, "nobody has heard of it"

    async def hear(message):
        heard_of.append(message)

    scope = {"type": "http", "path": "/", "headers": []}
    asyncio.run(AsgiFront(app, roots=[("/srv", "/f/")])(scope, nothing, hear))


def test_a_stream_of_events_is_not_buffered():
    heard = answer(headers=[("Content-Type", "text/event-stream; charset=utf-8")])
    assert (b"x-accel-buffering", b"no") in heard[0]["headers"]


def test_any_other_answer_is_buffered():
    heard = answer(headers=[("content-type", "text/plain")])
    assert heard[0]["headers"] == [(b"content-type", b"text/plain")]


def test_an_app_that_says_itself_whether_to_buffer_is_heard():
    sent = [("content-type", "text/event-stream"), ("x-accel-buffering", "yes")]
    assert answer(headers=sent)[0]["headers"] == [*map(as_bytes, sent)]


HTTP = {"type": "http", "path": "/", "headers": []}


def test_asking_whether_the_client_has_gone_never_makes_it_gone():
    calls = []

    async def receive():
        calls.append(1)
        if len(calls) == 1:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(60)
        raise AssertionError("it must not end by itself")

    async def app(scope, receive, send):
        assert (await receive())["type"] == "http.request"
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(receive(), 0.01)

    asyncio.run(AsgiFront(app)(HTTP, receive, swallow))
    assert len(calls) == 2


def test_a_client_that_has_gone_is_seen():
    messages = [
        {"type": "http.request", "body": b"", "more_body": False},
        {"type": "http.disconnect"},
    ]
    seen = []

    async def receive():
        return messages.pop(0)

    async def app(scope, receive, send):
        seen.extend([(await receive())["type"] for _ in range(3)])

    asyncio.run(AsgiFront(app)(HTTP, receive, swallow))
    assert seen == ["http.request", "http.disconnect", "http.disconnect"]


async def given_up_at_once(receive):
    """Call it as Starlette's `is_disconnected()` does: what is not there at once is not waited for.

    https://github.com/encode/starlette/blob/master/starlette/requests.py
    """
    call = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    if call.done():
        return call.result()["type"]
    call.cancel()
    await asyncio.wait({call})
    return None


def test_whoever_asks_in_passing_sees_that_the_client_has_gone():
    has_gone = asyncio.Event()
    seen: list[str | None] = []

    async def receive():
        if not seen:
            return {"type": "http.request", "body": b"", "more_body": False}
        await has_gone.wait()
        return {"type": "http.disconnect"}

    async def app(scope, receive, send):
        seen.append((await receive())["type"])
        seen.append(await given_up_at_once(receive))
        has_gone.set()
        await asyncio.sleep(0.01)
        seen.append(await given_up_at_once(receive))

    asyncio.run(AsgiFront(app)(HTTP, receive, swallow))
    assert seen == ["http.request", None, "http.disconnect"]


def test_who_gives_up_takes_nothing_from_others_who_wait():
    """Call the server's own once at a time, also while the body is not read yet."""
    body_comes = asyncio.Event()
    at_once = []

    async def receive():
        at_once.append(1)
        await body_comes.wait()
        at_once.remove(1)
        return {"type": "http.request", "body": b"tea", "more_body": False}

    async def app(scope, receive, send):
        waits = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert await given_up_at_once(receive) is None
        assert at_once == [1]
        body_comes.set()
        assert (await waits)["body"] == b"tea"

    asyncio.run(AsgiFront(app)(HTTP, receive, swallow))


# -- under Gunicorn's own worker -------------------------------------------------------------------


class Log:
    def __init__(self):
        self.lines = []

    def exception(self, line):
        self.lines.append(line)

    error = exception


class Worker:
    """As much of Gunicorn's as the repairs touch."""

    def __init__(self):
        self.log = Log()


def repaired(app, receive=nothing, send=swallow, kind="http"):
    """Return what the worker logs of an app that serves one request."""
    worker = Worker()
    scope = {"type": kind, "path": "/", "headers": [], "asgi": {"spec_version": "2.4"}}

    async def serve():
        await Repaired(app, worker, Lifespan(app, {}))(scope, receive, send)

    try:
        asyncio.run(serve())
    except ZeroDivisionError:
        worker.log.lines.append("raised")
    return worker.log.lines


def fails_after(*messages):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 500, "headers": []})
        for message in messages:
            await send({"type": "http.response.body", "body": b"x", **message})
        raise ZeroDivisionError

    return app


def test_what_is_raised_after_the_whole_answer_is_logged():
    assert repaired(fails_after({})) == ["Error in the app, after its answer", "raised"]


def test_starlette_is_told_to_look_for_the_client_itself():
    """Gunicorn's own `send` does not raise when the client has gone, though it says so."""
    told = []

    async def app(scope, receive, send):
        told.append(scope["asgi"]["spec_version"])

    assert repaired(app) == ["The app returned without an answer"]
    assert told == ["2.3"]


def test_an_error_because_the_client_has_gone_is_none():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.body", "body": b"x"})
        raise ZeroDivisionError

    async def receive():
        return {"type": "http.disconnect"}

    assert repaired(app, receive) == ["raised"]


def test_what_is_raised_in_the_middle_the_worker_logs_itself():
    assert repaired(fails_after({"more_body": True})) == ["raised"]


def test_a_socket_that_the_app_leaves_is_closed_as_done():
    sent = []

    async def send(message):
        sent.append((message["type"], message.get("code")))

    async def app(scope, receive, send):
        await send({"type": "websocket.accept"})

    assert repaired(app, send=send, kind="websocket") == []
    assert sent == [("websocket.accept", None), ("websocket.close", 1000)]


def test_a_socket_that_was_refused_is_not_closed_again():
    sent = []

    async def send(message):
        sent.append(message["type"])

    async def app(scope, receive, send):
        await send({"type": "websocket.close", "code": 1000})

    assert repaired(app, send=send, kind="websocket") == []
    assert sent == ["websocket.close"]


# -- lifespan --------------------------------------------------------------------------------------


def live(app):
    """Start and stop an app; return whether it was told ready."""
    told = []

    async def both():
        lifespan = Lifespan(AsgiFront(app, tell_ready=lambda: told.append(1)), {})
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(both())
    return told == [1]


def test_an_app_starts_and_ends():
    steps = []

    async def app(scope, receive, send):
        assert scope["type"] == "lifespan"
        steps.append((await receive())["type"])
        await send({"type": "lifespan.startup.complete"})
        steps.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    assert live(app)
    assert steps == ["lifespan.startup", "lifespan.shutdown"]


async def refuses(scope, receive, send):
    raise ValueError("only http")


async def knows_none(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def says_nothing(scope, receive, send):
    return


@pytest.mark.parametrize("app", [refuses, knows_none, says_nothing])
def test_an_app_without_a_lifespan_is_ready_all_the_same(app):
    assert live(app)


def test_an_app_that_fails_at_its_start_ends_it_and_says_why(capsys):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(SystemExit) as ended:
        live(app)
    assert ended.value.code == 3
    assert capsys.readouterr().err == "no database\n"


def test_an_app_that_raises_at_its_start_ends_it():
    async def app(scope, receive, send):
        await receive()
        raise ConnectionError("no database")

    with pytest.raises(ConnectionError):
        live(app)
