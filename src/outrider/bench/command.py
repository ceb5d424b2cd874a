"""The steps of `outrider bench`, in the order in which the command takes them."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from outrider import __version__, errors, files, process, sockets
from outrider.bench.measure import measure
from outrider.bench.options import clients_of, place_of, room_elsewhere, room_of_site
from outrider.bench.report import MARK, can_draw, report
from outrider.bench.slow import per_process
from outrider.bench.stream import LIMIT_S
from outrider.bench.target import running_site, under_gunicorn, under_outrider
from outrider.settings import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from outrider.bench.measurement import Measurement
    from outrider.bench.options import Options
    from outrider.bench.target import Target
    from outrider.site import Site
    from outrider.values import Address


@dataclass(frozen=True)
class Places:
    """Where sites listen while they are measured."""

    outrider: Address
    gunicorn: Address

    @classmethod
    def free(cls) -> Self:
        """Return two addresses that nobody listens on."""
        one = sockets.free_address()
        other = sockets.free_address()
        while other == one:
            other = sockets.free_address()
        return cls(one, other)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is measured.

    Attributes:
        targets: the sites, in the order of being measured.
        clients: how many slow clients each gets.
    """

    targets: Sequence[Target]
    clients: int


def of_url(url: str, mine: str | None, options: Options) -> Found:
    """Return the running site that a URL names.

    Raises:
        OutriderError: it is none that may be measured.
    """
    place = place_of(url, mine, options, sockets.resolve)
    clients = clients_of(options.clients, room_elsewhere(per_process(), place))
    return Found(targets=[running_site(place, options)], clients=clients)


def of_app(
    site: Site,
    at: Places,
    options: Options,
    words: Sequence[str],
    env: Mapping[str, str],
    app_env: Mapping[str, str],
    cwd: str,
    compare: bool,
) -> Found:
    """Return the site that is started for it, and the app under bare Gunicorn if that is wanted.

    Args:
        site: as planned, the first of several.
        at: where they will listen.
        options: what the user wants.
        words: the words of `run`.
        env: the user's environment.
        app_env: the app's.
        cwd: the working directory.
        compare: measure bare Gunicorn too.

    Raises:
        OutriderError: too many clients, or no WSGI app to compare.
    """
    clients = clients_of(options.clients, room_of_site(site, options.clients))
    target = under_outrider(site, options, words, env, cwd)
    if not compare:
        return Found(targets=[target], clients=clients)
    if site.process.interface == "asgi":
        raise errors.bench_compare_asgi(site.process.target)
    bare = under_gunicorn(target, site, at.gunicorn, app_env)
    return Found(targets=[target, bare], clients=clients)


def refuse_what_needs_a_start(given: Mapping[str, Any], *, compare: bool) -> None:
    """Refuse flags that say how a site is started, beside the URL of one that runs.

    Raises:
        OutriderError: there is one.
    """
    options = [BY_NAME[name].option for name in given if name != "target"]
    options += ["--compare"] if compare else []
    if options:
        raise errors.bench_needs_a_target(options[0], given["target"])


def words_of(given: Mapping[str, Any]) -> list[str]:
    """Return the flags of `run` as words again."""
    words = [
        f"{BY_NAME[name].option}={one}"
        for name, value in given.items()
        if name != "target"
        for one in (value if BY_NAME[name].many else [value])
    ]
    return [*words, *([given["target"]] if "target" in given else [])]


def measure_all(
    found: Found, options: Options, step: Callable[[str], None], progress: Callable[[str], None]
) -> list[Measurement]:
    """Measure one site after the other.

    Args:
        found: what is measured.
        options: what the user wants.
        step: hears what is being done.
        progress: hears several times a second how it stands.
    """

    heard: list[int] = []

    async def all_of_them() -> list[Measurement]:
        task = asyncio.current_task()
        assert task is not None
        with process.cancelled_by_signals(task) as numbers:
            try:
                return [await one(target) for target in found.targets]
            finally:
                heard.extend(numbers)

    async def one(target: Target) -> Measurement:
        step(
            f"measuring {target.name} for {options.seconds:g} s: {options.rate:g} visitors per "
            f"second, and up to {found.clients} slow clients"
        )
        try:
            return await measure(target, found.clients, options, progress)
        finally:
            progress("")

    try:
        return asyncio.run(all_of_them())
    except asyncio.CancelledError:
        # As a shell says it: https://tldp.org/LDP/abs/html/exitcodes.html
        sys.exit(128 + heard[0])


def conditions(found: Found, options: Options, now: str) -> dict[str, str]:
    """Return what was measured, when, and on what."""
    target = found.targets[0]
    schedule = options.schedule
    paths = {
        "visitors ask for": target.path,
        "slow bodies are sent to": target.upload_path,
        "slow readers ask for": target.large_path or "nothing",
    }
    return {
        "when": now[:19].replace("T", " "),
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.release()}",
        "Outrider": __version__,
        "visitors": f"{options.rate:g} per second, each waits {LIMIT_S:g} s at most",
        "slow clients": (
            f"up to {found.clients}, which come from second {schedule.come_s:g} to second "
            f"{schedule.all_s:g}"
        ),
        **paths,
    }


def writable_report(path: str) -> str:
    """Return the path of the report, once it is certain that it can be written.

    Raises:
        OutriderError: Matplotlib is missing, or something else is there.
    """
    if not can_draw():
        raise errors.bench_no_matplotlib()
    file = Path(path)
    if not file.parent.is_dir():
        raise errors.cannot_write(path, f"there is no folder {file.parent}")
    try:
        if file.exists() and not file.read_text(encoding="utf-8").startswith(MARK):
            raise errors.not_ours(path, "it is no report of `outrider bench`")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.not_ours(path, str(error)) from None
    return path


def write_report(path: str, measured: Sequence[Measurement], conditions: Mapping[str, str]) -> None:
    """Write the report.

    Raises:
        OutriderError: it cannot be written.
    """
    file = Path(path)
    try:
        files.write(file.parent, report(file.name, measured, conditions))
    except OSError as error:
        raise errors.cannot_write(path, error.strerror or str(error)) from None
