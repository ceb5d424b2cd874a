"""What the app is told of a request, and which request a line belongs to."""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
import queue
import threading
from types import SimpleNamespace

import pytest

from outrider.app.shim import gunicorn_hooks, lines
from outrider.app.shim.lines import REQUEST_ID, TaggedStream
from outrider.app.shim.ready import NOTIFY_VARIABLE
from outrider.app.shim.wsgi import WsgiFront


def told(prefix="", **headers):
    """Return the environment that the app sees, given the one that Gunicorn makes."""
    seen = {}
    environ = {
        "REMOTE_ADDR": "",
        "PATH_INFO": "/x",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "/run/app.sock",
        "SERVER_PORT": "",
        "wsgi.url_scheme": "http",
        **headers,
    }

    def app(given, _):
        seen.update(given)
        return []

    WsgiFront(app, prefix)(environ, print)
    return seen


def host(host, typed="", **more):
    env = told(HTTP_HOST=host, HTTP_X_FORWARDED_HOST=typed, **more)
    return env["HTTP_HOST"], env["SERVER_NAME"], env["SERVER_PORT"]


def test_the_client_is_who_nginx_saw():
    env = told(HTTP_X_REAL_IP="1.2.3.4", HTTP_X_REAL_PORT="55555")
    assert (env["REMOTE_ADDR"], env["REMOTE_PORT"]) == ("1.2.3.4", "55555")


def test_a_peer_with_an_address_of_its_own_is_left_alone():
    assert told(REMOTE_ADDR="10.0.0.1", HTTP_X_REAL_IP="6.6.6.6")["REMOTE_ADDR"] == "10.0.0.1"


def test_the_port_that_was_typed_is_kept():
    assert host("shop.example", "shop.example:8080") == (
        "shop.example:8080",
        "shop.example",
        "8080",
    )
    assert host("shop.example", "SHOP.example.:8080")[0] == "SHOP.example.:8080"


def test_another_name_than_nginx_chose_by_is_not_believed():
    assert host("shop.example", "evil.example:8080") == ("shop.example", "shop.example", "80")


def test_the_usual_ports():
    assert host("shop.example") == ("shop.example", "shop.example", "80")
    assert host("shop.example", **{"wsgi.url_scheme": "https"})[2] == "443"


def test_an_address_of_ipv6_has_colons_of_its_own():
    assert host("[::1]", "[::1]:8000") == ("[::1]:8000", "[::1]", "8000")
    assert host("[::1]") == ("[::1]", "[::1]", "80")


def test_the_port_of_a_trusted_proxy_is_added():
    assert (
        host("shop.example", "shop.example", HTTP_X_FORWARDED_PORT="8443")[0] == "shop.example:8443"
    )
    env = told(HTTP_HOST="a", HTTP_X_FORWARDED_PORT="443", **{"wsgi.url_scheme": "https"})
    assert env["HTTP_HOST"] == "a"


def test_the_first_of_several_forwarded_hosts_is_the_clients():
    assert host("a.example", "a.example:81, b.example")[0] == "a.example:81"


def test_a_prefix_moves_to_script_name():
    env = told("/shop", PATH_INFO="/shop/cart")
    assert (env["SCRIPT_NAME"], env["PATH_INFO"]) == ("/shop", "/cart")
    env = told("/shop", PATH_INFO="/shop")
    assert (env["SCRIPT_NAME"], env["PATH_INFO"]) == ("/shop", "")


@pytest.mark.parametrize("path", ["/shopping", "/", "/x/shop/"])
def test_what_only_looks_like_the_prefix_stays(path):
    assert told("/shop", PATH_INFO=path)["PATH_INFO"] == path


def test_the_prefix_that_a_proxy_has_taken_off_is_put_before_the_links():
    env = told("/shop", PATH_INFO="/shop/x", HTTP_X_FORWARDED_PREFIX="/outer/")
    assert (env["SCRIPT_NAME"], env["PATH_INFO"]) == ("/outer/shop", "/x")


def test_slashes_before_the_prefix_are_one_as_nginx_takes_them():
    env = told("/shop", PATH_INFO="//shop//x")
    assert (env["SCRIPT_NAME"], env["PATH_INFO"]) == ("/shop", "//x")
    assert told(PATH_INFO="//x")["PATH_INFO"] == "//x"


def test_without_a_prefix_nothing_moves():
    env = told(PATH_INFO="/a")
    assert (env["SCRIPT_NAME"], env["PATH_INFO"]) == ("", "/a")


def test_the_answer_is_the_apps_own_object():
    """Gunicorn sends a file_wrapper with sendfile only if it gets that very object."""
    answer = [b"x"]
    front = WsgiFront(lambda *_: answer)
    assert front({"wsgi.url_scheme": "http"}, print) is answer


# -- lines -----------------------------------------------------------------------------------------


@pytest.fixture
def stream():
    """Return a tagged stream and a function that reads what was written."""
    raw = io.BytesIO()
    tagged = TaggedStream(io.TextIOWrapper(raw, encoding="utf-8"))
    yield tagged, lambda: raw.getvalue().decode()
    REQUEST_ID.set("")


def test_each_line_of_a_request_carries_its_id(stream):
    out, written = stream

    def app(environ, start_response):
        print("one\ntwo", file=out)
        return []

    WsgiFront(app)({"wsgi.url_scheme": "http", "HTTP_X_REQUEST_ID": "4f3a"}, print)
    assert written() == "[req 4f3a] one\n[req 4f3a] two\n"


def test_lines_between_requests_carry_none(stream):
    out, written = stream
    print("idle", file=out)
    assert written() == "idle\n"


def test_a_line_in_pieces_is_one_line(stream):
    out, written = stream
    for piece in ("a", " ", "b"):
        out.write(piece)
        assert written() == ""
    out.write("\nrest")
    assert written() == "a b\n"
    out.flush()
    assert written() == "a b\nrest"


def test_lines_of_two_threads_do_not_mix(stream):
    out, written = stream
    turn = threading.Barrier(2, timeout=60)

    def write(name):
        REQUEST_ID.set(name)
        for _ in range(50):
            turn.wait()
            out.write(f"{name}-")
            turn.wait()
            out.write(f"{name}\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in ("aa", "bb")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(written().splitlines()) == {"[req aa] aa-aa", "[req bb] bb-bb"}


def test_a_line_that_is_logged_through_a_queue_carries_its_id(stream):
    out, written = stream
    lines.carry_through_queues()
    records: queue.Queue[logging.LogRecord] = queue.Queue()
    listener = logging.handlers.QueueListener(records, logging.StreamHandler(out))
    logger = logging.Logger("queued")  # noqa: LOG001 - nobody else's
    logger.addHandler(logging.handlers.QueueHandler(records))
    listener.start()
    REQUEST_ID.set("4f3a")
    logger.error("late")
    REQUEST_ID.set("")
    logger.error("idle")
    listener.stop()
    assert written() == "[req 4f3a] late\nidle\n"


def test_what_cannot_be_encoded_does_not_raise(stream):
    out, written = stream
    print("\udcff", file=out)
    assert written() == "\\udcff\n"


def test_the_id_is_forgotten_when_the_request_is_over(monkeypatch, tmp_path):
    monkeypatch.delenv(NOTIFY_VARIABLE, raising=False)

    class Worker:
        wsgi = staticmethod(lambda *_: [])
        tmp = (tmp_path / "heartbeat").open("wb")
        ppid = os.getpid()
        cfg = SimpleNamespace(timeout=0)

        def notify(self):
            pass

        def handle(self, *args):
            self.wsgi({"wsgi.url_scheme": "http", "HTTP_X_REQUEST_ID": "4f3a"}, print)
            assert REQUEST_ID.get() == "4f3a"
            raise ZeroDivisionError

    worker = Worker()
    gunicorn_hooks.wrap(worker, "")
    with pytest.raises(ZeroDivisionError):
        worker.handle(1, 2, 3)
    worker.tmp.close()
    assert REQUEST_ID.get() == ""
    assert isinstance(worker.wsgi, WsgiFront)
