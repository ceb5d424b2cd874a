"""The model: one description of a site, from which every artifact is laid out."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.settings import Address  # noqa: TC001 - part of the model


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
    variables: tuple[tuple[str, str], ...] = ()
    """What its framework has to find in the environment."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Gunicorn's processes and threads."""

    count: int
    threads: int
    temp_directory: str | None
    """For the heartbeat files; None: Gunicorn's own choice."""


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
        """Connections of one Nginx worker: a proxied request takes two descriptors."""
        return max(256, min(4096, (self.open_files - 64) // 2))


@dataclass(frozen=True, kw_only=True)
class Front:
    """Nginx."""

    binary: str
    version: tuple[int, int, int]
    directives: frozenset[str]
    workers: int
    snippet: str | None


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where a running site keeps its things; everything lies below `run`."""

    run: str

    @property
    def socket(self) -> str:
        """The app's socket, between Nginx and Gunicorn."""
        return f"{self.run}/app.sock"

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
    """A whole site. Same Site, same bytes."""

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
    user: User
    paths: Paths
    env_file: str | None
    decisions: tuple[Decision, ...] = ()

    @property
    def worker_class(self) -> str:
        """Gunicorn's name of the worker."""
        if self.process.interface == "asgi":
            return "asgi"
        return "gthread" if self.workers.threads > 1 else "sync"

    @property
    def spa(self) -> Mount | None:
        """The single-page application, if there is one."""
        return next((mount for mount in self.mounts if mount.kind == "spa"), None)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the site."""
        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
        host = self.bind.host
        host = local.get(host, f"[{host}]" if ":" in host else host)
        port = "" if self.bind.port == 80 else f":{self.bind.port}"
        return f"http://{host}{port}{self.prefix}/"
