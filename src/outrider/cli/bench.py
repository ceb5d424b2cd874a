"""The command that measures: `outrider bench`."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider import serve
from outrider.bench.options import DEFAULT_CLIENTS, Options, is_url, parse_request_path
from outrider.cli.parsed import Parsed, parse_place
from outrider.cli.sites import look_and_decide, settings_of, with_settings
from outrider.settings import Settings
from outrider.values import parse_count

if TYPE_CHECKING:
    from outrider.console import Console

DECIDES = frozenset({"bind", "run_dir", "log_format", "metrics"})
"""The settings that a site has while it is measured."""


@click.command("bench")
@partial(with_settings, without=DECIDES)
@click.option(
    "--clients",
    type=Parsed(parse_count),
    metavar="N",
    help=f"Slow clients at the end.  [default: {DEFAULT_CLIENTS}]",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1, max=1000),
    default=50,
    show_default=True,
    metavar="N",
    help="Requests of ordinary visitors per second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=2, max=3600),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long each site is measured.",
)
@click.option(
    "--path",
    type=Parsed(parse_request_path),
    metavar="/PATH",
    help="What visitors ask for.  [default: /, or the path of the URL]",
)
@click.option(
    "--upload-path",
    type=Parsed(parse_request_path),
    metavar="/PATH",
    help="Where slow bodies are sent.  [default: --path]",
)
@click.option(
    "--large-path",
    type=Parsed(parse_request_path),
    metavar="/PATH",
    help="What slow readers ask for.  [default: a large static file, if there is one]",
)
@click.option("--compare", is_flag=True, help="Measure the same app under bare Gunicorn too.")
@click.option("--json", "as_json", is_flag=True, help="All samples, for a script.")
@click.option(
    "--report",
    type=Parsed(parse_place),
    metavar="FILE",
    help="Write a report with plots, one HTML file.",
)
@click.option("--this-host-is-mine", "mine", metavar="HOST", help="For a URL on another machine.")
@click.pass_obj
def measure_slow_clients(
    console: Console,
    /,
    *,
    compare: bool,
    as_json: bool,
    report: str | None,
    mine: str | None,
    **flags: Any,
) -> None:
    """Show what visitors see while more and more clients are slow.

    TARGET is the app, which is started as `run` would on a port of its own and stopped again, or
    the URL of a site of yours that runs already. A stream of ordinary requests goes on while slow
    clients come: some never end their headers, some never end their body, some hardly read.
    """
    # What only one command needs is imported by that command: a site is to start soon.
    from outrider.bench import command as bench  # noqa: PLC0415
    from outrider.bench.measurement import as_json as as_json_of  # noqa: PLC0415
    from outrider.bench.measurement import table  # noqa: PLC0415

    env, cwd = dict(os.environ), str(Path.cwd())
    options = Options(**{name: flags.pop(name) for name in _OPTIONS})
    report = report and bench.writable_report(report)
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    with serve.stoppable():
        if is_url(flags["target"]):
            bench.refuse_what_needs_a_start(given, compare=compare)
            found = bench.of_url(flags["target"], mine, options)
        else:
            at = bench.Places.free()
            settings = [
                Settings({k: v for k, v in one.given.items() if k != "run_dir"})
                for one in settings_of({**flags, "bind": str(at.outrider)}, env, cwd)
            ]
            fleet, app_envs = look_and_decide(settings, env, cwd)
            words = bench.words_of(given)
            found = bench.of_app(fleet.first, at, options, words, env, app_envs[0], cwd, compare)
        measured = bench.measure_all(found, options, console.step, console.progress)
    conditions = bench.conditions(found, options, serve.now())
    if as_json:
        console.write(json.dumps(as_json_of(measured, conditions), indent=2) + "\n")
    else:
        console.write(table(measured))
    if report:
        bench.write_report(report, measured, conditions)
        console.step(f"the report is in {report}")


_OPTIONS = ("clients", "rate", "seconds", "path", "upload_path", "large_path")
