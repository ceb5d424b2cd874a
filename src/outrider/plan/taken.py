"""What is taken over from files that somebody wrote by hand, and what is not."""

from __future__ import annotations

import os.path
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outrider import errors
from outrider.plan.faults.compose import shared_static
from outrider.plan.image import PROJECT
from outrider.plan.ledger import Ledger
from outrider.plan.taken_database import moved, take_database
from outrider.settings import Given, Settings
from outrider.stack import Names, Volume
from outrider.values import Address, BadValueError, parse_server_name, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from outrider.databases import Database
    from outrider.handwritten import ComposeService, Mounted, StartingPoint
    from outrider.plan.roles import Roles
    from outrider.site import Decision, Site

_CODE = "the image has the code"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a Compose project has from the one before it."""

    names: Names = field(default_factory=Names)
    project: str = ""
    """As Compose calls it, and so its volumes; empty: it has no name yet."""
    published: Address | None = None
    env_files: tuple[str, ...] = ()
    """Relative to where compose.yaml will be."""
    databases: tuple[Database, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    """Of the app."""
    secrets: tuple[tuple[str, str], ...] = ()
    """Values for .env, by their variables."""
    is_told: frozenset[str] = frozenset()
    """Variables that the app has from its environment files."""
    data: tuple[Volume, ...] = ()
    """Volumes and folders of the app."""
    volumes: tuple[tuple[str, str], ...] = ()
    """What the engine calls each."""
    decisions: tuple[Decision, ...] = ()


# -- before the app is looked at -------------------------------------------------------------------


def settings_from(start: StartingPoint, roles: Roles, own: Settings) -> Settings:
    """Return settings with what the files say of the app, where nothing else says it."""
    said: dict[str, Given] = {}
    command = roles.command
    if command.target:
        said["target"] = Given(command.target, roles.command_source)
    timeout = command.option("-t", "--timeout") if command.program == "gunicorn" else ""
    if timeout.isdigit() and int(timeout) > 0:
        said["timeout"] = Given(int(timeout), roles.command_source)
    for one in start.all("client_max_body_size"):
        size = _parsed(parse_size, one.words[0] if one.words else "")
        if size:
            said["body_limit"] = Given(size, one.where)
    names = [
        (name, one.where)
        for one in start.all("server_name")
        for word in one.words
        if word not in ("_", "localhost") and not word.startswith("~")
        if (name := _parsed(parse_server_name, word))
    ]
    if names:
        every = tuple(dict.fromkeys(name for name, _ in names))
        said["server_names"] = Given(every, names[0][1])
    return Settings({**said, **own.given})


def _parsed(parse: Callable[[object], Any], text: str) -> Any:
    """Return a value of Nginx's as one of ours, None where it is none of ours."""
    try:
        return parse(text)
    except BadValueError:
        return None


# -- after it --------------------------------------------------------------------------------------


def take_over(
    start: StartingPoint, roles: Roles, *, project: str, output: str, known: frozenset[str]
) -> Taken:
    """Decide what the new Compose project has from the old one.

    Args:
        start: what the files say.
        roles: which service is what.
        project: the project's folder.
        output: where compose.yaml will be.
        known: the variables that the app's source names.

    Raises:
        OutriderError: the app is built from another folder.
    """
    ledger = Ledger(Settings())
    if start.compose is None:
        return Taken()
    app = roles.app
    _refuse_elsewhere(start, app, project)
    _note_services(roles, ledger)
    databases, secrets = [], dict(_secrets(app, known))
    for kind, service in roles.databases:
        row, told = take_database(kind, service, start, roles, output, ledger)
        databases.append(row)
        secrets |= told
    _note_others(start, roles, ledger)
    data = tuple(_data(start, roles, project, output, ledger))
    kept = [one.name for one in data if not one.is_folder]
    kept += [name for row in databases for name, _ in row.folders if _is_named(name, roles)]
    if kept:
        ledger.note("project", start.compose.project, _file(start), "so that volumes are found")
    return Taken(
        names=_names(roles, ledger),
        project=start.compose.project if kept else "",
        published=_published(roles, ledger),
        env_files=_env_files(start, app, output, ledger),
        databases=tuple(databases),
        environment=_environment(app, secrets),
        secrets=tuple(secrets.items()),
        is_told=frozenset(dict(app.told) if app else ()),
        data=data,
        volumes=tuple(
            {
                **{name: f"{start.compose.project}_{name}" for name in kept},
                **dict(start.compose.volumes),
            }.items()
        ),
        decisions=tuple(ledger.decisions),
    )


def _is_named(name: str, roles: Roles) -> bool:
    """Tell whether a volume with a name was there before."""
    return any(
        one.source == name and not one.is_path
        for _, service in roles.databases
        for one in service.mounts
    )


def _file(start: StartingPoint) -> str:
    return start.compose.path.rpartition("/")[2] if start.compose else ""


def _refuse_elsewhere(start: StartingPoint, app: ComposeService | None, project: str) -> None:
    """Refuse an app whose code is not in the project; files alone may lie anywhere."""
    build = app.build if app else None
    if app is None or build is None or build == start.directory:
        return
    if "://" in build or not (_is_within(project, build) or _is_within(build, project)):
        raise errors.built_elsewhere(app.name, build, project)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _note_services(roles: Roles, ledger: Ledger) -> None:
    if roles.app:
        before = f"before, it was the image {roles.app.image}" if roles.app.image else ""
        ledger.note(
            "app",
            f"service {roles.app.name}",
            roles.command_source or "the services",
            before and f"built from this project; {before}",
        )
    if roles.proxy:
        ledger.note(
            "proxy", f"service {roles.proxy.name}", "the services", "this project's own image"
        )


def _names(roles: Roles, ledger: Ledger) -> Names:
    """Return the names of services and networks that stay as they are."""
    usual = Names()
    app, proxy = roles.app, roles.proxy
    name = app.name if app else usual.app
    front = proxy.name if proxy else usual.proxy if name != usual.proxy else "nginx"
    web, data = usual.web, usual.data
    if app and proxy:
        both = [one for one in proxy.networks if one in app.networks and one != "default"]
        web = both[0] if both else web
        inner = {one for _, service in roles.databases for one in service.networks}
        apart = [one for one in app.networks if one in inner and one not in proxy.networks]
        data = apart[0] if apart and apart[0] != "default" else data
    if web != usual.web:
        ledger.note("network", web, f"service {front}", "of the proxy and the app")
    return Names(app=name, proxy=front, web=web, data=data if data != web else f"{data}-data")


def _published(roles: Roles, ledger: Ledger) -> Address | None:
    """Return the port that the site was reached at."""
    who = roles.proxy or roles.app
    ports = [one for one in who.ports if one.published[:5].split("-")[0].isdigit()] if who else []
    plain = [one for one in ports if one.target != "443"] or ports
    if who is None or not plain:
        return None
    port = plain[0]
    address = Address(host=port.host or "0.0.0.0", port=int(port.published.split("-")[0]))  # noqa: S104 - as before
    ledger.note("published", str(address), f"service {who.name}")
    for one in ports:
        if one is not port:
            why = "TLS is for a proxy in front" if one.target == "443" else "one port is the site's"
            ledger.note(
                "not published", one.published, f"service {who.name}", f"any more: {why}", warn=True
            )
    return address


def _env_files(
    start: StartingPoint, app: ComposeService | None, output: str, ledger: Ledger
) -> tuple[str, ...]:
    found = []
    for name in app.env_files if app else ():
        is_there = dict(start.paths).get(name) != "missing" and not name.startswith("/")
        # What is not beside the files is where compose.yaml will be, as every .env is.
        near = moved(f"./{name}", start, output).removeprefix("./") if is_there else name
        found.append(near)
        ledger.note("env file", near, f"service {app.name}" if app else "")
    return tuple(found)


def _secrets(app: ComposeService | None, known: frozenset[str]) -> Iterable[tuple[str, str]]:
    """Yield the keys that stand in the Compose file for everybody to read."""
    for name, value in app.environment if app else ():
        is_key = re.search(r"(^|_)(SECRET(_KEY)?|PASSWORD|TOKEN)$", name)
        # Compose takes `$$` for one `$`.
        if name in known and is_key and "$" not in value.replace("$$", ""):
            yield name, value.replace("$$", "$")


def _environment(
    app: ComposeService | None, secrets: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return what the app is told; of how many workers there are, the new file decides."""
    own = {"WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"}
    return tuple(
        (name, f"${{{name}:?see .env}}" if name in secrets else value)
        for name, value in (app.environment if app else ())
        if name not in own
    )


# -- what the app keeps ----------------------------------------------------------------------------


def _data(
    start: StartingPoint, roles: Roles, project: str, output: str, ledger: Ledger
) -> Iterable[Volume]:
    """Yield the app's volumes, without those that carry code or static files."""
    if roles.app is None:
        return
    dropped = shared_static(roles)
    for one in roles.app.mounts:
        shown = f"{one.source or 'a volume'}:{one.target}"
        if one.source in dropped:
            ledger.note("dropped", shown, f"service {roles.app.name}", "it carried static files")
        elif _is_code(one, start, project) or one.target == _workdir(start):
            ledger.note("dropped", shown, f"service {roles.app.name}", f"{_CODE}; or use --dev")
        elif one.is_path and posixpath.splitext(one.target)[1]:
            ledger.note(
                "not taken over",
                shown,
                f"service {roles.app.name}",
                "a file is not mounted; where it is in the project, the image has it",
                warn=True,
            )
        elif one.source:
            yield _kept(one, start, output, roles.app.name, ledger)


def _kept(one: Mounted, start: StartingPoint, output: str, app: str, ledger: Ledger) -> Volume:
    inside = in_image(one.target, start)
    source = moved(one.source, start, output)
    place = source if one.is_path else f"{start.compose.project if start.compose else ''}_{source}"
    ledger.note(
        "kept",
        f"{source}:{inside}",
        f"service {app}",
        "the app is user 10001 now, and must own it; once, before the start: "
        f"docker run --rm --volume {place}:/data python:3-slim chown -R 10001:10001 /data",
        warn=True,
    )
    return Volume(
        name=source, directory=inside, is_folder=one.is_path, is_read_only=one.is_read_only
    )


def _workdir(start: StartingPoint) -> str:
    return start.dockerfile.workdir if start.dockerfile else ""


def in_image(target: str, start: StartingPoint) -> str:
    """Return where a folder of the old image is in the new one."""
    workdir = _workdir(start).rstrip("/")
    if workdir and _is_within(target, workdir):
        return PROJECT + target.removeprefix(workdir).rstrip("/")
    return target.rstrip("/")


def _is_code(one: Mounted, start: StartingPoint, project: str) -> bool:
    if not one.is_path:
        return False
    here = os.path.normpath(os.path.join(start.directory, one.source))  # noqa: PTH118 - pure
    return here == project


# -- what is not -----------------------------------------------------------------------------------


def _note_others(start: StartingPoint, roles: Roles, ledger: Ledger) -> None:
    for one in roles.others:
        if roles.app and (one.image, one.build) == (roles.app.image, roles.app.build):
            line = f"{one.name} = {' '.join(one.command)!r}"
            why = f"it runs beside the app when outrider.toml has, below [processes]:  {line}"
        else:
            why = "keep it in a file of its own:  docker compose -f compose.yaml -f FILE up -d"
        ledger.note("not taken over", f"service {one.name}", _file(start), why, warn=True)
    for name in sorted(start.compose.external_networks if start.compose else ()):
        ledger.note(
            "not taken over",
            f"network {name}",
            _file(start),
            "it is made elsewhere; add it to the proxy where something else must reach that",
            warn=True,
        )


def note_locations(start: StartingPoint, site: Site) -> tuple[Decision, ...]:
    """Say which folders Nginx served that the app does not name.

    Args:
        start: what the files say.
        site: as planned.
    """
    ledger = Ledger(Settings())
    served = {mount.url for mount in site.mounts}
    for one in start.all("location"):
        has_folder = any(inner.name in ("alias", "root") for inner in one.block or ())
        url = f"{one.words[-1].rstrip('/')}/" if one.words else "/"
        if has_folder and re.fullmatch(r"(/[\w.-]+)+/", url) and url not in served:
            ledger.note(
                "not taken over",
                str(one),
                one.where,
                f"the app names no folder for it; if there is one:  --media {url}=FOLDER  for "
                f"uploads, or  --static {url}=FOLDER",
                warn=True,
            )
    return tuple(ledger.decisions)
