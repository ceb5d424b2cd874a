"""The commands that write files: `outrider export nginx`, `docker` and `compose`."""

from __future__ import annotations

import os
import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider import errors, files
from outrider.cli.parsed import Parsed, parse_place
from outrider.cli.sites import decisions_of, look_and_decide, settings_of, with_settings
from outrider.discover.listeners import who_listens
from outrider.plan.collect import kept
from outrider.render.fleet import lay_out
from outrider.settings import Given, Settings
from outrider.values import parse_count, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outrider.console import Console
    from outrider.containers import Contained
    from outrider.render.artifact import Artifact


@click.group()
def export() -> None:
    """Write the site's description out, to be kept and run by something else."""


@export.command("nginx")
@with_settings
@click.option(
    "-o",
    "--output",
    type=Parsed(parse_place),
    default="deploy/nginx",
    show_default=True,
    metavar="DIR",
    help="Where to.",
)
@click.option(
    "--diff", "show_diff", is_flag=True, help="Show what would change, and write nothing."
)
@click.pass_obj
def export_nginx(console: Console, /, *, output: str, show_diff: bool, **flags: Any) -> None:
    """Write nginx.conf and gunicorn.conf.py, with the reason of each directive.

    How to start them stands in their first lines. They keep their socket and spooled bodies in DIR
    as well, unless --run-dir names another directory, which must exist.
    """
    env, cwd = dict(os.environ), str(Path.cwd())
    settings = settings_of(flags, env, cwd)
    if settings[0].get("run_dir") is None:
        run_dir = Given(output, "--output")
        settings = [Settings({**one.given, "run_dir": run_dir}) for one in settings]
    fleet = kept(look_and_decide(settings, env, cwd)[0])
    for whose, decision in decisions_of(fleet):
        if decision.name == "collectstatic" and decision.is_warning:
            console.warn(f"{whose}{decision.name}: {decision.value}; {decision.why}")
    for _, extra in fleet.extras.values():
        command = shlex.join(extra.argv)
        console.warn(f"process {extra.name} is not in these files; start it yourself: {command}")
    artifacts = lay_out(fleet)
    if show_diff:
        console.write(files.diff(output, artifacts))
        return
    for written in files.export(output, artifacts):
        console.write(f"{written.state:<8} {written.path}\n")


def with_files(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what tells where files go, and what is only shown."""
    for option in (
        click.option("--alpine", is_flag=True, help="Images made from Alpine, without glibc."),
        click.option(
            "--memory",
            type=Parsed(parse_size),
            default="1g",
            show_default=True,
            metavar="SIZE",
            help="What the app's container may use.",
        ),
        click.option(
            "--cpus",
            type=Parsed(parse_count),
            default="2",
            show_default=True,
            metavar="N",
            help="What the app's container may use; its workers are counted from both.",
        ),
        click.option(
            "--check", is_flag=True, help="Write nothing; exit code 1 if something would change."
        ),
        click.option(
            "--diff", "show_diff", is_flag=True, help="Show what would change, and write nothing."
        ),
        click.option(
            "-o",
            "--output",
            type=Parsed(parse_place),
            metavar="DIR",
            help="Where to.  [default: the project]",
        ),
    ):
        command = option(command)
    return command


@export.command("docker")
@with_settings
@with_files
@click.option("--single", is_flag=True, help="One image, in which `outrider run` runs both.")
@click.pass_obj
def export_docker(console: Console, /, *, single: bool, alpine: bool, **flags: Any) -> None:
    """Write a Dockerfile for the app and Nginx, made from the project as it is.

    Targets are `app` and `proxy`; how to build them stands in its first lines. What the images are
    given is in deploy/.
    """
    where = {name: flags.pop(name) for name in _WHERE}
    how = {"is_alpine": alpine, "is_single": single}
    found = _contain(console, flags, **how)
    _put(console, found.directory, found.docker(), **where)


@export.command("compose")
@with_settings
@with_files
@click.option(
    "--dev",
    is_flag=True,
    help="Write compose.override.yaml too: mounted code, read anew when it changes.",
)
@click.option(
    "--service", metavar="NAME", help="Which service in --from is the app, if that is not clear."
)
@click.option(
    "--from",
    "start",
    type=Parsed(parse_place),
    metavar="DIR",
    help="Start from the Compose, Nginx and Docker files in DIR, and tell what was wrong there.",
)
@click.pass_obj
def export_compose(
    console: Console,
    /,
    *,
    alpine: bool,
    dev: bool,
    start: str | None,
    service: str | None,
    **flags: Any,
) -> None:
    """Write compose.yaml, with the Dockerfile and what it needs, and passwords into .env.

    The app, Nginx as the one published port, the databases that the dependencies name, the extra
    processes, and what has to run before each release.
    """
    from outrider.containers import look_before  # noqa: PLC0415

    if service is not None and start is None:
        raise errors.service_without_from(service)
    where = {name: flags.pop(name) for name in _WHERE}
    before = None
    if start is not None:
        before = look_before(start, dict(os.environ), service, where["output"])
    found = _contain(console, flags, is_alpine=alpine, before=before)
    _put(console, found.directory, found.compose(is_for_development=dev), **where)
    tell_before(console, found)
    if where["show_diff"] or where["check"]:
        return
    fresh = {name: secrets.token_hex(24) for name in found.stack.secrets}
    written = files.keep_secrets(
        where["output"] or found.directory, {**fresh, **dict(found.taken.secrets)}
    )
    if written is not None:
        console.write(f"{written.state:<8} {written.path}\n")
    if before is not None and before.start.compose is not None:
        path = shlex.quote(before.start.compose.path)
        console.step(
            f"stop the one before, which keeps its volumes:  docker compose -f {path} down"
        )
    published = found.stack.published
    if taken := who_listens(published.host, published.port):
        console.warn(
            f"port {published.port} is taken by {taken}; unless that is this project, "
            "choose another:  --bind HOST:PORT"
        )
    console.step("start it:  docker compose up -d --build")
    console.found("then", f"http://{published}/")


def tell_before(console: Console, found: Contained) -> None:
    """Say what was taken over from files written by hand, and what was wrong with them."""
    for decision in found.taken.decisions:
        if not decision.is_warning:
            why = f"; {decision.why}" if decision.why else ""
            kind = "" if decision.name == "dropped" else "taken over: "
            console.step(f"{kind}{decision.name}: {decision.value} ({decision.origin}){why}")
    for fault in found.faults:
        kind = "corrected" if fault.is_corrected else "not corrected"
        console.step(f"{kind}: {fault.where}: {fault.found}")
        console.found("before", fault.consequence)
        console.found("now", fault.instead)


_WHERE = ("output", "show_diff", "check")
"""What tells where the files of an image go, and whether they do."""


def _contain(console: Console, flags: dict[str, Any], **how: Any) -> Contained:
    env, cwd = dict(os.environ), str(Path.cwd())
    how |= {"cpus": flags.pop("cpus"), "memory_bytes": flags.pop("memory")}
    settings = settings_of(flags, env, cwd)
    from outrider.containers import contain  # noqa: PLC0415

    found = contain(settings, env, cwd, **how)
    for decision in found.decisions:
        if decision.is_warning:
            console.warn(f"{decision.name}: {decision.value}; {decision.why}")
    return found


def _put(
    console: Console,
    project: str,
    artifacts: Sequence[Artifact],
    *,
    output: str | None,
    show_diff: bool,
    check: bool,
) -> None:
    """Write files, or show what would be written."""
    directory = output or project
    if show_diff:
        console.write(files.diff(directory, artifacts))
        return
    states = files.changes(directory, artifacts) if check else files.export(directory, artifacts)
    for written in states:
        if not (check and written.is_current):
            console.write(f"{written.state:<8} {written.path}\n")
    if not check and directory != project:
        console.warn(f"a build is given {project}: copy these files there before you build")
    if check and not all(written.is_current for written in states):
        click.get_current_context().exit(1)
