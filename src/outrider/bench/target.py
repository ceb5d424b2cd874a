"""What is measured: a site that runs already, or one started for it and gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from outrider import errors, files, process
from outrider.bench.slow import LARGE_BYTES
from outrider.bench.stream import fetch
from outrider.render.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from outrider.bench.options import Options, Place
    from outrider.site import Mount, Site, User
    from outrider.values import Address

_LINES = 30
"""How many of its last lines are shown of a site that does not start."""
_MOST_FILES = 20_000
"""How many static files are looked at to find a large one."""
_ENOUGH_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Program:
    """How a site is started.

    Attributes:
        argv: its words.
        env: its environment.
        cwd: its working directory.
        account: as root, whom it runs as.
        boot_s: how long it may take to answer.
        stop_s: how long it may take to stop.
        by_hand: what a user types to see why it does not start.
        files: what it needs in a directory of its own, whose path takes the place of `{home}` in
            argv; None: it needs none.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    account: User | None
    boot_s: float
    stop_s: float
    by_hand: str
    files: Callable[[], contextlib.AbstractContextManager[Path]] | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """A site, and what its visitors ask for.

    Attributes:
        name: as a heading.
        detail: what it consists of.
        address: where it is, numeric.
        host: of the Host header.
        path: what ordinary visitors ask for.
        upload_path: where slow bodies are sent.
        large_path: what slow readers ask for; None: nothing large is known.
        program: how it is started; None: it runs already.
    """

    name: str
    detail: str
    address: Address
    host: str
    path: str
    upload_path: str
    large_path: str | None
    program: Program | None


def running_site(place: Place, options: Options) -> Target:
    """Return the site that a URL names."""
    path = options.path or place.path
    return Target(
        name=place.host,
        detail=f"the site that runs at {place.url}",
        address=place.address,
        host=place.host,
        path=path,
        upload_path=options.upload_path or path,
        large_path=options.large_path,
        program=None,
    )


def under_outrider(
    site: Site, options: Options, words: Sequence[str], env: Mapping[str, str], cwd: str
) -> Target:
    """Return a site as `outrider run` serves it.

    Args:
        site: as it was planned for its address here, the first of several.
        options: what the user wants.
        words: his flags for `run`.
        env: his environment.
        cwd: his working directory.
    """
    version = ".".join(map(str, site.front.version))
    path = options.path or f"{site.prefix}/"
    flags = ["--bind", str(site.bind), "--run-dir", site.paths.run, "--log-format", "text"]
    flags += ["--metrics", "none"]  # the site's own address may be in use by the site itself
    return Target(
        name="Outrider",
        detail=f"Nginx {version} before {site.process.server.title}, {site.workers_shown}",
        address=site.bind,
        host=host_of(site, site.bind),
        path=path,
        upload_path=options.upload_path or path,
        large_path=options.large_path or large_file(site.mounts),
        program=Program(
            # -P: no module of the project may take the place of one of Outrider's.
            argv=[sys.executable, "-P", "-m", "outrider", "run", *words, *flags],
            env=env,
            cwd=cwd,
            account=None,
            boot_s=site.limits.boot_timeout_s + 5,
            stop_s=site.limits.drain_timeout_s + 5,
            by_hand=shlex.join(["outrider", "run", *words]),
        ),
    )


def under_gunicorn(target: Target, site: Site, address: Address, env: Mapping[str, str]) -> Target:
    """Return the same app under Gunicorn alone, with its sync worker and as many of them.

    Args:
        target: the site under Outrider.
        site: its model.
        address: where Gunicorn is to listen.
        env: the environment of the app.
    """
    run_dir = f"{site.paths.run}-gunicorn"

    @contextlib.contextmanager
    def home() -> Iterator[Path]:
        # The only way to switch its control socket off with every version that Outrider takes:
        # names that a version does not know are passed over in a file, and refused as a flag.
        conf = Artifact(path="gunicorn.conf.py", content="control_socket_disable = True\n")
        with files.run_directory(run_dir, str(address), site.user) as root:
            files.write(root, conf)
            yield root

    count, prefix = site.workers.count, site.prefix
    argv = [site.process.python, "-m", "gunicorn", "--config", "{home}/gunicorn.conf.py"]
    argv += ["--bind", str(address), "--workers", str(count), "--worker-class", "sync"]
    argv += ["--chdir", site.process.directory, "--pythonpath", site.process.import_root]
    return Target(
        name="Bare Gunicorn",
        detail=f"the same app and {count} sync workers, nothing before them",
        address=address,
        host=host_of(site, address),
        path=target.path.removeprefix(prefix) or "/",
        upload_path=target.upload_path.removeprefix(prefix) or "/",
        large_path=target.large_path and target.large_path.removeprefix(prefix),
        program=Program(
            argv=[*argv, site.process.target],
            env={name: value for name, value in env.items() if name != "WEB_CONCURRENCY"},
            cwd=site.process.directory,
            account=site.user,
            boot_s=site.limits.boot_timeout_s,
            stop_s=5,  # it may be waiting for somebody slow; nothing is lost here
            by_hand=shlex.join([site.process.python, "-m", "gunicorn", site.process.target]),
            files=home,
        ),
    )


def host_of(site: Site, address: Address) -> str:
    """Return a name that the site answers to, as the Host header of a visitor."""
    names = [name for name in site.server_names if "*" not in name]
    if not names:
        return str(address)
    shown = f"[{names[0]}]" if ":" in names[0] else names[0]
    return f"{shown}:{address.port}"


def large_file(mounts: Sequence[Mount]) -> str | None:
    """Return the URL of a static file that is large enough for slow readers, if there is one."""
    found: list[tuple[int, str]] = []
    looked = 0
    for mount in mounts:
        for folder, folders, names in os.walk(mount.directory):
            folders[:] = [name for name in folders if not name.startswith(".")]
            looked += len(names)
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    size = path.stat().st_size
                    if size >= LARGE_BYTES and not name.startswith("."):
                        found.append(
                            (size, mount.url + quote(str(path.relative_to(mount.directory))))
                        )
            if looked > _MOST_FILES:
                break
    enough = [pair for pair in found if pair[0] >= _ENOUGH_BYTES]
    # No larger than need be, but rather large than hardly large enough.
    return min(enough)[1] if enough else max(found)[1] if found else None


@contextlib.asynccontextmanager
async def serving(target: Target) -> AsyncIterator[Sequence[str]]:
    """Start a site unless it runs, give what it says, and stop it again.

    Raises:
        OutriderError: it does not start, or nobody answers.
    """
    program = target.program
    lines: deque[str] = deque(maxlen=_LINES)
    if program is None:
        try:
            await fetch(target.address, target.path, target.host)
        except OSError as error:
            url = f"http://{target.host}{target.path}"
            raise errors.bench_nobody_answers(url, _reason(error)) from None
        yield lines
        return
    with contextlib.ExitStack() as stack:
        home = str(stack.enter_context(program.files())) if program.files else ""
        child = await process.spawn(
            [word.replace("{home}", home) for word in program.argv],
            env=program.env,
            cwd=program.cwd,
            account=program.account,
            on_lines=lines.extend,
        )
        how = ""
        try:
            how = await _until_up(child, target, program.boot_s)
            if not how:
                yield lines
        finally:
            await child.end(program.stop_s)
        if how:  # now that all that it had to say has been heard
            raise errors.bench_not_started(target.name, how, lines, program.by_hand)


async def _until_up(child: process.Child, target: Target, patience_s: float) -> str:
    """Wait for the first answer, whatever it is; return why there is none, or nothing."""
    ended = asyncio.ensure_future(child.exited())
    answered = asyncio.ensure_future(_first_answer(target))
    try:
        done, _ = await asyncio.wait(
            (ended, answered), timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
        )
        if ended in done:
            return f"it ended with exit code {ended.result()}"
        return "" if answered in done else f"it did not answer within {patience_s:g} s"
    finally:
        ended.cancel()
        answered.cancel()


async def _first_answer(target: Target) -> None:
    while True:
        with contextlib.suppress(OSError):
            await fetch(target.address, target.path, target.host, limit_s=3600)
            return
        await asyncio.sleep(0.05)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error)
