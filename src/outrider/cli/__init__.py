"""The commands. Options are made from the table of settings; errors are caught once."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import sys
import threading
import traceback
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider import __version__, discover, errors, files, serve
from outrider.bench.options import DEFAULT_CLIENTS, Options, is_url, parse_request_path
from outrider.cli import operate
from outrider.cli.parsed import Parsed
from outrider.console import Console
from outrider.discover.listeners import who_listens
from outrider.errors import Exit, OutriderError
from outrider.plan.collect import kept
from outrider.plan.fleet import plan_fleet
from outrider.render.fleet import lay_out, prepare
from outrider.settings import SETTINGS, Given, Settings, resolve_sites
from outrider.values import BadValueError, parse_count, parse_path, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from outrider.containers import Contained
    from outrider.render.artifact import Artifact
    from outrider.site import Decision, Fleet


class Outrider(click.Group):
    """Turns every OutriderError into its message and its exit code, in one place."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        console: Console = ctx.obj
        try:
            return super().invoke(ctx)
        except OutriderError as error:
            with console.streaming():
                console.error(error)
            ctx.exit(int(error.exit_code))
        except KeyboardInterrupt:
            ctx.exit(130)


def with_settings(
    command: Callable[..., Any], without: frozenset[str] = frozenset()
) -> Callable[..., Any]:
    """Give a command the argument TARGET and a flag for each setting."""
    for row in reversed(SETTINGS):
        if row.name in without:
            continue
        if row.name == "target":
            command = click.argument("target", required=False)(command)
        else:
            command = click.option(
                row.option,
                row.name,
                metavar=row.metavar,
                multiple=row.many,
                help=f"{row.help}  [{row.variable}; default: {row.default}]",
            )(command)
    return command


@click.group(
    cls=Outrider, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="outrider")
def outrider() -> None:
    """Put a Python web app into production: Gunicorn behind Nginx, with one command.

    Everything is read from the app itself; `outrider plan` shows what was decided and why.
    """


@outrider.command()
@with_settings
@click.option(
    "--watch", is_flag=True, help="Reload whenever a file of the project changes, as for staging."
)
@click.pass_obj
def run(console: Console, /, *, watch: bool, **flags: Any) -> None:
    """Serve the app, in the foreground. Ctrl-C lets requests finish and stops.

    TARGET is module:app, module, module:create_app(), or a path to a file; without it the app is
    looked for in this directory.
    """
    # While the app is imported, which is done in another process.
    threading.Thread(target=prepare, daemon=True).start()
    env, cwd = dict(os.environ), str(Path.cwd())
    settings = _settings(flags, env, cwd)
    console.is_json = settings[0].value("log_format") == "json"
    with console.streaming(), serve.stoppable():
        fleet, app_envs = _look_and_decide(settings, env, cwd)
        first = fleet.first
        for whose, decision in _decisions(fleet):
            if decision.is_warning:
                said = f"{decision.value}; {decision.why}" if decision.why else decision.value
                console.warn(f"{whose}{decision.name}: {said}")

        def announce() -> None:
            _announce(console, fleet)
            if watch:
                operate.watch_beside(console, first.paths.run)

        code = serve.serve(
            fleet,
            console,
            env=serve.app_environment(env, {}, first),
            app_envs=app_envs,
            launcher=str(resources.files("outrider").joinpath("app/launch.py")),
            taken_by=lambda: who_listens(first.bind.host, first.bind.port),
            announce=announce,
            plan_again=lambda: _look_and_decide(_settings(flags, env, cwd), env, cwd),
        )
    click.get_current_context().exit(int(code))


@outrider.command("plan")
@with_settings
@click.option("--json", "as_json", is_flag=True, help="The site and its decisions, for a script.")
@click.pass_obj
def show_plan(console: Console, /, *, as_json: bool, **flags: Any) -> None:
    """Show what would run, and why each value is what it is. Starts nothing."""
    env, cwd = dict(os.environ), str(Path.cwd())
    fleet, _ = _look_and_decide(_settings(flags, env, cwd), env, cwd)
    if as_json:
        console.plan_json(fleet)
    else:
        console.plan(fleet)


BENCH_DECIDES = frozenset({"bind", "run_dir", "log_format", "metrics"})
"""The settings that a site has while it is measured."""


@outrider.command("bench")
@partial(with_settings, without=BENCH_DECIDES)
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
@click.option("--report", metavar="FILE", help="Write a report with plots, one HTML file.")
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
    options = Options(**{name: flags.pop(name) for name in BENCH_OPTIONS})
    report = report and bench.writable_report(_output(report, cwd))
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    with serve.stoppable():
        if is_url(flags["target"]):
            bench.refuse_what_needs_a_start(given, compare=compare)
            found = bench.of_url(flags["target"], mine, options)
        else:
            at = bench.Places.free()
            settings = [
                Settings({k: v for k, v in one.given.items() if k != "run_dir"})
                for one in _settings({**flags, "bind": str(at.outrider)}, env, cwd)
            ]
            fleet, app_envs = _look_and_decide(settings, env, cwd)
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


BENCH_OPTIONS = ("clients", "rate", "seconds", "path", "upload_path", "large_path")


@outrider.group()
def export() -> None:
    """Write the site's description out, to be kept and run by something else."""


@export.command("nginx")
@with_settings
@click.option(
    "-o", "--output", default="deploy/nginx", show_default=True, metavar="DIR", help="Where to."
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
    settings = _settings(flags, env, cwd)
    directory = _output(output, cwd)
    if settings[0].get("run_dir") is None:
        run_dir = Given(directory, "--output")
        settings = [Settings({**one.given, "run_dir": run_dir}) for one in settings]
    fleet = kept(_look_and_decide(settings, env, cwd)[0])
    for whose, decision in _decisions(fleet):
        if decision.name == "collectstatic" and decision.is_warning:
            console.warn(f"{whose}{decision.name}: {decision.value}; {decision.why}")
    for _, extra in fleet.extras.values():
        command = shlex.join(extra.argv)
        console.warn(f"process {extra.name} is not in these files; start it yourself: {command}")
    artifacts = lay_out(fleet)
    if show_diff:
        console.write(files.diff(directory, artifacts))
        return
    for written in files.export(directory, artifacts):
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
        click.option("-o", "--output", metavar="DIR", help="Where to.  [default: the project]"),
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
    where = {name: flags.pop(name) for name in WHERE}
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
    where = {name: flags.pop(name) for name in WHERE}
    before = None
    if start is not None:
        cwd, output = str(Path.cwd()), where["output"]
        output = _output(output, cwd) if output else None
        before = look_before(_output(start, cwd), dict(os.environ), service, output)
    found = _contain(console, flags, is_alpine=alpine, before=before)
    _put(console, found.directory, found.compose(is_for_development=dev), **where)
    _tell_before(console, found)
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


@outrider.group()
def deploy() -> None:
    """Bring a new release into service."""


@deploy.command("compose")
@click.option(
    "--directory",
    default=".",
    show_default=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Where compose.yaml is.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="How long the new app may take to answer.  [default: what its health check says]",
)
@click.pass_obj
def deploy_to_compose(console: Console, /, *, directory: str, wait: float | None) -> None:
    """Replace the running app by what is in this folder, without a lost request.

    Builds the images of the Compose project that `outrider export compose` has written, runs the
    release step, and starts the new app beside the old one, which leaves when the new one answers.
    If that never happens, the old code serves on.
    """
    from outrider.deploy import deploy_compose  # noqa: PLC0415

    deploy_compose(directory, dict(os.environ), console.step, wait)
    console.step("the new release serves")


def _tell_before(console: Console, found: Contained) -> None:
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


WHERE = ("output", "show_diff", "check")
"""What tells where the files of an image go, and whether they do."""


def _contain(console: Console, flags: dict[str, Any], **how: Any) -> Contained:
    env, cwd = dict(os.environ), str(Path.cwd())
    how |= {"cpus": flags.pop("cpus"), "memory_bytes": flags.pop("memory")}
    settings = _settings(flags, env, cwd)
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
    directory = _output(output, str(Path.cwd())) if output else project
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


def _output(raw: str, cwd: str) -> str:
    try:
        return os.path.normpath(Path(cwd, parse_path(raw)))
    except BadValueError as error:
        raise errors.bad_output(raw, str(error)) from None


def _settings(flags: dict[str, Any], env: Mapping[str, str], cwd: str) -> Sequence[Settings]:
    return resolve_sites(flags, env, discover.find_configuration(cwd), cwd)


def _look_and_decide(
    settings: Sequence[Settings], env: dict[str, str], cwd: str
) -> tuple[Fleet, list[dict[str, str]]]:
    """Return the sites, and the environment of each one's app."""
    more = [discover.read_env_file(one) for one in settings]
    facts = discover.discover_all(settings, [{**env, **one} for one in more], cwd)
    fleet = plan_fleet(facts, settings)
    pairs = zip(more, fleet.sites, strict=True)
    return fleet, [serve.app_environment(env, one, site) for one, site in pairs]


def _decisions(fleet: Fleet) -> Iterator[tuple[str, Decision]]:
    """Yield each decision, and before it whose it is where there are several sites."""
    for decision in fleet.decisions:
        yield "", decision
    for site in fleet.sites:
        for decision in site.decisions:
            yield "" if site.is_alone else f"site {site.name}: ", decision


def _announce(console: Console, fleet: Fleet) -> None:
    for site in fleet.sites:
        console.step(f"{site.process.target} is served at {site.url}")
        for mount in site.mounts:
            near = mount.directory.removeprefix(site.process.directory + "/")
            console.found("Nginx", f"serves {mount.url} from {near}")
        console.found(site.process.server.title, f"serves the rest: {site.workers_shown}")
        if site.extras:
            console.found("beside", ", ".join(extra.name for extra in site.extras))
    console.found("stop", "Ctrl-C; requests in progress may finish")


for _command in operate.COMMANDS:
    outrider.add_command(_command)


def main() -> None:
    """Run the command line."""
    files.hold_standard_streams()
    console = Console.standard(dict(os.environ))
    console.clock = serve.now
    try:
        outrider(obj=console, prog_name="outrider")
    except Exception:  # noqa: BLE001 - the last line of defence: say that it is ours
        console.error(
            OutriderError(
                "internal",
                "Outrider made a mistake; this is not your fault",
                found=[traceback.format_exc().rstrip()],
                fix=["please report it with the lines above"],
                exit_code=Exit.INTERNAL,
            )
        )
        sys.exit(int(Exit.INTERNAL))
