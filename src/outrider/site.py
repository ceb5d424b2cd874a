"""The model: one description of a site, from which every artifact is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from outrider import servers
from outrider.values import Address  # noqa: TC001 - part of the model


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One value, where it came from and why it is what it is."""

    name: str
    value: str
    origin: str
    why: str = ""
    is_warning: bool = False
    """Something the operator should read before the site faces the world."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder that Nginx serves itself."""

    url: str
    """URL prefix with a slash at both ends."""
    directory: str
    """Absolute path without a closing slash."""
    kind: str
    """`static` (the site's own files), `media` (uploads: nothing in it may be active) or `spa` (a
    single-page application, whose index answers for its routes)."""
    max_age_s: int | None = None
    """How long a browser may use an unhashed file without asking; None: it asks each time."""
    falls_back: bool = False
    """What is not in the folder, the app answers."""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Collect:
    """Django's collectstatic, run before the start."""

    directory: str
    """Where to, absolute."""
    settings_module: str
    is_override: bool
    """The settings name no STATIC_ROOT, so that the command is told of one."""


@dataclass(frozen=True, kw_only=True)
class FileRoot:
    """A folder whose files Nginx sends when the app hands one out."""

    directory: str
    """Absolute path without a closing slash."""
    url: str
    """The internal URL prefix, which no client can ask for."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """What runs the app: target, interpreter, directories."""

    target: str
    interface: str
    python: str
    directory: str
    """Working directory, the project's."""
    import_root: str
    server: servers.Server
    variables: tuple[tuple[str, str], ...] = ()
    """What its framework has to find in the environment."""


@dataclass(frozen=True, kw_only=True)
class ExtraProcess:
    """A program that runs beside the site, with the environment and the folder of its app."""

    name: str
    argv: tuple[str, ...]
    """The first is the program's absolute path."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Gunicorn's processes and threads."""

    count: int
    threads: int
    kind: str = "sync"
    """Gunicorn's worker: `outrider`, `sync`, `gthread` or `asgi`."""
    temp_directory: str | None
    """For the heartbeat files; None: Gunicorn's own choice."""
    max_requests: int | None = None
    """After how many a worker is replaced, each at its own time; None: never."""
    max_age_s: int | None = None
    """The same, of the seconds that it has served."""
    max_memory_bytes: int | None = None
    """The same, of the memory that it takes."""

    @property
    def is_recycled(self) -> bool:
        """A worker is replaced after a while."""
        return any((self.max_requests, self.max_age_s, self.max_memory_bytes))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits in seconds, sizes in bytes."""

    timeout_s: int
    boot_timeout_s: int
    drain_timeout_s: int
    body_limit_bytes: int
    open_files: int
    backlog: int

    @property
    def read_timeout_s(self) -> int:
        """Nginx waits longer than Gunicorn, so that the side that logs the cause fails first."""
        return self.timeout_s + 5

    @property
    def stream_timeout_s(self) -> int:
        """How long a WebSocket or a stream of events may be silent; a dead peer is found sooner."""
        return 3600

    @property
    def graceful_timeout_s(self) -> int:
        """Gunicorn cuts requests off later than the supervisor does, who says so."""
        return self.drain_timeout_s + 5

    @property
    def connections(self) -> int:
        """Of a server that reads requests itself and holds them: Waitress."""
        return max(256, min(4096, (self.open_files - 64) // 2))


@dataclass(frozen=True, kw_only=True)
class ErrorPage:
    """A page of the user's own for what Nginx has to say."""

    name: str
    """What it is about, as Nginx's own page is called: `too_large` …"""
    text: str

    @property
    def path(self) -> str:
        """The file, beside nginx.conf."""
        return f"pages/{self.name}.html"


@dataclass(frozen=True, kw_only=True)
class Front:
    """Nginx."""

    binary: str
    version: tuple[int, int, int]
    directives: frozenset[str]
    clients: int
    """How many may be connected at a time."""
    workers: int
    connections: int
    """Of each worker, those to the app included."""
    snippet: str | None
    live_path: str = "/-/live"
    """What Nginx itself answers."""
    ready_path: str = "/-/ready"
    """What shows that the app answers, below a site's prefix."""
    health_from: tuple[str, ...] = ()
    """Who may ask for them, beside this machine and proxies of ours."""
    error_pages: tuple[ErrorPage, ...] = ()
    counts_connections: bool = False
    """It can tell how many clients are connected."""
    connections_path: str = "/_outrider/connections"
    """Where it tells that."""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where a running site keeps its things; everything lies below `run`."""

    run: str
    app: str = "app"
    """The name of the app's socket."""
    folder: str = ""
    """Below `run`, where the app's own files are: apart where several sites share `run`."""
    remote: str = ""
    """`HOST:PORT` at which Nginx finds the app, where that runs in another container."""
    mark: str = ""
    """Tells the socket of one generation from another's, where each binds its own."""

    @property
    def socket(self) -> str:
        """The app's socket, between Nginx and Gunicorn."""
        return f"{self.run}/{self.app}{self.mark}.sock"

    @property
    def control(self) -> str:
        """The supervisor's socket, for `status` and the like."""
        return f"{self.run}/control.sock"

    @property
    def listens(self) -> str:
        """Where the app's server listens: its socket, or a port of its container."""
        return f"0.0.0.0:{self.remote.rpartition(':')[2]}" if self.remote else self.socket

    @property
    def starting(self) -> str:
        """A file that is there while the app cannot answer yet, so that Nginx says so at once."""
        return f"{self.run}/{self.app}.starting"

    @property
    def maintenance(self) -> str:
        """A file that is there while visitors are told to come back later."""
        return f"{self.run}/maintenance"

    @property
    def admitted(self) -> str:
        """A folder with an empty file for each address that sees the site all the same."""
        return f"{self.run}/admitted"

    def within(self, name: str) -> str:
        """Return the path of a file of the app's own, from `run`."""
        return f"{self.folder}/{name}" if self.folder else name

    @property
    def temp(self) -> str:
        """Where Nginx spools bodies: how its folders' names begin, which it makes itself."""
        return f"{self.run}/temp-"


@dataclass(frozen=True, kw_only=True)
class User:
    """Whom Nginx and the app run as."""

    uid: int
    gid: int
    name: str
    groups: tuple[int, ...] = ()
    group: str | None = None
    """The name of `gid`, where it has one."""
    home: str = "/"
    is_changed: bool = False
    """It is another than the one who started Outrider."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A whole site: one app, and the front that it may share. Same Site, same bytes."""

    name: str
    bind: Address
    server_names: tuple[str, ...]
    """Empty: any host."""
    prefix: str
    """Without closing slash; empty for the root."""
    process: Process
    workers: Workers
    limits: Limits
    mounts: tuple[Mount, ...]
    file_roots: tuple[FileRoot, ...]
    front: Front
    trusted_proxies: tuple[str, ...]
    log_format: str
    metrics: Address | None = None
    """Where figures are told."""
    user: User
    paths: Paths
    env_file: str | None
    collect: Collect | None = None
    extras: tuple[ExtraProcess, ...] = ()
    """Started in this order, and stopped in the other one."""
    release: tuple[str, ...] = ()
    """What runs once before the app starts, the program as an absolute path."""
    decisions: tuple[Decision, ...] = ()

    @property
    def workers_shown(self) -> str:
        """`5 workers`, `2 workers of 4 threads`, for people."""
        count, threads = self.workers.count, self.workers.threads
        if self.process.server.name == "gunicorn" and self.workers.kind != servers.OUTRIDER:
            return f"{count} {self.workers.kind} workers"
        each = f"{threads} threads" if threads > 1 else ""
        if not self.process.server.has_processes:
            return each or "1 thread"
        return f"{count} worker{'s' * (count != 1)}" + (f" of {each}" if each else "")

    @property
    def worker_class(self) -> str:
        """What Gunicorn knows the worker by."""
        return (
            "outrider_worker.Worker" if self.workers.kind == servers.OUTRIDER else self.workers.kind
        )

    @property
    def folders(self) -> tuple[Mount, ...]:
        """The folders with a URL prefix of their own."""
        return tuple(mount for mount in self.mounts if mount.url != self.prefix + "/")

    @property
    def top(self) -> Mount | None:
        """The folder whose files are looked for before the app is asked, if there is one."""
        beside = (mount for mount in self.mounts if mount.kind != "spa")
        return next((mount for mount in beside if mount.url == self.prefix + "/"), None)

    @property
    def is_asked_again(self) -> bool:
        """The app answers for what is not in a folder."""
        return any((self.spa, self.top, *(mount.falls_back for mount in self.folders)))

    @property
    def spa(self) -> Mount | None:
        """The single-page application, if there is one."""
        return next((mount for mount in self.mounts if mount.kind == "spa"), None)

    @property
    def is_alone(self) -> bool:
        """It shares the front with no other site."""
        return not self.paths.folder

    @property
    def name_among_others(self) -> str:
        """Its name where there are several; empty where it goes without saying."""
        return "" if self.is_alone else self.name

    @property
    def asked_as(self) -> str:
        """A host name that the app accepts."""
        whole = (name for name in self.server_names if "*" not in name and ":" not in name)
        below = (f"www.{name[2:]}" for name in self.server_names if name.startswith("*."))
        return next(chain(whole, below), "localhost")

    @property
    def ready_path(self) -> str:
        """The page that shows that the app answers."""
        return self.prefix + self.front.ready_path

    @property
    def url(self) -> str:
        """Where a browser finds the site: on this machine, or by its own name among others."""
        local = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
        host = local.get(self.bind.host, self.bind.host)
        if not self.is_alone:
            whole = [name for name in self.server_names if "*" not in name]
            host = [*whole, *self.server_names, host][0]
        host = f"[{host}]" if ":" in host else host
        port = "" if self.bind.port == 80 else f":{self.bind.port}"
        return f"http://{host}{port}{self.prefix}/"


@dataclass(frozen=True, kw_only=True)
class Server:
    """What Nginx answers under some host names: the sites of these names, each at its prefix."""

    names: tuple[str, ...]
    """Empty: any host that no other server names."""
    sites: tuple[Site, ...]
    """The longest prefix first, as it is the one that counts."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The sites behind one Nginx, most often one. What is the front's is the same in each Site."""

    sites: tuple[Site, ...]
    decisions: tuple[Decision, ...] = ()
    """Of several sites: what was decided once for all; one has all of its own."""

    @property
    def first(self) -> Site:
        """Any of them, for what is the front's."""
        return self.sites[0]

    @property
    def extras(self) -> dict[str, tuple[Site, ExtraProcess]]:
        """The extra processes of all sites, by names that no app has."""
        return {
            f"{site.paths.app}/{extra.name}": (site, extra)
            for site in self.sites
            for extra in site.extras
        }

    @property
    def releases(self) -> dict[str, Site]:
        """The sites with a release step, by names that no other process has."""
        return {f"{site.paths.app}/release": site for site in self.sites if site.release}

    @property
    def body_limit_bytes(self) -> int:
        """The largest of any site."""
        return max(site.limits.body_limit_bytes for site in self.sites)

    @property
    def servers(self) -> tuple[Server, ...]:
        """The sites by their host names, those for any host last.

        The host decides first and the prefix second, as Nginx does it, so that each name belongs to
        one server: two sites can share one name and not the other.
        """
        of_name: dict[str, list[Site]] = {}
        for site in sorted(self.sites, key=lambda site: (-len(site.prefix), site.prefix)):
            for name in dict.fromkeys(site.server_names or ("",)):
                of_name.setdefault(name, []).append(site)
        alike: dict[tuple[str, ...], list[str]] = {}
        for name, sites in of_name.items():
            alike.setdefault(tuple(site.paths.app for site in sites), []).append(name)
        servers = [
            Server(names=tuple(filter(None, names)), sites=tuple(of_name[names[0]]))
            for names in alike.values()
        ]
        return tuple(sorted(servers, key=lambda server: not server.names))
