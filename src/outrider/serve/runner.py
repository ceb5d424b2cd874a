"""Carries out what the lifecycle decides, and can be asked how it stands."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outrider import control, errors, files, lifecycle, process, sockets
from outrider.app.shim.ready import LIFELINE_VARIABLE, NOTIFY_VARIABLE
from outrider.discover.interpreter import search_path
from outrider.errors import Exit, OutriderError
from outrider.serve import front
from outrider.serve.generation import Preparation, folder_of
from outrider.serve.reload import Reload
from outrider.serve.standing import Life
from outrider.serve.words import conclude, how_it_ended

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from outrider.control import Hear, Tell
    from outrider.lifecycle import Action, Event, Name, Outcome
    from outrider.monitor import Monitor
    from outrider.serve.generation import Planned, Told
    from outrider.serve.log import Log
    from outrider.serve.standing import Standing
    from outrider.site import Site

# Nginx's TERM is the fast one. On it, every server lets requests finish, as it is configured here.
# https://gunicorn.org/signals/ https://nginx.org/en/docs/control.html
_DRAIN_APP, _DRAIN_FRONT = signal.SIGTERM, signal.SIGQUIT
# What its workers take for that, when nobody is there any more to tell them in its own way.
_DRAIN_ORPHANS = {"uwsgi": signal.SIGHUP}
_HEALTH_INTERVAL_S = 0.02
_TICK_S = 0.2


@dataclass(kw_only=True)
class Runner:
    """The sites while they run."""

    root: Path
    report: Log
    env: dict[str, str]
    launcher: str
    announce: Callable[[], None]
    plan_again: Callable[[], Planned]
    public: socket.socket
    held: dict[str, socket.socket]
    """The apps' sockets: a process that dies or is replaced does not close them."""
    standing: Standing
    monitor: Monitor
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    faults: list[BaseException] = field(default_factory=list)
    reloading: Reload | None = None
    preparing: asyncio.Future[None] | None = None

    # -- the loop ----------------------------------------------------------------------------------

    async def run(self) -> Exit:
        """Return the exit code when nothing of the site runs any more.

        Raises:
            OutriderError: it did not start, or did not end as it should.
        """
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.has_terminal = process.has_terminal()
        self._listen_to_signals()
        self.events.put_nowait(lifecycle.Begin())
        try:
            async with (
                control.listening(self.standing.current.fleet.first.paths.control, self),
                self.monitor.telling(self.standing.mains),
            ):
                return conclude(await self._live(), self.standing.current.fleet)
        finally:
            for child in self.standing.children():
                child.kill()
            for task in self.tasks:
                # What ends a child already gets its time for that, unless nobody wants to wait.
                if self.standing.machine.haste or not task.cancelling():
                    task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            for held in self.held.values():
                held.close()

    async def _live(self) -> Outcome:
        standing = self.standing
        while True:
            event = await self._next_event()
            standing.machine, actions = lifecycle.step(standing.machine, event, time.monotonic())
            if isinstance(event, lifecycle.Reload) and not actions:
                self._end_reload().refuse(errors.reload_refused("the site does not serve now"))
            for action in actions:
                if isinstance(action, lifecycle.Finish):
                    await self._await_burials(action.outcome)
                    return action.outcome
                await self._do(action)
            self._let_go()

    async def _next_event(self) -> Event:
        if self.faults:  # a mistake of ours ends the site: what it would have done is not done
            raise self.faults[0]
        try:
            async with asyncio.timeout(_TICK_S):
                return await self.events.get()
        except TimeoutError:
            return lifecycle.Tick()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self.stop)
        # nohup ignores SIGHUP, and that is respected.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _hang_up(self) -> None:
        """Reload, as is the custom, unless it says that our terminal was closed."""
        if self.has_terminal and not process.has_terminal():
            self.stop()
        else:
            self._spawn_task(self._reload_by_signal())

    async def _reload_by_signal(self) -> None:
        # What goes wrong on the way is told where it happens.
        with contextlib.suppress(OutriderError):
            await self.reload(lambda *_: None)

    async def _do(self, action: Action) -> None:  # noqa: C901 - one line for each action
        match action:
            case lifecycle.Start(name):
                await self._start(name)
            case lifecycle.Drain(name):
                self._drain(name)
            case lifecycle.ForetellEnd(name):
                if name in self.standing.lives:  # else it has just ended by itself
                    self.standing.lives[name].child.foretell_end()
            case lifecycle.Kill(name):
                self._kill(name)
            case lifecycle.Lost(name, code, again_in_s):
                self._tell_lost(self.standing.called(name), code, again_in_s)
                self._mark_starting(name, is_it=(again_in_s or 0) > lifecycle.WAITED_FOR_S)
            case lifecycle.Repaired(name):
                self._set_ready(name)
                self._mark_starting(name, is_it=False)
                self.report.step(f"{self.standing.called(name)} serves again")
            case lifecycle.MarkStarting(name, is_starting):
                self._mark_starting(name, is_it=is_starting)
                if is_starting:
                    said = f"{self.standing.called(name)} is not ready yet; visitors are told so"
                    self.report.step(said)
            case lifecycle.CloseListeners():
                self.public.close()
            case lifecycle.Announce():
                for name in self.standing.lives:
                    self._set_ready(name)
                self.announce()
            case lifecycle.Prepare(number):
                self.preparing = self._keep(self._prepare(number))
            case lifecycle.CancelPrepare():
                if self.preparing is not None:
                    self.preparing.cancel()
            case lifecycle.ReloadFront(number):
                assert self.reloading is not None
                self._spawn_task(self._reload_front(number, self.reloading))
            case lifecycle.Switched(number):
                self._switched(number)
            case lifecycle.Abandoned():
                self._abandoned(action)
            case lifecycle.Finish():
                pass  # `_live` returns

    def _let_go(self) -> None:
        """Remove what nobody needs any more."""
        if self.standing.machine.outcome is not None:
            running = {name.rpartition("@")[0] for name in self.standing.lives}
            for app in self.held.keys() - running:
                # Requests that wait for it in the backlog are answered now, with 502.
                self.held[app].close()
        for number in self.standing.unneeded():
            del self.standing.generations[number]
            files.discard(self.root / folder_of(number))

    # -- processes ---------------------------------------------------------------------------------

    async def _start(self, name: Name) -> None:
        fleet, source, whose = self.standing.current.fleet, "app", ""
        try:
            if name == lifecycle.FRONT:
                source = "nginx"
                life = self._watch(name, await self._start_front())
                self._spawn_task(self._await_front(life))
            elif name in fleet.extras:
                site, extra = fleet.extras[name]
                source, whose = extra.name, site.name_among_others
                self._watch(name, await self._start_program(site, source, extra.argv))
            elif name in fleet.releases:
                site, source = fleet.releases[name], "release"
                self.report.step(f"{self.standing.called(name)}: {shlex.join(site.release)}")
                self._watch(name, await self._start_program(site, source, site.release))
            else:
                self._watch(name, await self._start_app(name))
        except OSError as error:
            # As a shell says that a program could not be run.
            self.report.lines(source, [f"{error.filename}: {error.strerror}"], whose)
            self.events.put_nowait(lifecycle.Ended(name, 126))

    def _drain(self, name: Name) -> None:
        self._say(f"{self.standing.called(name)} finishes what it has")
        if name == lifecycle.FRONT:
            # Nginx waits for the last client, and a WebSocket's has no reason to leave.
            for other, neighbour in self.standing.lives.items():
                if other != name:
                    neighbour.child.foretell_end()
        life = self.standing.lives.get(name)
        if life is not None:  # else it has just ended by itself
            life.is_asked = True
            life.child.send(_DRAIN_FRONT if name == lifecycle.FRONT else _DRAIN_APP)

    def _kill(self, name: Name) -> None:
        life = self.standing.lives.get(name)
        if life is not None:  # else it has just ended by itself
            self.report.step(f"{self.standing.called(name)} is killed")
            life.is_killed = True
            life.child.kill()

    async def _start_app(self, name: Name) -> process.Child:
        generation = self.standing.generation_of(name)
        assert generation is not None
        app = generation.apps[name]
        site, server = app.site, app.site.process.server
        fds = () if app.socket is None else (app.socket.fileno(),)
        return await process.spawn(
            [
                site.process.python,
                self.launcher,
                *(map(str, fds) if fds else "-"),
                f"{self.root / generation.folder / site.paths.within(server.config)}",
                *([site.process.target] if server.name == "gunicorn" else []),
            ],
            env={**app.env, **self.monitor.variables},
            cwd=site.process.directory,
            account=site.user,
            pass_fds=(*fds, *self.monitor.descriptors),
            on_lines=lambda lines: self._hear_app(lines, site, generation.number),
            notify=(NOTIFY_VARIABLE, lambda lines: self._hear_workers(name, lines)),
            lifeline=LIFELINE_VARIABLE,
        )

    async def _start_program(self, site: Site, source: str, argv: Sequence[str]) -> process.Child:
        """Start a program of the user's own, with what the app has."""
        env = self.standing.current.app_of(site).env
        return await process.spawn(
            argv,
            env={**env, "PATH": search_path(site.process.python, env)},
            cwd=site.process.directory,
            account=site.user,
            on_lines=lambda lines: self.report.lines(source, lines, site.name_among_others),
        )

    async def _start_front(self) -> process.Child:
        first = self.standing.current.fleet.first
        return await process.spawn(
            front.argv(first),
            env=front.environment(self.env, self.public),
            cwd=first.paths.run,
            account=first.user,
            pass_fds=(self.public.fileno(),),
            on_lines=self.report.front,
        )

    def _watch(self, name: Name, child: process.Child) -> Life:
        life = Life(child, time.time())

        async def until_it_ends() -> None:
            code = await child.last_words()
            self.standing.lives.pop(name, None)
            self.standing.buried.add(child)
            self.events.put_nowait(lifecycle.Ended(name, code))
            await child.bury(*self._burial(name, life, code))
            self.standing.buried.discard(child)

        self.standing.lives[name] = life
        self._spawn_task(until_it_ends())
        return life

    def _burial(self, name: Name, life: Life, code: int) -> tuple[signal.Signals | None, float]:
        """Return how those are asked to leave whom it has left behind, and how long they may take.

        What ends by itself has looked after them; a signal that was not ours leaves no time for it.
        """
        app = self.standing.app_of(name)
        is_ours = life.is_killed or (life.is_asked and code != -signal.SIGKILL)
        if code >= 0 or is_ours or (name != lifecycle.FRONT and app is None):
            return None, 0
        number = _DRAIN_FRONT
        if app is not None:
            number = _DRAIN_ORPHANS.get(app.site.process.server.name, _DRAIN_APP)
        return number, self.standing.machine.drain_timeout_s + lifecycle.GRACE_S

    async def _await_burials(self, outcome: Outcome) -> None:
        while self.standing.buried:
            if outcome.haste or self.standing.machine.haste:
                for child in self.standing.buried:
                    child.kill()
            await asyncio.sleep(_HEALTH_INTERVAL_S)
            while not self.events.empty():
                # Asked twice: whoever asks does not want to wait.
                if isinstance(self.events.get_nowait(), lifecycle.Stop):
                    for child in self.standing.buried:
                        child.kill()

    def _tell_lost(self, title: str, code: int, again_in_s: float | None) -> None:
        if again_in_s is None:
            self.report.step(f"{title} has finished")
        else:
            how = how_it_ended(code, {})
            when = f"in {again_in_s:.2g} s" if again_in_s else "at once"
            self.report.warn(f"{title}: {how}; it starts again {when}")

    # -- readiness ---------------------------------------------------------------------------------

    def _hear_workers(self, name: Name, lines: Sequence[str]) -> None:
        for line in lines:
            self._hear_worker(name, line)

    def _hear_worker(self, name: Name, line: str) -> None:
        # app/shim/ready.py says it.
        word, _, number = line.partition(" ")
        app = self.standing.app_of(name)
        if app is None or not number.isdigit():
            return
        if word == "failed":
            self.events.put_nowait(lifecycle.WorkerFailed(name, int(number)))
        elif app.socket is None:
            self._spawn_task(self._await_socket(name, int(number), app.site.paths.socket))
        else:
            self.events.put_nowait(lifecycle.WorkerReady(name, int(number)))

    async def _await_socket(self, name: Name, worker: int, path: str) -> None:
        """Wait for a server that binds its own socket, after its app is ready, unless it ends."""
        life = self.standing.lives.get(name)
        while life is not None and self.standing.lives.get(name) is life:
            if await sockets.is_bound(path):
                self.events.put_nowait(lifecycle.WorkerReady(name, worker))
                return
            await asyncio.sleep(_HEALTH_INTERVAL_S)

    async def _await_front(self, life: Life) -> None:
        while self.standing.lives.get(lifecycle.FRONT) is life:
            if await front.serves(self.standing.current.fleet.first, life.child):
                self.events.put_nowait(lifecycle.FrontReady())
                return
            await asyncio.sleep(_HEALTH_INTERVAL_S)

    def _set_ready(self, name: Name) -> None:
        if name in self.standing.lives:
            self.standing.lives[name].is_ready = True

    def _mark_starting(self, name: Name, *, is_it: bool) -> None:
        """Let Nginx answer at once that an app starts, instead of letting visitors wait for it."""
        app = self.standing.current.apps.get(name)
        if app is None:
            return
        try:
            files.set_mark(app.site.paths.starting, is_there=is_it)
        except OSError as error:  # the disk is full, or somebody has cleared it: no reason to end
            path = app.site.paths.starting
            self.report.warn(f"Nginx is not told whether the app starts: {path}: {error.strerror}")

    # -- reloading ---------------------------------------------------------------------------------

    async def reload(self, tell: Tell) -> None:
        """Bring the code into service that is there now.

        Raises:
            OutriderError: the old code serves on.
        """
        if self.reloading is not None:
            error = errors.reload_refused("another reload is going on")
            self.report.warn(f"{error.what}: {error.found[0]}")
            raise error
        self.reloading = reloading = Reload(
            tell=tell,
            log=self.report,
            root=self.root,
            running=self.standing.current,
            nginx=lambda: self.standing.nginx,
        )
        self.events.put_nowait(lifecycle.Reload())
        await reloading.wait()

    def _end_reload(self) -> Reload:
        assert self.reloading is not None
        reloading, self.reloading, self.preparing = self.reloading, None, None
        return reloading

    async def _prepare(self, number: int) -> None:
        reloading = self.reloading
        assert reloading is not None
        preparation = Preparation(
            root=self.root,
            running=self.standing.current,
            number=number,
            plan=self.plan_again,
            public=self.public,
            held=self.held,
            env=self.env,
            launcher=self.launcher,
            told=reloading,
        )
        event = await reloading.prepare(preparation)
        if reloading.made is not None:
            self.standing.generations[number] = reloading.made
        self.events.put_nowait(event)

    async def _reload_front(self, number: int, reloading: Reload) -> None:
        if reloading is self.reloading:  # else it is over, before this could begin
            await reloading.reload_front()
            self.events.put_nowait(lifecycle.FrontReloaded(number))

    def _switched(self, number: int) -> None:
        for name in self.standing.generations[number].apps:
            self._set_ready(name)
            self._mark_starting(name, is_it=False)
        self._end_reload().succeed(number)

    def _abandoned(self, action: lifecycle.Abandoned) -> None:
        self._end_reload().abandon(action, keeps_serving=self.standing.machine.outcome is None)
        if action.generation not in self.standing.generations:
            files.discard(self.root / folder_of(action.generation))

    # -- what is said of it ------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        (self.reloading or self.report).step(text)

    def _hear_app(self, lines: Sequence[str], site: Site, generation: int) -> None:
        coming = self.standing.machine.coming
        is_new = coming is not None and coming.generation == generation
        told: Told = self.reloading if is_new and self.reloading is not None else self.report
        told.lines("app", lines, site.name_among_others)

    def follow(self, hear: Hear) -> Callable[[], None]:
        """Hand on the log from now on; return what ends that."""
        return self.report.follow(hear)

    def set_maintenance(self, is_on: bool, allow: tuple[str, ...]) -> None:
        """Answer everyone but these addresses with a page that says so."""
        paths = self.standing.current.fleet.first.paths
        files.set_maintenance(paths, is_on=is_on, allow=allow if is_on else ())
        self.standing.maintenance = allow if is_on else None

    def stop(self) -> None:
        """Begin to stop; the second time, kill."""
        self.events.put_nowait(lifecycle.Stop())

    def state(self) -> dict[str, Any]:
        """Return how it stands, as JSON can hold it."""
        told = self.standing.told(self.root, is_reloading=self.reloading is not None)
        return {**told, "figures": self.monitor.figures(self.standing.mains()).as_json()}

    def _spawn_task(self, work: Coroutine[None, None, None]) -> None:
        _ = self._keep(work)

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Future[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.faults.append(fault)
