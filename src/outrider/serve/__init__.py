"""Puts sites into service: holds what they need until the runner has brought them to their end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from outrider import files, monitor, process, sockets
from outrider.app.shim.ready import LIFELINE_VARIABLE, NOTIFY_VARIABLE
from outrider.errors import OutriderError
from outrider.observe import SCOREBOARD_VARIABLE
from outrider.render.fleet import lay_out_apps, lay_out_front
from outrider.serve import front
from outrider.serve.generation import (
    App,
    Generation,
    collect_words,
    collected,
    write,
)
from outrider.serve.log import Log, now
from outrider.serve.runner import Runner
from outrider.serve.standing import Standing
from outrider.serve.words import app_name

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from outrider.errors import Exit
    from outrider.serve.generation import Planned
    from outrider.serve.log import Reporter
    from outrider.site import Fleet, Site

__all__ = ["app_environment", "now", "serve", "stoppable"]


def serve(
    fleet: Fleet,
    report: Reporter,
    *,
    env: Mapping[str, str],
    app_envs: Sequence[Mapping[str, str]],
    launcher: str,
    taken_by: Callable[[], str | None],
    announce: Callable[[], None],
    plan_again: Callable[[], Planned],
) -> Exit:
    """Run the sites behind one front until it is asked to stop.

    Args:
        fleet: what to run.
        report: hears steps and log lines.
        env: the environment of Nginx.
        app_envs: the environment of each site's app, in the order of the sites.
        launcher: the path of app/launch.py.
        taken_by: tells who listens on the public address.
        announce: called once, when all is up.
        plan_again: looks and decides once more, for a reload.

    Returns:
        the exit code of sites that were asked to stop and did.

    Raises:
        OutriderError: they could not start, ended by themselves, or had to be killed.
    """
    first = fleet.first
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(
            files.run_directory(first.paths.run, str(first.bind), first.user)
        )
        public = stack.enter_context(_public(first, taken_by))
        held = {
            site.paths.app: stack.enter_context(
                sockets.bind_private(site.paths.socket, site.limits.backlog, site.user)
            )
            for site in fleet.sites
            if site.process.server.inherits_socket
        }
        apps = {
            app_name(site.paths.app, 1): App(site, dict(app_env), held.get(site.paths.app))
            for site, app_env in zip(fleet.sites, app_envs, strict=True)
        }
        generation = Generation(1, fleet, apps)
        write(root, lay_out_front(fleet))
        write(root, lay_out_apps(fleet), generation.folder)
        front.try_out(first, env, public)
        for app in apps.values():
            _collect(app, launcher, report)
        watch = stack.enter_context(monitor.watching(fleet))
        runner = Runner(
            root=root,
            report=Log(report, watch.hear),
            env=dict(env),
            launcher=launcher,
            announce=announce,
            plan_again=plan_again,
            public=public,
            held=held,
            standing=Standing.at_first(generation),
            monitor=watch,
        )
        return asyncio.run(runner.run())


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let other signals end what comes before the event loop as tidily as Ctrl-C does.

    The exit code is the shell's: https://tldp.org/LDP/abs/html/exitcodes.html
    """

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _public(site: Site, taken_by: Callable[[], str | None]) -> socket.socket:
    try:
        return sockets.bind_public(site.bind, site.limits.backlog, site.user.name, None)
    except OutriderError as error:
        if error.id != "port-taken":
            raise
        # Looked up only now: it means reading every process of the machine.
        return sockets.bind_public(site.bind, site.limits.backlog, site.user.name, taken_by())


def _collect(app: App, launcher: str, report: Reporter) -> None:
    """Have Django collect its static files, as the user that the app runs as."""
    site = app.site
    argv = collect_words(site, launcher)
    if argv:
        timeout_s = site.limits.boot_timeout_s
        done = process.run(
            argv, env=app.env, cwd=site.process.directory, timeout_s=timeout_s, account=site.user
        )
        report.step(collected(site, done.code, done.output))


def app_environment(env: Mapping[str, str], more: Mapping[str, str], site: Site) -> dict[str, str]:
    """Return the environment of Nginx or an app.

    It is the user's, without what would change our decisions.

    Args:
        env: the user's.
        more: what an environment file adds.
        site: whose it is.
    """
    unwanted = (
        "NGINX",
        "LISTEN_FDS",
        "LISTEN_PID",
        "SCRIPT_NAME",
        "GUNICORN_CMD_ARGS",
        NOTIFY_VARIABLE,
        LIFELINE_VARIABLE,
        SCOREBOARD_VARIABLE,
    )
    kept = {name: value for name, value in env.items() if name not in unwanted}
    if site.user.is_changed:
        kept |= {"HOME": site.user.home, "USER": site.user.name, "LOGNAME": site.user.name}
    # What the app prints is seen when it is printed.
    return {**dict(site.process.variables), **kept, **more, "PYTHONUNBUFFERED": "1"}
