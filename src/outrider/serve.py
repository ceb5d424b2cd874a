"""The event loop of `run`: feeds the lifecycle with events and carries out its actions."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import shlex
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from outrider import errors, files, lifecycle, logline, monitor, process, sockets
from outrider.discover.interpreter import search_path
from outrider.errors import Exit, OutriderError
from outrider.observe import SCOREBOARD_VARIABLE, Main
from outrider.render.fleet import lay_out

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from outrider.lifecycle import Action, Event, Name, Outcome
    from outrider.logline import Record, Requests
    from outrider.site import Fleet, Site

NOTIFY_VARIABLE = "OUTRIDER_NOTIFY_FD"
LIFELINE_VARIABLE = "OUTRIDER_LIFELINE_FD"
# Nginx's TERM is the fast one. On it, every server lets requests finish, as it is configured here.
# https://gunicorn.org/signals/ https://nginx.org/en/docs/control.html
_DRAIN_APP, _DRAIN_FRONT = signal.SIGTERM, signal.SIGQUIT
_HEALTH_INTERVAL_S = 0.02
_TICK_S = 0.2


class Reporter(Protocol):
    """What `serve` says, and to whom is not its business."""

    def step(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def log(self, record: Record, now: str) -> None: ...
    def requests(self, found: Requests) -> None: ...


def serve(
    fleet: Fleet,
    report: Reporter,
    *,
    env: Mapping[str, str],
    app_envs: Sequence[Mapping[str, str]],
    launcher: str,
    taken_by: Callable[[], str | None],
    announce: Callable[[], None],
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
        apps = {
            site.paths.app: _App(
                site,
                dict(app_env),
                stack.enter_context(
                    sockets.bind_private(site.paths.socket, site.limits.backlog, site.user)
                )
                if site.process.server.inherits_socket
                else None,
            )
            for site, app_env in zip(fleet.sites, app_envs, strict=True)
        }
        watched = stack.enter_context(monitor.watching(fleet))
        write_fleet(root, fleet)
        _try_nginx(first, env, public)
        for app in apps.values():
            _collect(app.site, app.env, launcher, report)
        runner = _Runner(fleet, apps, report, dict(env), launcher, announce, public, watched)
        outcome = asyncio.run(runner.run())
    return conclude(outcome, fleet)


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


def now() -> str:
    """Return the time, ISO with its zone."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def write_fleet(root: Path, fleet: Fleet) -> None:
    """Write the files of all sites into their run directory."""
    for artifact in lay_out(fleet):
        try:
            files.write(root, artifact)
        except OSError as error:
            raise errors.cannot_write(
                str(root / artifact.path), error.strerror or str(error)
            ) from None


def conclude(outcome: Outcome, fleet: Fleet) -> Exit:
    """Turn the way it ended into an exit code, or into the error to show."""
    name = called(outcome.name, fleet) if outcome.name else ""
    match outcome.kind:
        case "boot-failed" if outcome.name in fleet.releases:
            raise errors.release_failed(name, how_it_ended(outcome.code, {}))
        case "boot-failed":
            raise errors.boot_failed(name, how_it_ended(outcome.code))
        case "never-ready":
            raise errors.never_ready(name, _boot_timeouts_s(fleet)[outcome.name or ""])
        case "died":
            raise errors.died(name, how_it_ended(outcome.code))
        case "drained":
            if outcome.killed:
                names = [called(one, fleet) for one in outcome.killed]
                timeout_s = fleet.first.limits.drain_timeout_s
                raise errors.had_to_kill(names, timeout_s, outcome.haste)
    return Exit.OK


def called(name: Name, fleet: Fleet) -> str:
    """Return how a process is called in messages, with its site where there are several."""
    if name == lifecycle.FRONT:
        return "Nginx"
    if name in fleet.extras:
        site, extra = fleet.extras[name]
        title = f"process {extra.name}"
        return title if len(fleet.sites) == 1 else f"{title} of site {site.name!r}"
    if name in fleet.releases:
        whose = "" if len(fleet.sites) == 1 else f" of site {fleet.releases[name].name!r}"
        return f"the release step{whose}"
    site = next(site for site in fleet.sites if site.paths.app == name)
    title = site.process.server.title
    return title if len(fleet.sites) == 1 else f"{title} of site {name!r}"


def _boot_timeouts_s(fleet: Fleet) -> dict[Name, float]:
    apps = {site.paths.app: float(site.limits.boot_timeout_s) for site in fleet.sites}
    return {**apps, lifecycle.FRONT: lifecycle.FRONT_BOOT_S}


_GUNICORN_CODES = {3: "a worker failed to boot", 4: "the app could not be loaded"}
"""https://github.com/benoitc/gunicorn/blob/master/gunicorn/arbiter.py"""


def how_it_ended(code: int | None, meanings: Mapping[int, str] = _GUNICORN_CODES) -> str:
    """Say in words what an exit code means."""
    if code is None:
        return "it had to be killed"
    if code < 0:
        name = process.signal_name(-code)
        hint = "; out of memory?" if name == "SIGKILL" else ""
        return f"it was ended by {name}{hint}"
    return f"it ended with exit code {code}" + (f": {meanings[code]}" if code in meanings else "")


def _public(site: Site, taken_by: Callable[[], str | None]) -> socket.socket:
    try:
        return sockets.bind_public(site.bind, site.limits.backlog, site.user.name, None)
    except OutriderError as error:
        if error.id != "port-taken":
            raise
        # Looked up only now: it means reading every process of the machine.
        return sockets.bind_public(site.bind, site.limits.backlog, site.user.name, taken_by())


def _nginx_argv(site: Site, *more: str) -> list[str]:
    run = site.paths.run
    return [site.front.binary, "-p", run, "-c", f"{run}/nginx.conf", "-e", "stderr", *more]


def _nginx_env(env: Mapping[str, str], public: socket.socket) -> dict[str, str]:
    # The list of inherited descriptors: https://nginx.org/en/docs/control.html#upgrade
    return {**env, "NGINX": f"{public.fileno()};"}


def _collect(site: Site, env: Mapping[str, str], launcher: str, report: Reporter) -> None:
    """Have Django collect its static files, as the user that the app runs as."""
    wanted = site.collect
    if wanted is None:
        return
    argv = [site.process.python, str(Path(launcher).with_name("collect.py"))]
    argv += [wanted.settings_module, site.process.import_root]
    argv += [wanted.directory] if wanted.is_override else []
    timeout_s = site.limits.boot_timeout_s
    done = process.run(
        argv, env=env, cwd=site.process.directory, timeout_s=timeout_s, account=site.user
    )
    told = done.output.strip()
    if done.code != 0:
        raise errors.collect_failed(
            wanted.directory, told, is_late=done.code is None, timeout_s=timeout_s
        )
    report.step(f"collectstatic: {told.splitlines()[-1] if told else wanted.directory}")


def _try_nginx(site: Site, env: Mapping[str, str], public: socket.socket) -> None:
    tried = process.run(
        _nginx_argv(site, "-t", "-q"),
        env=_nginx_env(env, public),
        cwd=site.paths.run,
        account=site.user,
        pass_fds=(public.fileno(),),
    )
    if tried.code != 0:
        message = next(
            (line for line in tried.output.splitlines() if "[emerg]" in line), tried.output
        )
        if f"({errno.ENOSPC}: " in message:
            raise errors.cannot_write(site.paths.run, message.strip())
        raise errors.nginx_refuses(message.strip(), site.front.snippet)


@dataclass
class _App:
    """One site's own: what it is, its environment and its socket, unless the server binds that."""

    site: Site
    env: dict[str, str]
    socket: socket.socket | None


@dataclass
class _Runner:
    """Carries out what the lifecycle decides."""

    fleet: Fleet
    apps: dict[Name, _App]
    report: Reporter
    env: dict[str, str]
    launcher: str
    announce: Callable[[], None]
    public: socket.socket
    monitor: monitor.Monitor
    children: dict[Name, process.Child] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> Outcome:
        """Return how the site ended, when nothing of it runs any more."""
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._listen_to_signals()
        state = lifecycle.State(
            boot_timeouts_s={
                name: app.site.limits.boot_timeout_s for name, app in self.apps.items()
            },
            drain_timeout_s=self.fleet.first.limits.drain_timeout_s,
            extras={name: lifecycle.Extra() for name in self.fleet.extras},
            releases=tuple(self.fleet.releases),
        )
        self.events.put_nowait(lifecycle.Begin())
        try:
            async with self.monitor.telling(self._mains):
                return await self._live(state)
        finally:
            for child in self.children.values():
                child.kill()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _live(self, state: lifecycle.State) -> Outcome:
        while True:
            state, actions = lifecycle.step(state, await self._next_event(), time.monotonic())
            for action in actions:
                if isinstance(action, lifecycle.Finish):
                    return action.outcome
                await self._do(action)

    def _mains(self) -> Iterator[Main]:
        for name, child in self.children.items():
            app = self.apps.get(name)
            is_named = app is not None and not app.site.is_alone
            yield Main(
                pid=child.pid,
                title=app.site.process.server.title if app else called(name, self.fleet),
                site=app.site.name if app and is_named else "",
                has_workers=name == lifecycle.FRONT,
            )

    async def _next_event(self) -> Event:
        try:
            async with asyncio.timeout(_TICK_S):
                return await self.events.get()
        except TimeoutError:
            return lifecycle.Tick()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            # nohup ignores SIGHUP, and that is respected.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self.events.put_nowait, lifecycle.Stop())

    async def _do(self, action: Action) -> None:
        match action:
            case lifecycle.Start(name):
                await self._start(name)
            case lifecycle.Drain(name):
                self._drain(name)
            case lifecycle.Kill(name):
                self.report.step(f"{called(name, self.fleet)} is killed")
                self.children[name].kill()
            case lifecycle.Lost(name, code, again_in_s):
                self._tell_lost(called(name, self.fleet), code, again_in_s)
            case lifecycle.CloseListeners():
                self.public.close()
            case lifecycle.Announce():
                self.announce()
            case lifecycle.Finish():
                pass  # `run` returns

    async def _start(self, name: Name) -> None:
        if name == lifecycle.FRONT:
            self._watch(name, await self._start_front())
            self._spawn_task(self._await_front())
        elif name in self.fleet.extras:
            site, extra = self.fleet.extras[name]
            await self._start_program(name, site, extra.name, extra.argv)
        elif name in self.fleet.releases:
            site = self.fleet.releases[name]
            self.report.step(f"{called(name, self.fleet)}: {shlex.join(site.release)}")
            await self._start_program(name, site, "release", site.release)
        else:
            self._watch(name, await self._start_app(name))

    def _drain(self, name: Name) -> None:
        self.report.step(f"{called(name, self.fleet)} finishes what it has")
        if name == lifecycle.FRONT:
            # Nginx waits for the last client, and a WebSocket's has no reason to leave.
            for app in self.apps.keys() & self.children.keys():
                self.children[app].foretell_end()
            self.children[name].send(_DRAIN_FRONT)
        else:
            self.children[name].send(_DRAIN_APP)

    async def _start_app(self, name: Name) -> process.Child:
        app = self.apps[name]
        site, server = app.site, app.site.process.server
        fds = () if app.socket is None else (app.socket.fileno(),)
        whose = "" if site.is_alone else site.name
        return await process.spawn(
            [
                site.process.python,
                self.launcher,
                *(map(str, fds) if fds else "-"),
                f"{site.paths.run}/{site.paths.within(server.config)}",
                *([site.process.target] if server.name == "gunicorn" else []),
            ],
            env={**app.env, **self.monitor.variables},
            cwd=site.process.directory,
            account=site.user,
            pass_fds=(*fds, *self.monitor.descriptors),
            on_lines=lambda lines: self._log("app", lines, whose),
            notify=(NOTIFY_VARIABLE, lambda lines: self._hear_workers(name, lines)),
            lifeline=LIFELINE_VARIABLE,
        )

    async def _start_program(
        self, name: Name, site: Site, source: str, argv: Sequence[str]
    ) -> None:
        """Start a program of the user's own, with what the app has."""
        env = self.apps[site.paths.app].env
        whose = "" if site.is_alone else site.name
        try:
            child = await process.spawn(
                argv,
                env={**env, "PATH": search_path(site.process.python, env)},
                cwd=site.process.directory,
                account=site.user,
                on_lines=lambda lines: self._log(source, lines, whose),
            )
        except OSError as error:
            # As a shell says that a program could not be run.
            self._log(source, [f"{argv[0]}: {error.strerror}"], whose)
            self.events.put_nowait(lifecycle.Ended(name, 126))
        else:
            self._watch(name, child)

    def _tell_lost(self, title: str, code: int, again_in_s: float | None) -> None:
        if again_in_s is None:
            self.report.step(f"{title} has finished")
        else:
            how = how_it_ended(code, {})
            self.report.warn(f"{title}: {how}; it starts again in {again_in_s:g} s")

    def _hear_workers(self, name: Name, lines: list[str]) -> None:
        for line in lines:
            self._hear_worker(name, line)

    def _hear_worker(self, name: Name, line: str) -> None:
        # app/shim/ready.py says it.
        word, _, code = line.partition(" ")
        if word == "failed":
            self.events.put_nowait(lifecycle.WorkerFailed(name, int(code)))
        elif self.apps[name].socket is None:
            self._spawn_task(self._await_socket(name))
        else:
            self.events.put_nowait(lifecycle.WorkerReady(name))

    async def _await_socket(self, name: Name) -> None:
        """Wait for a server that binds its own socket, after its app is ready."""
        while not await sockets.is_bound(self.apps[name].site.paths.socket):  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(_HEALTH_INTERVAL_S)
        self.events.put_nowait(lifecycle.WorkerReady(name))

    async def _start_front(self) -> process.Child:
        first = self.fleet.first
        return await process.spawn(
            _nginx_argv(first),
            env=_nginx_env(self.env, self.public),
            cwd=first.paths.run,
            account=first.user,
            pass_fds=(self.public.fileno(),),
            on_lines=self._log_front,
        )

    def _log(self, source: str, lines: list[str], site: str = "") -> None:
        when = now()
        for line in lines:
            record = logline.parse(source, line, site)
            # Nginx says so at each start, before it has read which levels are wanted.
            if record.level != "notice":
                self.report.log(record, when)

    def _log_front(self, lines: list[str]) -> None:
        found = logline.requests(lines)
        self._log("nginx", found.others)
        self.monitor.hear(found.rows)
        self.report.requests(found)

    def _watch(self, name: Name, child: process.Child) -> None:
        async def until_it_ends() -> None:
            code = await child.wait()
            private = self.apps[name].socket if name in self.apps else None
            if private is not None:
                # Requests that wait for it in the backlog are answered now, with 502.
                private.close()
            self.children.pop(name, None)
            self.events.put_nowait(lifecycle.Ended(name, code))

        self.children[name] = child
        self._spawn_task(until_it_ends())

    async def _await_front(self) -> None:
        first = self.fleet.first
        while not await sockets.is_alive(first.bind, first.front.live_path):  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(_HEALTH_INTERVAL_S)
        self.events.put_nowait(lifecycle.FrontReady())

    def _spawn_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


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
