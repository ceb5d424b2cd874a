"""What cog writes into the reference pages: the tables of the program itself.

make docs
"""

from __future__ import annotations

import inspect

import click

from outrider import errors
from outrider.cli import outrider
from outrider.servers import SERVERS
from outrider.settings import SETTINGS


def settings() -> str:
    """Return every setting as a table."""
    lines = [
        "| in outrider.toml | flag | variable | what it is | without it |",
        "|---|---|---|---|---|",
    ]
    for row in SETTINGS:
        flag = f"`{row.option} {row.metavar}`" if row.name != "target" else "`TARGET`"
        many = " Repeats." if row.many else ""
        cells = [f"`{row.name}`", flag, f"`{row.variable}`", row.help + many, row.default]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def servers() -> str:
    """Return what each application server can do, as a table."""
    lines = [
        (
            "| `server` | package | from version | apps | workers | threads | WebSockets "
            "| a request that hangs | new code by SIGHUP | speaks | socket |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for server in SERVERS.values():
        cells = [
            f"`{server.name}`",
            f"[{server.package}]({server.options})",
            f"{server.floor}: [{server.floor_why}]({server.floor_source})",
            server.interface_names,
            "yes" if server.has_processes else "one process",
            ", ".join(one.upper() for one in server.threaded) or "no",
            "no" if server.websockets is None else server.websockets or "yes",
            server.ends_requests or "goes on",
            "replaces its workers" if server.reloads else "start it again",
            "`uwsgi_pass`" if server.protocol == "uwsgi" else "`proxy_pass`",
            "the supervisor's" if server.inherits_socket else "its own",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def front_settings() -> str:
    """Return the names of what belongs to the front."""
    return ", ".join(f"`{row.name}`" for row in SETTINGS if row.is_of_front)


def commands() -> str:
    """Return the help of every command."""
    return "\n\n".join(_helps(outrider, click.Context(outrider, info_name="outrider")))


def _helps(command: click.Command, context: click.Context) -> list[str]:
    found = [f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```"]
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            child = command.commands[name]
            found += _helps(child, click.Context(child, info_name=name, parent=context))
    return found


def catalogue() -> str:
    """Return every error with its exit code and what it means."""
    lines = []
    for exit_code in errors.Exit:
        members = [(error, text) for error, text in _errors() if error.exit_code == exit_code]
        for error, text in sorted(members, key=lambda pair: pair[0].id):
            lines.append(f"### {error.id}\n\nExit code {int(exit_code)}. {text}\n")
    return "\n".join(lines)


def exit_codes() -> str:
    """Return the table of exit codes."""
    lines = ["| exit code | kind |", "|---|---|"]
    return "\n".join(
        [*lines, *(f"| {int(code)} | {MEANINGS[code.name]} |" for code in errors.Exit)]
    )


MEANINGS = {
    "OK": "the site was asked to stop and did, or the command did what it is for",
    "INTERNAL": "a mistake of Outrider's own",
    "SETTINGS": "a flag, variable, file or combination of them that cannot be used",
    "TARGET": "the app was not found",
    "IMPORT": "importing the app failed",
    "NOT_AN_APP": "what was found is no app that can be served",
    "NGINX": "no usable Nginx",
    "GUNICORN": "no usable Python or application server for the app",
    "BIND": "the address cannot be listened on",
    "FILES": "a folder or file is missing, unreadable, unwritable or unsafe",
    "BOOT": "the site did not start",
    "DIED": "Nginx or the application server ended by itself and could not be started again",
    "KILLED": "something did not stop in time and was killed",
    "DOCKER": "no usable Docker, or one that has refused something",
    "BENCH": "the site that was to be measured does not answer as it should",
    "CONTROL": "no running site was found, or it does not do what it was asked for",
    "RELOAD": "new code did not take over; the old code serves on",
}


def _errors() -> list[tuple[errors.OutriderError, str]]:
    """Make one of each error, with placeholders for what it is told."""
    made = []
    for name, function in sorted(vars(errors).items()):
        if not inspect.isfunction(function) or not function.__module__.startswith(
            "outrider.errors."
        ):
            continue
        signature = inspect.signature(function)
        if signature.return_annotation != "OutriderError":
            continue
        words = {
            p.name: _placeholder(str(p.annotation), p.name)
            for p in signature.parameters.values()
            if p.default is inspect.Parameter.empty
        }
        made.append((function(**words), inspect.getdoc(function) or name))
    return made


def _placeholder(annotation: str, name: str) -> object:
    if annotation == "Setting":
        return SETTINGS[1]
    if "Server" in annotation:
        return SERVERS["waitress"] if annotation == "Server" else [*SERVERS.values()]
    return {"int": 1, "float": 1.0, "Sequence[str]": ["x"]}.get(annotation.partition(" |")[0], name)
