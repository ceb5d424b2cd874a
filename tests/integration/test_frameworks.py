"""Every framework of the table in frameworks.py, run by `outrider run` and nothing more.

A test is one app and one thing that it has; the tests of an app share one running site.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from outrider.servers import DEFAULT, SERVERS
from tests.integration.environments import with_every_framework
from tests.integration.frameworks import (
    APPS,
    BELOW_A_PREFIX_ON_EACH_SERVER,
    REFUSED,
    App,
)
from tests.integration.running import (
    PATIENCE_S,
    Running,
    environment,
    multipart,
    outrider,
    served_by,
    serving,
    until,
)
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from websockets.sync.client import ClientConnection

pytestmark = pytest.mark.integration

FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=203.0.113.9;proto=https;host=evil.example",
    "X-Real-IP": "203.0.113.9",
}
CLIENT = "127.0.0.7"


@dataclass(frozen=True)
class Site:
    """A running app of the table, and its project."""

    app: App
    running: Running
    project: Path
    prefix: str = ""

    @property
    def root(self) -> str:
        """What the client has typed."""
        return f"http://127.0.0.1:{self.running.port}{self.prefix}"

    def get(self, path: str, **more):
        """Ask for a path below the prefix."""
        return self.running.get(self.prefix + path, **more)

    def served_by(self, path: str) -> str:
        """Return `nginx` or `app`, as the log says."""
        return served_by(self.running, self.prefix + path)

    def file(self, name: str) -> bytes:
        """Return a file of the project, or of the environment."""
        if name.startswith("site-packages/"):
            [path] = with_every_framework().parent.parent.glob(f"lib/python3*/{name}")
            return path.read_bytes()
        return (self.project / name).read_bytes()


# -- what is checked -------------------------------------------------------------------------------


def page(site: Site) -> None:
    answer = site.get("/")
    assert answer.status == 200, answer.text
    # Dash's own script makes the heading from what it fetches.
    assert "The inn" in (answer.text if site.app.has_views else site.get("/_dash-layout").text)
    for link in re.findall(r'<link rel="stylesheet" href="([^"]+)"', answer.text):
        place = link.removeprefix(f"http://127.0.0.1:{site.running.port}")
        place = place if place.startswith("/") else f"{site.prefix}/{place}"
        assert place.startswith(site.prefix + "/")
        assert site.running.get(place).status == 200, link


def static(site: Site) -> None:
    by_nginx(site, site.app.static)


def static_at_root(site: Site) -> None:
    if site.prefix:
        by_app(site, site.app.static_at_root)
    else:
        by_nginx(site, site.app.static_at_root)


def static_in_view(site: Site) -> None:
    by_app(site, site.app.static_in_view)


def by_nginx(site: Site, files: Mapping[str, str]) -> None:
    for url, name in files.items():
        answer = site.get(url)
        assert answer.status == 200, url
        assert answer.body == site.file(name)
        assert site.served_by(url) == "nginx"
        # Nginx's own form, of time and size.
        assert re.fullmatch(rf'"[0-9a-f]+-{len(answer.body):x}"', answer.headers["ETag"])
        if url.endswith(".css"):
            assert answer.headers["Content-Type"].startswith("text/css")


def by_app(site: Site, files: Mapping[str, str]) -> None:
    for url, name in files.items():
        answer = site.get(url)
        assert (answer.status, answer.body) == (200, site.file(name))
        assert site.served_by(url) == "app"


def media(site: Site) -> None:
    picture = bytes(range(256)) * 16
    body, kind = multipart({"name": "Bess"}, "picture", "bess.png", picture)
    uploaded = site.get("/new", method="POST", body=body, headers={"Content-Type": kind})
    assert uploaded.status == 200, uploaded.text
    path = uploaded.text.removeprefix(site.prefix)
    answer = site.get(path)
    assert (answer.status, answer.body) == (200, picture)
    assert site.served_by(path) == "nginx"


def external_url(site: Site) -> None:
    """Tell the URL of a page with the host and port that the client typed."""
    url = site.get("/share").text
    assert url == f"{site.root}/horses/7"
    horse = site.running.get(url.removeprefix(f"http://127.0.0.1:{site.running.port}"))
    assert (horse.status, horse.text) == (200, "horse 7")
    # Through somebody's mapping of ports, the client has typed another one, or none.
    for host in (f"localhost:{site.running.port + 1}", "localhost"):
        url = site.get("/share", headers={"Host": host, **FORGED}).text
        assert url == f"http://{host}{site.prefix}/horses/7"


def client(site: Site) -> None:
    answer = site.get("/whoami", headers=FORGED, source=CLIENT)
    assert answer.text == f"{CLIENT} http"


def missing(site: Site) -> None:
    """Show the app's own page for what is not there."""
    assert site.get("/no-such-room").status == 404
    assert site.served_by("/no-such-room") == "app"


def failure(site: Site) -> None:
    """Log the traceback with the id that the answer has."""
    answer = site.get("/fails")
    assert answer.status == 500
    request_id = answer.headers["X-Request-ID"]
    site.running.wait_for(rf"500 GET {site.prefix}/fails .*\[{request_id[:8]}\]")
    with contextlib.suppress(AssertionError):
        until(lambda: "RuntimeError: a wheel came off" in site.running.said_by_app(request_id))
    said = site.running.said_by_app(request_id)
    assert "Traceback (most recent call last):" in said
    assert "raise RuntimeError(" in said
    assert "RuntimeError: a wheel came off" in said


def events(site: Site, accept: str = "text/event-stream") -> None:
    """Receive an event while the app has not finished.

    It goes on after a second request only, so that a first event that is held back never comes;
    and after a while the app gives up, without the last event.
    """
    with listening(site, accept) as stream:
        assert site.get("/finish", method="POST").status in (200, 201)
        assert b"arrived" in stream.read()


@contextlib.contextmanager
def listening(site: Site, accept: str) -> Iterator[http.client.HTTPResponse]:
    """Receive the first event, and leave when the block ends."""
    connection = http.client.HTTPConnection("127.0.0.1", site.running.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", f"{site.prefix}/events", headers={"Accept": accept})
        with connection.getresponse() as stream:
            assert stream.status == 200
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            while b"departed" not in (line := stream.readline()):
                assert line, "the stream has ended without an event"
            yield stream


def leaving(site: Site) -> None:
    """Leave a stream that waits, of which the app is to hear before it gives up."""
    with listening(site, "text/event-stream"):
        pass
    heard = site.running.wait_for("a listener has left|nobody has come")
    assert heard[0] == "a listener has left"


def events_by_fetch(site: Site) -> None:
    """Receive them in a script that asks for anything, as `fetch` does."""
    events(site, accept="*/*")


def connected(site: Site, path: str) -> ClientConnection:
    """Open a WebSocket as a page of this site does in a browser, which says where it is from."""
    host = f"127.0.0.1:{site.running.port}"
    return connect(
        f"ws://{host}{site.prefix}{path}",
        origin=Origin(f"http://{host}"),
        source_address=(CLIENT, 0),
        open_timeout=PATIENCE_S,
    )


def websocket(site: Site) -> None:
    with connected(site, "/ws") as socket:
        assert socket.recv(timeout=PATIENCE_S) == f"hello {CLIENT}"
        for text in ("one", "two" * 50_000):
            socket.send(text)
            assert socket.recv(timeout=PATIENCE_S) == f"echo {text}"


def socketio_websocket(site: Site) -> None:
    """Speak Socket.IO: https://socket.io/docs/v4/socket-io-protocol/#sample-session."""
    with connected(site, "/socket.io/?EIO=4&transport=websocket") as socket:
        assert str(socket.recv(timeout=PATIENCE_S)).startswith("0{")
        socket.send("40")
        said = {str(socket.recv(timeout=PATIENCE_S)) for _ in range(2)}
        assert f'42["hello","{CLIENT}"]' in said
        socket.send('42["say","one"]')
        assert socket.recv(timeout=PATIENCE_S) == '42["echo","one"]'


def socketio_polling(site: Site) -> None:
    """Begin as its clients do, with requests that have to meet the same worker again."""
    place = "/socket.io/?EIO=4&transport=polling"
    opened = site.get(place)
    assert opened.status == 200, opened.text
    place += "&sid=" + json.loads(opened.text[1:])["sid"]

    def say(packet: str) -> None:
        answer = site.get(place, method="POST", body=packet.encode())
        assert (answer.status, answer.text) == (200, "OK")

    say("40")
    said = ""
    while "hello" not in said:  # each answer waits for something to say
        answer = site.get(place)
        assert answer.status == 200, answer.text
        said += answer.text
    for number in range(4):
        say(f'42["say",{number}]')
        assert site.get(place).text == f'42["echo",{number}]'


def lifespan(site: Site) -> None:
    assert site.get("/crew").text == "all aboard"


def checks_of(app: App, server: str = DEFAULT) -> Iterator[Callable[[Site], None]]:
    """Yield what is to be checked of an app on an application server."""
    yield page
    has = (
        (static, app.static),
        (static_at_root, app.static_at_root),
        (static_in_view, app.static_in_view),
        (media, app.uploads_to_media),
        (external_url, app.has_views),
        (client, app.has_views),
        (missing, not app.finds_everything),
        (failure, app.has_views),
        (events, app.streams),
        (events_by_fetch, app.streams),
        (leaving, app.sees_leaving),
        (websocket, app.websocket),
        # It takes the socket from Gunicorn; on others its clients stay with their requests.
        (socketio_websocket, app.socketio and server == DEFAULT),
        (socketio_polling, app.socketio),
        (lifespan, app.lifespan),
    )
    yield from (check for check, is_there in has if is_there)


# -- the sites -------------------------------------------------------------------------------------


@contextlib.contextmanager
def run(app: App, project: Path, *words: str, prefix: str = "") -> Iterator[Site]:
    """Run an app as its user would, in the environment that is activated."""
    python = with_every_framework()
    env = environment(VIRTUAL_ENV=str(python.parent.parent))
    for command in app.before:
        done = subprocess.run(
            [str(python), *command],
            cwd=project,
            env=env,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    more = ("--prefix", prefix) if prefix else ()
    with (
        reserved() as port,
        serving(*words, *more, cwd=project, port=port, env=env) as running,
    ):
        yield Site(app, running, project, prefix)


@pytest.fixture(scope="module")
def site_of(copy_of) -> Iterator[Callable[..., Site]]:
    """Return a function that runs an app, until another one is asked for."""
    with contextlib.ExitStack() as stack:
        sites: dict[tuple[str, ...], Site] = {}

        def site(app: App, *words: str) -> Site:
            key = app.name, *words
            if key not in sites:
                sites.clear()
                stack.close()
                sites[key] = stack.enter_context(run(app, copy_of(app.folder), *words))
            return sites[key]

        yield site


def _row(app: App, *values: object, server: str = "", check: str = "") -> object:
    """Return the parameters of a test, in the group of those that share its site."""
    name = "-".join(filter(None, (server, app.name)))
    identity = "-".join(filter(None, (name, check)))
    return pytest.param(app, *values, id=identity, marks=pytest.mark.xdist_group(name))


# -- the tests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "check"),
    [_row(app, check, check=check.__name__) for app in APPS for check in checks_of(app)],
)
def test_an_app_runs_without_configuration(app, check, site_of):
    check(site_of(app))


@pytest.mark.parametrize("app", [_row(app) for app in APPS if app.mounts])
def test_an_app_runs_below_a_prefix(app, copy_of):
    below_a_prefix(app, copy_of(app.folder))


def below_a_prefix(app: App, project: Path, server: str = DEFAULT) -> None:
    words = () if server == DEFAULT else ("--server", server)
    with run(app, project, *words, prefix="/shop") as site:
        for check in checks_of(app, server):
            check(site)
        other = site.running.get("/shopping")
        assert other.status == 404
        assert served_by(site.running, "/shopping") == "nginx"
        assert site.running.stop() == 0
        if app.lifespan:
            assert "the crew went home" in site.running.log


def test_what_django_admin_makes_runs_untouched(short_dir, free_port):
    python = with_every_framework()
    made = [str(python.parent / "django-admin"), "startproject", "inn", "."]
    subprocess.run(made, cwd=short_dir, env=environment(), timeout=PATIENCE_S, check=True)
    files = files_in(short_dir)
    env = environment(VIRTUAL_ENV=str(python.parent.parent))
    with serving(cwd=short_dir, port=free_port, env=env) as site:
        assert "The install worked successfully!" in site.get("/").text
        assert site.get("/static/admin/css/base.css").status == 200
        assert served_by(site, "/static/admin/css/base.css") == "nginx"
        assert site.stop() == 0
    assert files_in(short_dir) == files


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


ON_OTHER_SERVERS = [
    (app, server.name)
    for server in SERVERS.values()
    for app in APPS
    if server.name != DEFAULT
    if app.interface in server.interfaces
    if app.name.endswith("_realistic")
]


@pytest.mark.parametrize(
    ("app", "server", "check"),
    [
        _row(app, server, check, server=server, check=check.__name__)
        for app, server in ON_OTHER_SERVERS
        for check in checks_of(app, server)
    ],
)
def test_an_app_runs_on_another_server(app, server, check, site_of):
    check(site_of(app, "--server", server))


@pytest.mark.parametrize(
    ("app", "server"),
    [
        _row(app, server, server=server)
        for app, server in ON_OTHER_SERVERS
        if app.name in BELOW_A_PREFIX_ON_EACH_SERVER
    ],
)
def test_an_app_runs_below_a_prefix_on_another_server(app, server, copy_of):
    below_a_prefix(app, copy_of(app.folder), server)


@pytest.mark.parametrize(("folder", "words"), REFUSED.items())
def test_an_app_that_no_server_can_run_is_refused_in_a_sentence(folder, words, copy_of):
    env = environment(VIRTUAL_ENV=str(with_every_framework().parent.parent))
    refused = outrider("run", *words, cwd=copy_of(f"framework_{folder}"), env=env)
    assert refused.returncode != 0
    assert "aiohttp" in refused.stderr
    assert "neither WSGI nor ASGI" in refused.stderr
    assert "Traceback" not in refused.stderr
