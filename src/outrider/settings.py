"""The one table of settings: each row gives the flag, the variable, the TOML key and the parser.

A value is read from flags, then `OUTRIDER_*`, then `outrider.toml` or `[tool.outrider]`. What none
of them says is left to `plan`, which asks the app, then the machine, then takes a default.
"""

from __future__ import annotations

import difflib
import os.path
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from outrider import errors
from outrider.servers import SERVERS, WORKER_CLASSES
from outrider.values import (
    BadValueError,
    UrlDirectory,
    kind_of,
    parse_address,
    parse_address_or_none,
    parse_choice,
    parse_command,
    parse_count,
    parse_name,
    parse_network,
    parse_page,
    parse_path,
    parse_prefix,
    parse_proxies,
    parse_seconds,
    parse_server_name,
    parse_size,
    parse_text,
    parse_url_directory,
    parse_words,
)

ENV_PREFIX = "OUTRIDER_"


@dataclass(frozen=True)
class Given:
    """A value that the user gave, and where."""

    value: Any
    origin: str
    """`--workers`, `OUTRIDER_WORKERS`, `outrider.toml [workers]` …"""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row: everything that Outrider knows of a setting except its default.

    The default belongs to `plan`, because most defaults depend on the app or the machine.
    """

    name: str
    parse: Callable[[object], Any]
    help: str
    metavar: str
    flag: str | None = None
    many: bool = False
    """The flag repeats; the variable is separated by spaces; the TOML value is a list."""
    separator: str | None = None
    """What separates the variable's values where they may have spaces."""
    is_path: bool = False
    """Relative to the file that names it, or to the current directory for flags and variables."""
    is_of_front: bool = False
    """One value for all sites, so that it stands above the [[site]] tables, not in one of them."""
    default: str = ""
    """The default in words, for the reference page."""

    @property
    def option(self) -> str:
        """The flag as typed."""
        return self.flag or "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return ENV_PREFIX + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="target",
        parse=parse_text,
        metavar="TARGET",
        flag="TARGET",
        help="The app: module:attr, module, module:factory(), a path to a file.",
        default="found in the project: manage.py, wsgi.py, app.py, main.py, asgi.py, "
        "production.ini, FLASK_APP, DJANGO_SETTINGS_MODULE",
    ),
    Setting(
        name="directory",
        parse=parse_path,
        metavar="DIR",
        is_path=True,
        help="The app's project folder, where it is looked for and runs.",
        default="the current directory",
    ),
    Setting(
        name="name",
        parse=parse_name,
        metavar="NAME",
        help="What the site is called in the log and in messages.",
        default="its folder's name; of several sites: the prefix, else the first host name",
    ),
    Setting(
        name="bind",
        parse=parse_address,
        metavar="HOST:PORT",
        is_of_front=True,
        help="Where Nginx listens.",
        default="127.0.0.1:8000",
    ),
    Setting(
        name="server_names",
        parse=parse_server_name,
        metavar="NAME",
        flag="--server-name",
        many=True,
        help="A host name that the site answers to; any other host gets 421. '*' means any.",
        default="from the app (SERVER_NAME, TRUSTED_HOSTS, ALLOWED_HOSTS), else any",
    ),
    Setting(
        name="prefix",
        parse=parse_prefix,
        metavar="/PATH",
        help="The URL prefix that the app is mounted under.",
        default="from the app (APPLICATION_ROOT, FORCE_SCRIPT_NAME, root_path), else /",
    ),
    Setting(
        name="server",
        parse=parse_choice(*SERVERS),
        metavar="NAME",
        help=f"The application server, to be installed with the app: {', '.join(SERVERS)}.",
        default="gunicorn",
    ),
    Setting(
        name="workers",
        parse=parse_count,
        metavar="N",
        help="Worker processes.",
        default="2 x CPUs + 1, at most 12, as far as memory allows",
    ),
    Setting(
        name="threads",
        parse=parse_count,
        metavar="N",
        help="Threads in each worker; 1 for an app that is not safe with more.",
        default="4 for an app that waits for a database or another service, else 1",
    ),
    Setting(
        name="worker_class",
        parse=parse_choice(*WORKER_CLASSES),
        metavar="NAME",
        help="Gunicorn's worker for a WSGI app: outrider, or Gunicorn's own sync or gthread.",
        default="outrider, made for standing behind Nginx",
    ),
    Setting(
        name="max_requests",
        parse=parse_count,
        metavar="N",
        help="After about so many requests a worker is replaced.",
        default="never",
    ),
    Setting(
        name="max_age",
        parse=parse_seconds,
        metavar="SECONDS",
        help="After so long, as 12h, a worker is replaced.",
        default="never",
    ),
    Setting(
        name="max_memory",
        parse=parse_size,
        metavar="SIZE",
        help="A worker that takes so much memory, as 512m, is replaced.",
        default="never",
    ),
    Setting(
        name="timeout",
        parse=parse_seconds,
        metavar="SECONDS",
        help="How long a request may take before it is ended.",
        default="30s, Gunicorn's own",
    ),
    Setting(
        name="boot_timeout",
        parse=parse_seconds,
        metavar="SECONDS",
        help="How long the app may take to import, and its first worker to become ready.",
        default="60s",
    ),
    Setting(
        name="drain_timeout",
        parse=parse_seconds,
        metavar="SECONDS",
        is_of_front=True,
        help="How long requests in progress may take to finish when the site stops.",
        default="30s, Gunicorn's graceful_timeout",
    ),
    Setting(
        name="body_limit",
        parse=parse_size,
        metavar="SIZE",
        help="The largest request body, as 10m; above it the client gets 413.",
        default="from the app (MAX_CONTENT_LENGTH or its framework's own), else 100m",
    ),
    Setting(
        name="static",
        parse=parse_url_directory,
        metavar="URL=DIR",
        many=True,
        is_path=True,
        help="A folder that Nginx serves at a URL, besides those that the app declares.",
        default="from the app: STATIC_ROOT, static folders, views and mounts at any depth",
    ),
    Setting(
        name="media",
        parse=parse_url_directory,
        metavar="URL=DIR",
        many=True,
        is_path=True,
        help="A folder of uploads that Nginx serves at a URL, with nothing in it active.",
        default="from the app: MEDIA_ROOT; UPLOAD_FOLDER when an open route serves it",
    ),
    Setting(
        name="spa",
        parse=parse_path,
        metavar="DIR",
        is_path=True,
        help="A built single-page application: files in DIR, its index.html for pages that the app "
        "does not know.",
        default="none",
    ),
    Setting(
        name="file_roots",
        parse=parse_path,
        metavar="DIR",
        flag="--file-root",
        many=True,
        is_path=True,
        help="A folder whose files Nginx sends when the app hands one out, as send_file does.",
        default="the project, its static and its media folders",
    ),
    Setting(
        name="collectstatic",
        parse=parse_choice("auto", "always", "never"),
        metavar="WHEN",
        help="Whether Django's collectstatic runs before the start: auto, always or never.",
        default="auto: when STATIC_ROOT is not set, missing or empty",
    ),
    Setting(
        name="connections",
        parse=parse_count,
        metavar="N",
        is_of_front=True,
        help="How many clients may be connected at a time, slow ones included; a WebSocket counts "
        "twice.",
        default="8192, as far as descriptors and memory allow",
    ),
    Setting(
        name="nginx_snippet",
        parse=parse_path,
        metavar="FILE",
        is_path=True,
        is_of_front=True,
        help="A file of your own directives, included in Nginx's server blocks.",
        default="none",
    ),
    Setting(
        name="error_pages",
        parse=parse_path,
        metavar="DIR",
        is_path=True,
        is_of_front=True,
        help="A folder with pages of your own: 413.html, 502.html, 503.html, 504.html, "
        "maintenance.html.",
        default="plain pages of Outrider's",
    ),
    Setting(
        name="trusted_proxies",
        parse=parse_proxies,
        metavar="CIDR",
        flag="--trusted-proxy",
        many=True,
        is_of_front=True,
        help="A proxy in front whose X-Forwarded-* headers are believed.",
        default="none: forwarding headers from outside are ignored",
    ),
    Setting(
        name="live_path",
        parse=parse_page,
        metavar="/PATH",
        is_of_front=True,
        help="The page that Nginx itself answers with 200 while it is alive.",
        default="/-/live",
    ),
    Setting(
        name="ready_path",
        parse=parse_page,
        metavar="/PATH",
        is_of_front=True,
        help="The page that has 200 while the app answers; below the prefix.",
        default="/-/ready",
    ),
    Setting(
        name="health_from",
        parse=parse_network,
        metavar="CIDR",
        many=True,
        is_of_front=True,
        help="Who may ask for live_path and ready_path besides; others get 404.",
        default="this machine, and trusted proxies for themselves",
    ),
    Setting(
        name="log_format",
        parse=parse_choice("text", "json"),
        metavar="text|json",
        is_of_front=True,
        help="Readable lines, or one JSON object a line.",
        default="text",
    ),
    Setting(
        name="metrics",
        parse=parse_address_or_none,
        metavar="HOST:PORT|none",
        is_of_front=True,
        help="Where figures are told: /metrics for Prometheus, and a dashboard for a browser.",
        default="none: every user of a machine can read its local addresses",
    ),
    Setting(
        name="nginx",
        parse=parse_path,
        metavar="FILE",
        is_path=True,
        is_of_front=True,
        help="The Nginx binary.",
        default="the system's, else the one of outrider[nginx]",
    ),
    Setting(
        name="python",
        parse=parse_path,
        metavar="FILE",
        is_path=True,
        help="The Python that has the app's packages, or its virtual environment.",
        default="VIRTUAL_ENV, .venv, venv, Poetry's, else the one that runs outrider",
    ),
    Setting(
        name="user",
        parse=parse_text,
        metavar="NAME",
        is_of_front=True,
        help="As root only: the user that Nginx and the app run as.",
        default="the owner of the project, else www-data, else nobody",
    ),
    Setting(
        name="run_dir",
        parse=parse_path,
        metavar="DIR",
        is_path=True,
        is_of_front=True,
        help="Where the running site keeps its sockets, configuration and spooled bodies.",
        default="outrider-UID/HOST-PORT in the temporary directory",
    ),
    Setting(
        name="processes",
        parse=parse_command,
        metavar="NAME=COMMAND",
        flag="--process",
        many=True,
        separator="\n",
        help="A program that runs beside the site: a queue's worker, a scheduler.",
        default="none",
    ),
    Setting(
        name="release",
        parse=parse_words,
        metavar="COMMAND",
        help="What runs once before the app starts and must succeed, as migrations.",
        default="none; Django's migrate under Compose",
    ),
    Setting(
        name="env_file",
        parse=parse_path,
        metavar="FILE",
        is_path=True,
        help="KEY=VALUE lines added to the app's environment.",
        default="none",
    ),
)

BY_NAME = {row.name: row for row in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """What the user said, parsed, each value with its origin."""

    given: Mapping[str, Given] = field(default_factory=dict)

    def get(self, name: str) -> Given | None:
        """Return what was given for a setting of the table, or None."""
        return self.given.get(BY_NAME[name].name)

    def value(self, name: str) -> Any:
        """Return the value alone, or None."""
        given = self.get(name)
        return None if given is None else given.value

    @property
    def label(self) -> str:
        """What tells a site from the others before anything is known of its app."""
        for name in ("name", "prefix", "server_names", "directory", "target"):
            value = self.value(name)
            if value:
                return value if isinstance(value, str) else str(value[0])
        return "/"


@dataclass(frozen=True, kw_only=True)
class TomlSource:
    """A configuration file that was read: `outrider.toml`, or the table of pyproject.toml."""

    name: str
    """As messages name it: `outrider.toml` or `pyproject.toml [tool.outrider]`."""
    directory: str
    table: Mapping[str, object]


SITE_KEY = "site"
"""`[[site]]`: one table for each of several sites."""


def site_tables(toml: TomlSource | None) -> tuple[TomlSource, ...]:
    """Return the `[[site]]` tables of a configuration file, none when it describes one site.

    Raises:
        OutriderError: there is something else of that name.
    """
    if toml is None or SITE_KEY not in toml.table:
        return ()
    tables = toml.table[SITE_KEY]
    if not isinstance(tables, list) or not tables:
        kind = "an empty list" if tables == [] else kind_of(tables)
        raise errors.not_site_tables(toml.name, kind)
    for table in tables:
        if not isinstance(table, dict):
            raise errors.not_site_tables(toml.name, f"a list with {kind_of(table)} in it")
    return tuple(
        TomlSource(
            name=f"{toml.name}: [[site]] {_label(table, number)}",
            directory=toml.directory,
            table=table,
        )
        for number, table in enumerate(tables, start=1)
    )


def _label(table: Mapping[str, object], number: int) -> str:
    """Return what tells a table from the others, before anything in it was understood."""
    names = table.get("server_names", table.get("server-names"))
    first = names[0] if isinstance(names, list) and names else names
    for told in (table.get("name"), table.get("prefix"), first, table.get("directory")):
        if isinstance(told, str) and told.isprintable() and told.strip():
            return told
    return str(number)


def resolve_sites(
    flags: Mapping[str, object], env: Mapping[str, str], toml: TomlSource | None, cwd: str
) -> tuple[Settings, ...]:
    """Return the settings of each site, each with those of the front.

    What stands above the `[[site]]` tables is every site's default. Flags and variables are for all
    sites, and stronger than the file.

    Args:
        flags: as for `resolve`.
        env: as for `resolve`.
        toml: as for `resolve`.
        cwd: as for `resolve`.

    Raises:
        OutriderError: as for `resolve`; a setting of the front in one of the tables; one app named
            for all sites.
    """
    tables = site_tables(toml)
    if toml is None or not tables:
        return (resolve(flags, env, toml, cwd),)
    target = resolve(flags, env, None, cwd).get("target")
    if target is not None:
        raise errors.target_of_several(str(target.value), target.origin, toml.name, len(tables))
    processes = resolve(flags, env, toml, cwd).get("processes")
    if processes is not None:
        # As a default of all sites, each would be started once for each of them.
        raise errors.processes_of_several(processes.origin, len(tables))
    return tuple(resolve(flags, env, toml, cwd, table) for table in tables)


def resolve(
    flags: Mapping[str, object],
    env: Mapping[str, str],
    toml: TomlSource | None,
    cwd: str,
    site: TomlSource | None = None,
) -> Settings:
    """Parse every value that was given and keep, for each setting, the one of the strongest origin.

    Values of weaker origins are parsed too, so that a mistake never hides behind a flag.

    Args:
        flags: by setting name; None or an empty tuple means that the flag was not typed.
        env: the environment; only `OUTRIDER_*` is read.
        toml: the configuration file, if there is one.
        cwd: what relative paths in flags and variables are relative to.
        site: one of the file's `[[site]]` tables.

    Raises:
        OutriderError: an unknown key (with the nearest name) or a bad value (with its origin).
    """
    given: dict[str, Given] = {}
    if toml is not None:
        table = {key: raw for key, raw in toml.table.items() if key != SITE_KEY}
        given |= _from_toml(replace(toml, table=table))
    if site is not None:
        given |= _from_toml(site, is_site=True)
    given |= _from_env(env, cwd)
    for name, raw in flags.items():
        row = BY_NAME[name]
        if raw is not None and raw != ():
            given[name] = Given(_parse(row, raw, row.option, cwd), row.option)
    return Settings(given)


def _from_toml(toml: TomlSource, *, is_site: bool = False) -> dict[str, Given]:
    given = {}
    for key, raw in toml.table.items():
        row = BY_NAME.get(key.replace("-", "_"))
        if row is None:
            known = BY_NAME if is_site else {**BY_NAME, SITE_KEY: None}
            raise errors.unknown_key(key, toml.name, nearest(key, known))
        if is_site and row.is_of_front:
            raise errors.setting_of_front(key, toml.name)
        origin = f"{toml.name}: {key}"
        given[row.name] = Given(_parse(row, raw, origin, toml.directory), origin)
    return given


def _from_env(env: Mapping[str, str], cwd: str) -> dict[str, Given]:
    known = {row.variable: row for row in SETTINGS}
    given = {}
    for variable in sorted(env):
        if not variable.startswith(ENV_PREFIX):
            continue
        row = known.get(variable)
        if row is None:
            raise errors.unknown_key(variable, "the environment", nearest(variable, known))
        raw: object = env[variable]
        if row.many:
            raw = tuple(filter(str.strip, env[variable].split(row.separator)))
        given[row.name] = Given(_parse(row, raw, variable, cwd), variable)
    return given


def _parse(row: Setting, raw: object, origin: str, directory: str) -> Any:
    try:
        if not row.many:
            return _anchor(row.parse(raw), directory, is_path=row.is_path)
        items = [raw] if isinstance(raw, str) else raw
        if isinstance(items, dict):
            items = list(items.items())
        if not isinstance(items, Sequence):
            msg = f"a list, not {kind_of(raw)}"
            raise BadValueError(msg)
        return tuple(_anchor(row.parse(item), directory, is_path=row.is_path) for item in items)
    except BadValueError as error:
        raise errors.bad_value(origin, raw, str(error), row) from None


def _anchor(value: Any, directory: str, *, is_path: bool) -> Any:
    """Make a path absolute against the place that names it."""
    if not is_path:
        return value
    if isinstance(value, UrlDirectory):
        return UrlDirectory(
            url=value.url, directory=_anchor(value.directory, directory, is_path=True)
        )
    absolute = os.path.normpath(os.path.join(directory, value))  # noqa: PTH118 - pure, on strings
    return parse_path(absolute)


def nearest(word: str, known: Mapping[str, object]) -> str | None:
    """Return the known name that looks most like `word`, or None when none is near."""
    matches = difflib.get_close_matches(word.replace("-", "_"), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
