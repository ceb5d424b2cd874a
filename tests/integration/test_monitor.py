"""What an operator sees of a running site: figures, requests in flight, the dashboard."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import signal
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.running import NGINXES, PATIENCE_S, outrider, serving, until
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.running import Running

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("monitor")]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def site(copy_of) -> Iterator[Running]:
    """Return a site of two workers whose figures are told at the port behind its own."""
    with reserved() as port:
        project = copy_of("running_site")
        (project / "files").mkdir()
        (project / "files" / "a.txt").write_text("a\n")
        words = ["--workers", "2", "--threads", "1", "--metrics", f"127.0.0.1:{port + 1}"]
        words += ["--static", f"/files/={project}/files"]
        nginx = NGINXES["system"] or NGINXES["wheel"]
        with serving(*words, cwd=project, port=port, nginx=nginx) as running:
            yield running


def told(site: Running, path: str = "status.json") -> str:
    address = f"http://127.0.0.1:{site.port + 1}/{path}"
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def figures(site: Running) -> dict[str, Any]:
    return json.loads(told(site))


def pids(site: Running) -> set[int]:
    return {one.pid for one in site.family()}


def doing(site: Running) -> list[dict[str, Any]]:
    return [one for each in figures(site)["processes"] for one in each["doing"]]


def waiting(site: Running) -> int:
    """Return how many connections are kept; Nginx is not waited for when it has no time to say."""
    known: list[dict[str, int]] = []

    def is_told() -> bool:
        known[:] = filter(None, [figures(site)["connections"]])
        return bool(known)

    until(is_told)
    return known[0]["waiting"]


@contextlib.contextmanager
def in_flight(site: Running, tmp_path: Path) -> Iterator[None]:
    """Keep a request going until the block ends."""
    gate = tmp_path / "gate"
    path = f"/takes?seconds=0&file={gate}"
    thread = threading.Thread(target=lambda: site.get(path))
    thread.start()
    try:
        yield
    finally:
        gate.touch()
        thread.join()


def test_requests_are_counted_as_they_are_answered(site):
    before = figures(site)["traffic"]
    for path in ("/", "/", "/missing", "/files/a.txt"):
        site.get(path)
    until(lambda: figures(site)["traffic"]["requests"] == before["requests"] + 4)
    after = figures(site)["traffic"]

    assert after["without_app"] == before["without_app"] + 1
    assert after["statuses"]["404"] == before["statuses"].get("404", 0) + 1
    assert after["last_minute"]["app"]["p50"] is not None


def test_a_slow_reader_is_time_that_no_worker_had_to_wait(site):
    before = figures(site)["traffic"]["slow_client_s"]
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(b"GET /big?bytes=9000000 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        client.recv(100)
        # The app is done with it, and nobody has read it.
        until(lambda: all(one["path"] != "/big" for one in doing(site)))
        threading.Event().wait(0.5)
        while client.recv(65536):
            pass
    until(lambda: figures(site)["traffic"]["slow_client_s"] > before + 0.3)


def test_a_request_in_flight_is_seen_without_what_its_query_holds(site, tmp_path):
    with in_flight(site, tmp_path):
        # One from before may only just have ended.
        until(lambda: [one["path"] for one in doing(site)] == ["/takes"])
        now = figures(site)
        (one,) = doing(site)
        until(lambda: doing(site)[0]["seconds"] > one["seconds"])
    until(lambda: not doing(site))

    assert (one["method"], one["path"]) == ("GET", "/takes")
    assert now["slowest"]["path"] == "/takes"
    assert len(one["id"]) == 32
    assert [each["state"] for each in now["processes"] if each["in_flight"]] == ["busy"]


def test_a_killed_worker_leaves_nothing_behind(site, tmp_path):
    gate = tmp_path / "never"

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            site.get(f"/takes?seconds=0&file={gate}")

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: [one["path"] for one in doing(site)] == ["/takes"])
    (worker,) = [each for each in figures(site)["processes"] if each["in_flight"]]
    next(one for one in site.family() if one.pid == worker["pid"]).kill()
    thread.join()

    def has_recovered() -> bool:
        workers = [each for each in figures(site)["processes"] if each["requests"] is not None]
        return len(workers) == 2 and all(each["state"] == "idle" for each in workers)

    until(has_recovered)


def test_all_processes_are_told_of(site):
    until(lambda: {each["pid"] for each in figures(site)["processes"]} == pids(site))
    found = figures(site)["processes"]
    roles = [(each["title"], each["role"]) for each in found]
    assert roles.count(("Gunicorn", "worker")) == 2
    assert {("Gunicorn", "master"), ("Nginx", "master"), ("Nginx", "worker")} <= set(roles)
    assert all(each["memory_bytes"] > 0 and each["age_s"] >= 0 for each in found)


def test_clients_who_are_connected_are_counted(site):
    before = waiting(site)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            client = http.client.HTTPConnection("127.0.0.1", site.port)
            stack.callback(client.close)
            client.request("GET", "/")
            client.getresponse().read()
        until(lambda: waiting(site) >= before + 3)
    # It is for this machine, and not for whom somebody here asks.
    forwarded = {"X-Forwarded-For": "10.0.0.9"}
    assert site.get("/_outrider/connections", headers=forwarded).status == 404


def test_a_reload_is_seen_and_no_count_is_lost(site):
    def codes() -> set[int]:
        workers = [each for each in figures(site)["processes"] if each["role"] == "worker"]
        return {each["generation"] for each in workers if each["title"] == "Gunicorn"}

    site.get("/")
    until(lambda: figures(site)["traffic"]["requests"] and len(codes()) == 1)
    before, (old,) = figures(site)["traffic"]["requests"], codes()
    site.process.send_signal(signal.SIGHUP)
    until(lambda: codes() == {old + 1})
    site.get("/")
    until(lambda: figures(site)["traffic"]["requests"] > before)


def test_prometheus_reads_them(site):
    site.get("/")
    names = {one.name for one in text_string_to_metric_families(told(site, "metrics"))}

    assert {"outrider_http_requests", "outrider_requests_in_flight"} <= names


def test_an_address_that_is_taken_is_refused_before_anything_starts(site, copy_of):
    with reserved() as port:
        words = ["--bind", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{site.port + 1}"]
        ended = outrider("run", "app:app", *words, cwd=copy_of("running_site"))

    assert ended.returncode != 0
    assert "for `metrics`" in ended.stderr
    assert "--metrics 127.0.0.1:9100" in ended.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_the_dashboard_on_a_desk_and_on_a_phone(site, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    address = f"http://127.0.0.1:{site.port + 1}/"
    site.get("/")
    with playwright.sync_playwright() as started, in_flight(site, tmp_path):
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width, scheme in ((1200, "light"), (360, "dark")):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on(
                "request",
                lambda request, said=said: said.extend(
                    [request.url] * (not request.url.startswith((address, "data:")))
                ),
            )
            page.goto(address)
            page.get_by_text("Live").wait_for()
            page.get_by_role("cell", name="/takes").wait_for()
            page.locator("figure path.first").first.wait_for(state="attached")
            plot = page.get_by_role("img").first.get_attribute("aria-label")
            assert plot.startswith("Requests per second: all ")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.get_by_text("Paused").wait_for()
            assert said == []
            page.close()
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_the_dashboard_says_when_nobody_answers_any_more(copy_of):
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as started, reserved() as port:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        words = ["--workers", "1", "--metrics", f"127.0.0.1:{port + 1}"]
        with serving(*words, cwd=copy_of("running_site"), port=port):
            page.goto(f"http://127.0.0.1:{port + 1}/")
            page.get_by_text("Live").wait_for()
        page.get_by_text("Outrider does not answer").wait_for()
        browser.close()
