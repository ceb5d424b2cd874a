"""Every WSGI app of the framework suite, with Python's validator between it and the worker.

It checks both sides: the environment and the calls of the server, the answers of the app.
https://docs.python.org/3/library/wsgiref.html#module-wsgiref.validate
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.environments import with_every_framework
from tests.integration.frameworks import APPS, App
from tests.integration.running import PATIENCE_S, environment, serving
from tests.integration.test_frameworks import Site, checks_of, socketio_websocket
from tests.ports import reserved
from tests.worker.rig import THERE, request
from tests.worker.rig import serving as serving_kind

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.integration, pytest.mark.slow]

VALIDATED = '''
"""Put the validator around what a worker calls, the shim included."""

try:
    from gunicorn.config import Config
except ImportError:  # the interpreter of another program
    pass
else:
    from wsgiref.validate import validator

    look_up = Config.__getattr__

    def looked_up(self, name):
        found = look_up(self, name)
        if name != "post_worker_init":
            return found

        def hook(worker):
            found(worker)
            worker.wsgi = validator(worker.wsgi)
            print("wsgiref.validate is there")

        return hook

    Config.__getattr__ = looked_up
'''


def complaints(log: str) -> list[str]:
    """Return what the validator has raised."""
    return re.findall(r"AssertionError.*", log)


def checks(app: App) -> list[Callable[[Site], None]]:
    # A WebSocket takes the socket from the server, which is beyond WSGI.
    return [check for check in checks_of(app) if check is not socketio_websocket]


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(app, id=app.name, marks=pytest.mark.xdist_group(f"validated-{app.name}"))
        for app in APPS
        if not app.is_asgi
    ],
)
def test_an_app_and_the_worker_keep_to_the_protocol(app, copy_of, short_dir):
    (short_dir / "sitecustomize.py").write_text(VALIDATED)
    python = with_every_framework()
    env = environment(VIRTUAL_ENV=str(python.parent.parent), PYTHONPATH=str(short_dir))
    project = copy_of(app.folder)
    for command in app.before:
        argv = [str(python), *command]
        subprocess.run(argv, cwd=project, env=env, timeout=PATIENCE_S, check=True)
    # One process for Socket.IO, whose clients have to meet it again; two, so that a stream and a
    # request that ends it are served together.
    words = () if app.socketio else ("--workers", "2")
    with reserved() as port, serving(*words, cwd=project, port=port, env=env) as running:
        site = Site(app, running, project)
        for check in checks(app):
            check(site)
        for method in ("HEAD", "OPTIONS", "PUT"):
            assert site.get("/", method=method, body=b"body").status < 500
        assert site.running.stop() == 0
        assert "wsgiref.validate is there" in site.running.log
        # An app with WebSockets has Gunicorn's threaded worker.
        ours = "Using worker: outrider_worker.Worker" in site.running.log
        assert ours == (not app.socketio)
        assert complaints(site.running.log) == []


# -- the validator is there ------------------------------------------------------------------------

BREAKING = '''
"""An app that breaks a rule where it is asked to."""


def app(environ, start_response):
    if environ["PATH_INFO"] == "/no-type":
        start_response("200 OK", [])
    else:
        start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"an answer"]
'''


@pytest.mark.parametrize("kind", THERE, ids=[kind.name for kind in THERE])
def test_what_breaks_a_rule_is_told(kind, short_dir):
    """Without the shim as well, and on Gunicorn's own workers."""
    Path(short_dir, "breaking.py").write_text(BREAKING)
    conf = (
        "from wsgiref.validate import validator\n"
        "def post_worker_init(worker):\n"
        "    worker.wsgi = validator(worker.wsgi)\n"
    )
    with serving_kind(kind, conf, target="breaking:app", app=short_dir) as served:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            for send in (served.direct, served.through):
                assert send(request("/", method=method, body=b"body")).kind == "200"
        assert complaints(served.log) == []
        assert served.through(request("/no-type")).kind == "500"
        assert "No Content-Type header found" in "".join(complaints(served.log))
