"""The commands. Options are made from the table of settings; errors are caught once."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider import __version__, errors, files, serve
from outrider.cli import bench, export, operate
from outrider.cli.sites import decisions_of, look_and_decide, settings_of, with_settings
from outrider.console import Console
from outrider.discover.listeners import who_listens
from outrider.errors import Exit, OutriderError
from outrider.render.fleet import prepare

if TYPE_CHECKING:
    from outrider.site import Fleet


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
    settings = settings_of(flags, env, cwd)
    console.is_json = settings[0].value("log_format") == "json"
    with console.streaming(), serve.stoppable():
        fleet, app_envs = look_and_decide(settings, env, cwd)
        first = fleet.first
        for whose, decision in decisions_of(fleet):
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
            plan_again=lambda: look_and_decide(settings_of(flags, env, cwd), env, cwd),
        )
    click.get_current_context().exit(int(code))


@outrider.command("plan")
@with_settings
@click.option("--json", "as_json", is_flag=True, help="The site and its decisions, for a script.")
@click.pass_obj
def show_plan(console: Console, /, *, as_json: bool, **flags: Any) -> None:
    """Show what would run, and why each value is what it is. Starts nothing."""
    env, cwd = dict(os.environ), str(Path.cwd())
    fleet, _ = look_and_decide(settings_of(flags, env, cwd), env, cwd)
    if as_json:
        console.plan_json(fleet)
    else:
        console.plan(fleet)


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


for _command in (*operate.COMMANDS, bench.measure_slow_clients, export.export):
    outrider.add_command(_command)


def main() -> None:
    """Run the command line."""
    files.hold_standard_streams()
    console = Console.standard(dict(os.environ))
    console.clock = serve.now
    try:
        outrider(obj=console, prog_name="outrider")
    except Exception:  # noqa: BLE001 - the last line of defence: say that it is ours
        console.error(errors.our_mistake(traceback.format_exc()))
        sys.exit(int(Exit.INTERNAL))
