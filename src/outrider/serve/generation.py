"""One generation of the sites' apps: what runs, where its files are, and how the next one is made.

Each has its files apart from the others', so that an old one can start again while a new one boots.
"""

from __future__ import annotations

import asyncio
import shlex
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from outrider import errors, files, lifecycle, process, sockets
from outrider.discover.interpreter import search_path
from outrider.render.fleet import lay_out_apps, lay_out_front
from outrider.serve import front
from outrider.serve.words import app_name, how_it_ended, release_of, whose

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from outrider.lifecycle import Name
    from outrider.render.artifact import Artifact
    from outrider.site import Fleet, Site

    Planned = tuple[Fleet, Sequence[Mapping[str, str]]]

_TOLD_LINES = 200
"""Of what a step has said, for the error that ends a reload."""


@dataclass
class App:
    """One site's own: what it is, its environment and its socket, unless the server binds that."""

    site: Site
    env: dict[str, str]
    socket: socket.socket | None


@dataclass
class Generation:
    """What was planned at one time, and runs."""

    number: int
    fleet: Fleet
    apps: dict[Name, App]

    @property
    def folder(self) -> str:
        """Where its files are, in the run directory."""
        return folder_of(self.number)

    def app_of(self, site: Site) -> App:
        """Return what belongs to a site."""
        return self.apps[app_name(site.paths.app, self.number)]

    def awaited(self) -> dict[Name, lifecycle.App]:
        """Return what the lifecycle has to know of the apps."""
        return {
            name: lifecycle.App(
                boot_timeout_s=app.site.limits.boot_timeout_s,
                workers=app.site.workers.count if app.site.process.server.has_processes else 1,
            )
            for name, app in self.apps.items()
        }


def folder_of(number: int) -> str:
    """Return where a generation's files are, in the run directory."""
    return f"gen-{number}"


def write(root: Path, artifacts: Sequence[Artifact], folder: str = "") -> None:
    """Write files into the run directory, or into a folder in it that all may enter.

    Raises:
        OutriderError: it cannot be written.
    """
    for one in artifacts:
        artifact = replace(one, path=f"{folder}/{one.path}") if folder else one
        try:
            files.write(root, artifact)
        except OSError as error:
            raise errors.cannot_write(
                str(root / artifact.path), error.strerror or str(error)
            ) from None


def collect_words(site: Site, launcher: str) -> list[str]:
    """Return what has Django collect its static files; empty where that is not wanted."""
    wanted = site.collect
    if wanted is None:
        return []
    argv = [site.process.python, str(Path(launcher).with_name("collect.py"))]
    argv += [wanted.settings_module, site.process.import_root]
    return [*argv, *([wanted.directory] if wanted.is_override else [])]


def collected(site: Site, code: int | None, told: str) -> str:
    """Return the sentence that tells what was collected.

    Raises:
        OutriderError: nothing was.
    """
    assert site.collect is not None
    told, directory = told.strip(), site.collect.directory
    if code != 0:
        timeout_s = site.limits.boot_timeout_s
        raise errors.collect_failed(directory, told, is_late=code is None, timeout_s=timeout_s)
    return f"collectstatic: {told.splitlines()[-1] if told else directory}"


# -- the next one ----------------------------------------------------------------------------------


class Told(Protocol):
    """Hears what is done, and what the programs say that do it."""

    def step(self, text: str) -> None: ...
    def lines(self, source: str, lines: Sequence[str], whose: str) -> None: ...


@dataclass(kw_only=True)
class Preparation:
    """Plans again, and proves that the new code works before anything is changed.

    Attributes:
        root: the run directory.
        running: the generation that serves.
        number: the new one's.
        plan: looks at everything again; it may take its time, and is called in a thread.
        public: the public socket.
        held: the apps' sockets, which outlive their generations.
        env: the environment of Nginx.
        launcher: the path of app/launch.py.
        told: hears of it.
    """

    root: Path
    running: Generation
    number: int
    plan: Callable[[], Planned]
    public: socket.socket
    held: dict[str, socket.socket]
    env: Mapping[str, str]
    launcher: str
    told: Told
    is_front_changed: bool = field(default=False, init=False)

    async def prepare(self) -> Generation:
        """Return the new generation, of which only the files are there.

        Raises:
            OutriderError: it cannot take the place of the one that serves.
        """
        self.told.step("looking at the app again")
        planned, envs = await _in_thread(self.plan)
        refuse_changes(self.running.fleet, planned)
        fleet = self._apart(planned)
        folder = self.root / folder_of(self.number)
        artifacts = lay_out_front(fleet)
        self.is_front_changed = artifacts != lay_out_front(self.running.fleet)
        write(self.root, [*artifacts, *lay_out_apps(fleet)], folder.name)
        if self.is_front_changed:
            conf = f"{folder.name}/nginx.conf"
            await asyncio.to_thread(front.try_out, fleet.first, self.env, self.public, conf)
        for site, env in zip(fleet.sites, envs, strict=True):
            await self._collect(site, env)
        for site, env in zip(fleet.sites, envs, strict=True):
            await self._release(site, env)
        for site, env in zip(fleet.sites, envs, strict=True):
            await self._try_page(site, env, folder)
        apps = {
            app_name(site.paths.app, self.number): App(site, dict(env), self._socket(site))
            for site, env in zip(fleet.sites, envs, strict=True)
        }
        return Generation(self.number, fleet, apps)

    def _apart(self, fleet: Fleet) -> Fleet:
        """Return the same with sockets of their own for the servers that bind one themselves."""
        sites = tuple(
            site
            if site.process.server.inherits_socket
            else replace(site, paths=replace(site.paths, mark=f"-{self.number}"))
            for site in fleet.sites
        )
        return replace(fleet, sites=sites)

    def _socket(self, site: Site) -> socket.socket | None:
        if not site.process.server.inherits_socket:
            return None
        app = site.paths.app
        if app not in self.held:  # the server that had the app until now binds its own
            self.held[app] = sockets.bind_private(site.paths.socket, site.limits.backlog, site.user)
        return self.held[app]

    async def _collect(self, site: Site, env: Mapping[str, str]) -> None:
        argv = collect_words(site, self.launcher)
        if argv:
            code, said = await self._run(argv, site, env, "", site.limits.boot_timeout_s)
            self.told.step(collected(site, code, said))

    async def _release(self, site: Site, env: Mapping[str, str]) -> None:
        if not site.release:
            return
        self.told.step(f"{release_of(site)}: {shlex.join(site.release)}")
        places = {**env, "PATH": search_path(site.process.python, env)}
        try:
            code, said = await self._run(site.release, site, places, "release", None)
        except OSError as error:
            code, said = 126, f"{site.release[0]}: {error.strerror}"
        if code != 0:
            raise errors.reload_failed(f"{release_of(site)} failed", [said, how_it_ended(code, {})])

    async def _try_page(self, site: Site, env: Mapping[str, str], folder: Path) -> None:
        """Have the new code imported and asked for a page, in a process that serves nobody."""
        host = site.asked_as if site.server_names else f"127.0.0.1:{site.bind.port}"
        argv = [site.process.python, str(Path(self.launcher).with_name("trial.py"))]
        argv += [str((folder / site.paths.within("outrider_shim")).resolve())]
        argv += [site.process.interface, site.process.target, site.process.import_root]
        argv += [site.prefix, host]
        timeout_s = site.limits.boot_timeout_s + site.limits.timeout_s
        code, said = await self._run(argv, site, env, "app", timeout_s)
        new = f"the new code{whose(site)}"
        if code is None:
            raise errors.reload_too_slow(new, timeout_s)
        if code != 0:
            what = {3: "cannot be imported", 4: "fails on a request", 5: "answers with an error"}
            raise errors.reload_failed(f"{new} {what.get(code, 'does not work')}", [said])
        last = said.splitlines()[-1:] or [""]
        self.told.step(f"{new} works: {last[0]}")

    async def _run(
        self,
        argv: Sequence[str],
        site: Site,
        env: Mapping[str, str],
        source: str,
        timeout_s: float | None,
    ) -> tuple[int | None, str]:
        said: list[str] = []

        def hear(lines: Sequence[str]) -> None:
            said.extend(lines)
            del said[:-_TOLD_LINES]
            if source:
                self.told.lines(source, lines, site.name_among_others)

        child = await process.spawn(
            argv, env=env, cwd=site.process.directory, account=site.user, on_lines=hear
        )
        code: int | None
        try:
            async with asyncio.timeout(timeout_s):
                code = await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
            code = None
        except asyncio.CancelledError:
            await child.end(lifecycle.GRACE_S)
            raise
        return code, "\n".join(said)


async def _in_thread(work: Callable[[], Planned]) -> Planned:
    """Return what a function returns that blocks; a stop does not wait for it.

    The threads of asyncio's own pool are waited for at the end.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Planned] = loop.create_future()

    def tell(result: Planned | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            assert result is not None
            done.set_result(result)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - it is raised again where it is waited for
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name="outrider-plan", daemon=True).start()
    return await done


def refuse_changes(old: Fleet, new: Fleet) -> None:
    """Refuse what needs another process than ours, or other sockets.

    Raises:
        OutriderError: it tells what would have to change.
    """

    def facts(fleet: Fleet) -> dict[str, str]:
        first = fleet.first
        return {
            "the public address": str(first.bind),
            "the address of the figures": str(first.metrics or "none"),
            "the user": first.user.name,
            "the run directory": first.paths.run,
            "Nginx": first.front.binary,
            "the set of sites": ", ".join(sorted(site.paths.app for site in fleet.sites)),
        }

    before, after = facts(old), facts(new)
    changed = [
        f"{what}: {before[what]} -> {after[what]}" for what in before if before[what] != after[what]
    ]
    if changed:
        raise errors.needs_a_restart(changed)
