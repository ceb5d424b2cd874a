"""The commands for a site that runs: they find it, ask it, and show what it answers."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import deque
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider import logline, serve
from outrider.cli.parsed import Parsed
from outrider.control import filters
from outrider.errors import Exit, OutriderError
from outrider.values import parse_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outrider.console import Console
    from outrider.control.finding import Found

REFRESH_S = 1
_LOOK_S = 0.5
"""Between two looks at the files of a project."""
_FILES_IN_A_SECOND = 5000
"""The more files, the longer is the pause: a look takes some 15 microseconds for each."""

the_site = click.argument("site", required=False)
"""A name, a run directory or a project's folder."""


@click.command()
@the_site
@click.option("--json", "as_json", is_flag=True, help="For a script; with --watch, a line each.")
@click.option("--watch", is_flag=True, help="Again each second, until Ctrl-C.")
@click.pass_obj
def status(console: Console, /, *, site: str | None, as_json: bool, watch: bool) -> None:
    """Show how a running site stands: processes, requests, figures.

    SITE is its name, its run directory or its project's folder; without it, the site of this folder
    is meant, or the only one that runs.
    """
    from outrider.control.asking import ask  # noqa: PLC0415
    from outrider.control.standing import shown  # noqa: PLC0415

    found = _find(site, "status")
    state = found.state
    if not watch:
        text = json.dumps(state, indent=2, ensure_ascii=False) if as_json else shown(state, _now())
        console.write(text.rstrip("\n") + "\n")
        return
    with ended_by_ctrl_c():
        while console.refresh(
            json.dumps(state, ensure_ascii=False) if as_json else shown(state, _now()),
            in_place=not as_json,
        ):
            time.sleep(REFRESH_S)
            state = ask(found.run_dir, "status") | {"run_dir": found.run_dir}


@click.command()
@the_site
@click.option("--watch", is_flag=True, help="Whenever a file of the project changes, until Ctrl-C.")
@click.pass_obj
def reload(console: Console, /, *, site: str | None, watch: bool) -> None:
    """Bring new code into service without a lost request.

    It is tried in a process of its own first; then new workers take over, and the old ones finish
    what they have. When anything fails, the old code serves on, and the exit code says so.

    SITE is its name, its run directory or its project's folder; by default, it is that of this one.
    """
    found = _find(site, "reload")
    if not watch:
        _reload(console, found)
        return
    with ended_by_ctrl_c():
        _watch(console, found, partial(_tell, console), console.error)


def _reload(console: Console, found: Found) -> None:
    from outrider.control.asking import ask  # noqa: PLC0415

    ask(found.run_dir, "reload", partial(_tell, console))


def watch_beside(console: Console, run_dir: str) -> None:
    """Reload the site of this very process when a file changes, for as long as it lives."""

    def watch() -> None:
        # It tells itself what comes of its reloads; and that it ends, nobody has to tell it.
        with contextlib.suppress(OutriderError):
            _watch(console, _patiently_found(run_dir), lambda _: None, lambda _: None)

    threading.Thread(target=watch, daemon=True).start()


def _patiently_found(run_dir: str) -> Found:
    """Return the site of this process, however long it has no time to answer."""
    from outrider.control.finding import Found  # noqa: PLC0415

    while True:
        try:
            return Found.at(run_dir)
        except OutriderError as error:
            if error.id != "site-is-silent":
                raise


def _watch(
    console: Console,
    found: Found,
    hear: Callable[[dict[str, Any]], None],
    complain: Callable[[OutriderError], None],
) -> None:
    """Reload when a file of the project has changed, until the site is gone."""
    from outrider.control.asking import ask  # noqa: PLC0415
    from outrider.discover.changes import look, settled  # noqa: PLC0415

    look_again = partial(look, found.directories, found.state.get("folders", ()))
    before = look_again()
    folders = ", ".join(found.directories)
    console.step(f"{', '.join(found.names)} is reloaded when a file changes in {folders}")
    while True:
        time.sleep(_LOOK_S + len(before) / _FILES_IN_A_SECOND)
        after = look_again()
        if after == before:
            continue
        after = settled(after, look_again, partial(time.sleep, _LOOK_S))
        console.step(f"{_changed(before, after, found)}; reloading")
        before = after
        try:
            ask(found.run_dir, "reload", hear)
        except OutriderError as error:
            if error.id in ("site-went-away", "site-runs-no-more"):
                raise
            complain(error)


def _changed(before: dict[str, int], after: dict[str, int], found: Found) -> str:
    """Name what has changed: one file, and how many more."""
    names = sorted(name for name in before | after if before.get(name) != after.get(name))
    first = names[0] if names else "something"
    for folder in found.directories:
        first = first.removeprefix(f"{folder}/")
    return f"{first} has changed" if len(names) < 2 else f"{first} and {len(names) - 1} more"


@click.command()
@the_site
@click.option("--now", is_flag=True, help="Kill what has not finished, and do not wait for it.")
@click.pass_obj
def stop(console: Console, /, *, site: str | None, now: bool) -> None:
    """Stop a site: nobody new, requests in progress may finish. Waits until it is gone.

    The exit code is 12 when something had to be killed.

    SITE is its name, its run directory or its project's folder; by default, it is that of this one.
    """
    from outrider import files  # noqa: PLC0415
    from outrider.control.asking import ask  # noqa: PLC0415

    found = _find(site, "stop")
    # Its last words come before it has left; whoever starts it again next wants the place.
    wait_until_left = partial(files.wait_until_left, Path(found.run_dir), int(found.state["pid"]))
    try:
        ask(found.run_dir, "stop", partial(_tell, console), now=now)
    except OutriderError as error:
        if error.exit_code is not Exit.CONTROL:
            wait_until_left()
        raise
    wait_until_left()
    console.step(f"{', '.join(found.names)} has stopped")


@click.command()
@the_site
@click.option(
    "-n",
    "last",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Begin with the last N lines.",
)
@click.option(
    "--follow/--no-follow", default=True, help="Go on with new lines.  [default: --follow]"
)
@click.option(
    "--status",
    "statuses",
    type=Parsed(filters.parse_status),
    multiple=True,
    metavar="STATUS",
    help="Requests answered with it: 404, 5xx. Repeats.",
)
@click.option(
    "--path",
    type=Parsed(filters.parse_glob),
    metavar="GLOB",
    help="Requests of these URLs, without the query: '/shop/*'.",
)
@click.option(
    "--request",
    "request_id",
    type=Parsed(filters.parse_request_id),
    metavar="ID",
    help="One request: its id, or how it begins.",
)
@click.option(
    "--slower",
    "slower_s",
    type=Parsed(filters.parse_duration),
    metavar="TIME",
    help="Requests that took longer, until the client had it all: 500ms, 2s.",
)
@click.option("--source", metavar="NAME", help="nginx, app, outrider, or an extra process.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object in each line.")
@click.pass_obj
def logs(
    console: Console,
    /,
    *,
    site: str | None,
    last: int,
    follow: bool,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Show the log of a running site, Nginx's lines and the app's, and follow it until Ctrl-C.

    With a filter for requests, what the app said while it served one stands above its line.

    SITE is its name, its run directory or its project's folder; without it, the site of this folder
    is meant, or the only one that runs.
    """
    from outrider.control.asking import ask  # noqa: PLC0415

    found = _find(site, "logs")
    console.is_json = as_json
    given = {name: value for name, value in wanted.items() if value}
    reader = _Reader(console, filters.Choice(filters.Filter(**given)), last)
    with ended_by_ctrl_c(), contextlib.suppress(BrokenPipeError):
        ask(found.run_dir, "logs", reader.hear, follow=follow)
        if follow:
            console.step(f"{', '.join(found.names)} has stopped")


class _Reader:
    """Shows the last lines of what was, and then what comes."""

    def __init__(self, console: Console, choice: filters.Choice, last: int) -> None:
        self.console = console
        self.choice = choice
        self.last: deque[tuple[str, logline.Record]] | None = deque(maxlen=last)
        self.sources = {"nginx", "app", "outrider"}

    def hear(self, said: dict[str, Any]) -> None:
        if "is_now" in said and self.last is not None:
            for when, record in self.last:
                self.console.log(record, when)
            self.last = None
            # It may be a word mistyped, or a process that has yet to speak.
            if (source := self.choice.wanted.source) and source not in self.sources:
                known = ", ".join(sorted(self.sources))
                self.console.warn(f"no line of {source!r} so far; there are those of {known}")
        elif "lost" in said:
            self.console.warn(f"{said['lost']} lines were lost: they came faster than you read")
        elif "lines" in said:
            self.sources.add(said["source"])
            for when, record in self._records(said):
                if self.last is None:
                    self.console.log(record, when)
                else:
                    self.last.append((when, record))

    def _records(self, said: dict[str, Any]) -> Iterator[tuple[str, logline.Record]]:
        for line in said["lines"]:
            record = logline.parse(said["source"], line, said["site"])
            # Nginx's about its own start, as in the log of `outrider run`.
            if record.level != "notice":
                yield from self.choice.of(said["when"], record)


@click.command()
@click.argument("what", type=click.Choice(["on", "off"]))
@the_site
@click.option(
    "--allow",
    type=Parsed(parse_client),
    multiple=True,
    metavar="ADDRESS",
    help="Who sees the site all the same. Repeats.",
)
@click.pass_obj
def maintenance(
    console: Console, /, *, what: str, site: str | None, allow: tuple[str, ...]
) -> None:
    """Answer visitors with a page that says so, and take the site back into service.

    SITE is its name, its run directory or its project's folder; by default, it is that of this one.
    """
    from outrider.control.asking import ask  # noqa: PLC0415

    if what == "off" and allow:
        raise click.UsageError("--allow belongs to `maintenance on`")
    found = _find(site, f"maintenance {what}")
    ask(found.run_dir, "maintenance", on=what == "on", allow=allow)
    names = ", ".join(found.names)
    if what == "off":
        console.step(f"{names} serves everyone again")
        return
    console.step(f"{names} answers 503 to " + ("all others" if allow else "everyone"))
    for address in allow:
        console.found("serves", address)


def _find(site: str | None, command: str) -> Found:
    from outrider.control.finding import find  # noqa: PLC0415

    return find(site, str(Path.cwd()), command)


def _tell(console: Console, said: dict[str, Any]) -> None:
    """Show a step, or a line of the log that belongs to it."""
    if said.get("source"):
        console.log(logline.parse(said["source"], said["tell"]), serve.now())
    elif "tell" in said:
        console.step(said["tell"])


def _now() -> float:
    """Return the seconds of the epoch."""
    return datetime.fromisoformat(serve.now()).timestamp()


@contextlib.contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Take Ctrl-C as the way to end what would go on for ever."""
    try:
        yield
    except KeyboardInterrupt:
        return


COMMANDS: tuple[click.Command, ...] = (status, reload, stop, logs, maintenance)
