"""Which application server runs the app, and with how many workers and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider import errors
from outrider.servers import DEFAULT, GTHREAD, OUTRIDER, SERVERS, SYNC, able_to_serve
from outrider.site import Workers

if TYPE_CHECKING:
    from outrider.facts import Facts
    from outrider.plan.ledger import Ledger
    from outrider.servers import Server
    from outrider.settings import Settings
    from outrider.site import Limits

WORKERS_AT_MOST = 12
ASGI_PYTHON_FLOOR = (3, 10, 0)
"""Of a Gunicorn that is right for ASGI apps."""
MEMORY_SHARE = 0.75
THREADS_THAT_WAIT = 4
"""Of a worker whose requests wait for others: docs/explanation/worker.md."""
FEWEST_THREADS = 4
"""Of a server with one process: https://docs.pylonsproject.org/projects/waitress/en/stable/arguments.html."""


def choose_server(facts: Facts, settings: Settings) -> Server:
    """Return the server that was asked for, or Gunicorn.

    Raises:
        OutriderError: it does not serve such an app, cannot do what is asked, or is not there.
    """
    server = SERVERS[settings.value("server") or DEFAULT]
    app, python = facts.app, facts.interpreter
    if app.interface not in server.interfaces:
        raise errors.wrong_server(
            server, app.target, app.framework, app.interface, able_to_serve(app.interface)
        )
    # What no installation would make possible is told before what is to be installed.
    _refuse_what_it_cannot(server, app.interface, settings)
    version = python.version_of(server.name)
    if not server.is_safe(version):
        raise errors.no_server(server, python.path, python.origin, version)
    if app.interface == "asgi" and not server.is_safe_for_asgi(version):
        raise errors.gunicorn_too_old_for_asgi(
            app.target,
            app.framework,
            python.path,
            str(version),
            server.asgi_floor,
            can_upgrade=python.version >= ASGI_PYTHON_FLOOR,
        )
    return server


def choose_workers(facts: Facts, server: Server, ledger: Ledger, among: int = 1) -> Workers:
    """Return how many requests are served at a time, and by what.

    Args:
        facts: what was observed.
        server: what serves.
        ledger: of the site.
        among: how many sites share the machine.
    """
    app, host = facts.app, facts.host
    threads, origin, reason = _threads(facts, server, among)
    is_threaded = (ledger.settings.value("threads") or threads) > 1
    count, why = _processes(facts, among, is_threaded=is_threaded)
    if app.single_process and server.has_processes:
        workers = ledger.pick("workers", 1, "the app", app.single_process)
        if workers > 1:
            ledger.note("single process", "wanted", "the app", app.single_process, warn=True)
    elif server.has_processes:
        workers = ledger.pick("workers", count, "the machine", why)
    else:
        workers = ledger.pick("workers", 1, server.title, "one process, with threads")
    if app.wants_threads and server.name != DEFAULT:
        why = f"{server.title} has none for WSGI apps; the app's clients stay with polling"
        ledger.note("WebSockets", "none", server.title, why, warn=True)
    if app.interface in server.threaded:
        threads = ledger.pick("threads", threads, origin, reason)
    elif ledger.settings.get("threads"):
        ledger.note(
            "threads", "not used", "the app", "an ASGI app runs in an event loop", warn=True
        )
    return Workers(
        count=workers,
        threads=threads,
        kind=_kind(facts, server, threads, ledger),
        # Heartbeats on a disk can block: https://gunicorn.org/faq/#how-do-i-avoid-gunicorn-excessively-blocking-in-osfchmod
        temp_directory="/dev/shm" if host.shm_is_tmpfs else None,  # noqa: S108 - Gunicorn makes it private
        max_requests=_recycled("max_requests", server, ledger),
        max_age_s=_recycled("max_age", server, ledger),
        max_memory_bytes=_recycled("max_memory", server, ledger),
    )


def _recycled(name: str, server: Server, ledger: Ledger) -> int | None:
    """Return after what a worker is replaced, if it was asked for and the server can."""
    given = ledger.settings.get(name)
    if given is None:
        return None
    if name in server.recycles:
        ledger.note(name, str(given.value), given.origin)
        return int(given.value)
    able = ", ".join(server.recycles)
    why = f"it replaces workers after {able} alone" if able else "it replaces no workers"
    ledger.note(name, "not used", given.origin, f"{server.title}: {why}", warn=True)
    return None


def _threads(facts: Facts, server: Server, among: int) -> tuple[int, str, str]:
    """Return the number of threads in a worker, its origin and its reason."""
    app = facts.app
    if app.wants_threads:
        return app.wants_threads, "the app", "the app keeps one for each WebSocket"
    if not server.has_processes:
        count, why = _processes(facts, among)
        reason = f"requests that are served at a time; {why}"
        return max(FEWEST_THREADS, count), "the machine", reason
    if app.waits_for and app.interface in server.threaded:
        reason = f"it waits for {app.waits_for}: a worker serves others meanwhile"
        return THREADS_THAT_WAIT, "the app", reason
    return 1, "default", "one request at a time in each worker"


def _kind(facts: Facts, server: Server, threads: int, ledger: Ledger) -> str:
    """Return which of Gunicorn's workers it is."""
    app = facts.app
    given = ledger.settings.get("worker_class")
    if server.name != DEFAULT or app.interface != "wsgi":
        if given is not None:
            why = f"{server.title} has workers of its own for {app.interface.upper()} apps"
            ledger.note("worker_class", "not used", given.origin, why, warn=True)
        return app.interface
    if app.wants_threads:
        default, why = GTHREAD, "the app keeps one thread for each WebSocket"
    else:
        default, why = OUTRIDER, "made for standing behind Nginx"
    kind: str = ledger.pick(
        "worker_class", default, "the app" if app.wants_threads else "default", why
    )
    # As Gunicorn itself chooses.
    return GTHREAD if kind == SYNC and threads > 1 else kind


def tell_of_hanging_requests(server: Server, limits: Limits, ledger: Ledger) -> None:
    """Say so when the server has no time limit for a request."""
    if server.ends_requests is None:
        ledger.note(
            "hanging requests",
            "not ended",
            server.title,
            f"it has no time limit: Nginx answers 504 after {limits.read_timeout_s} s, "
            "and the request goes on",
        )


def _refuse_what_it_cannot(server: Server, interface: str, settings: Settings) -> None:
    workers, threads = settings.get("workers"), settings.get("threads")
    if workers is not None and workers.value > 1 and not server.has_processes:
        raise errors.server_cannot(
            f"{server.title} has one process and no workers",
            f"{workers.origin} is {workers.value}",
            [
                "leave it out; requests are served by threads:  --threads N",
                "or choose a server with workers:  --server gunicorn",
            ],
        )
    is_threaded = interface in server.threaded or server.name == DEFAULT  # which only warns
    if threads is not None and threads.value > 1 and not is_threaded:
        raise errors.server_cannot(
            f"{server.title} serves {interface.upper()} apps without threads of its own",
            f"{threads.origin} is {threads.value}",
            [
                "leave it out; one event loop serves many requests at a time",
                "or start more processes:  --workers N",
            ],
        )


def _processes(facts: Facts, among: int, *, is_threaded: bool = False) -> tuple[int, str]:
    host, app = facts.host, facts.app
    if is_threaded and app.interface == "wsgi":
        # The threads wait, the processes compute: more of them than CPUs only take turns.
        wanted, why = max(2, host.cpus), f"one for each of {host.cpus} CPUs, at least 2"
    elif app.interface == "asgi":
        # An event loop waits for many clients at once; more of them than CPUs only take turns.
        wanted, why = max(2, host.cpus), f"one event loop for each of {host.cpus} CPUs, at least 2"
    else:
        # https://gunicorn.org/design/#how-many-workers
        wanted, why = 2 * host.cpus + 1, f"2 x {host.cpus} CPUs + 1"
    count = min(wanted, WORKERS_AT_MOST)
    why += f" ({host.cpus_source})"
    if wanted > WORKERS_AT_MOST:
        why = f"{WORKERS_AT_MOST} at most; {host.cpus} CPUs ({host.cpus_source}) would allow more"
    if among > 1:
        # One that is busy must not stop a whole site.
        count = max(2, count // among)
        why += f", shared by {among} sites; 2 at least"
    if app.rss_bytes:
        share = MEMORY_SHARE / among
        fitting = max(1, int(host.memory_bytes * share // app.rss_bytes))
        if fitting < count:
            count = fitting
            why = (
                f"{app.rss_bytes // 2**20} MiB each fit into {share:.0%} of "
                f"{host.memory_bytes // 2**20} MiB ({host.memory_source})"
            )
    return count, why
