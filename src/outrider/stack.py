"""The model of a site in containers: images, and the Compose project around them."""

from __future__ import annotations

from dataclasses import dataclass, field

from outrider import facts  # noqa: TC001 - part of the model
from outrider.packages import ALPINE
from outrider.site import Decision, Site  # noqa: TC001 - part of the model
from outrider.values import Address  # noqa: TC001 - part of the model

# -- images ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SystemPackages:
    """Packages of the image's distribution, and what needs them."""

    names: tuple[str, ...]
    why: str
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class BuildSecret:
    """What a build may read and no layer keeps: a variable, or a file where a tool looks for it."""

    id: str
    variable: str = ""
    """The commands find it in the environment; empty: as a file."""
    path: str = ""
    """Where the file is during the build."""
    given_as: str
    """How it is told to `docker build`: `id=pip_conf,src=$HOME/.config/pip/pip.conf`."""


@dataclass(frozen=True, kw_only=True)
class BuildStep:
    """Commands of a build, as one layer."""

    why: str
    commands: tuple[tuple[str, ...], ...]
    cache: str = ""
    """A folder that stays from build to build and is in no layer."""
    secrets: tuple[BuildSecret, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Image:
    """What the image of an app is made of; the code in it is the Site's."""

    python: tuple[int, int]
    variant: str
    """`slim` or `alpine`."""
    cpus: int
    """What the container may use, from which its workers are counted."""
    memory_bytes: int
    tool: str
    """What installs the dependencies, as in facts.Dependencies."""
    files: tuple[str, ...]
    """What that tool reads, relative to the project."""
    needs_code: bool
    """It reads code of the project as well, so that new code means a new installation."""
    run_packages: tuple[SystemPackages, ...]
    build_packages: tuple[SystemPackages, ...]
    variables: tuple[tuple[str, str], ...]
    """Of the environment of the build."""
    steps: tuple[BuildStep, ...]
    """The installation, in this order; the first makes the virtual environment."""
    node: tuple[facts.NodeBuild, ...] = ()
    imports_app: bool = False
    """The app makes a static folder when it is imported."""
    volumes: tuple[str, ...] = ()
    """Folders of the container that keep what is written there, absolute."""
    ignored: tuple[str, ...] = ()
    """What of the project must not be in the image, relative to it."""
    env_file: str = ""
    """The environment file, relative to the project: a build that needs the app is given it."""
    is_single: bool = False
    """The app and Nginx are in one container, and `outrider run` is their supervisor."""
    decisions: tuple[Decision, ...] = ()

    @property
    def python_image(self) -> str:
        """https://github.com/docker-library/docs/tree/master/python"""
        return f"python:{self.python[0]}.{self.python[1]}-{self.variant}"

    @property
    def nginx_image(self) -> str:
        """https://github.com/docker-library/docs/tree/master/nginx"""
        return "nginx:stable-alpine" if self.variant == ALPINE else "nginx:stable"

    def node_image(self, build: facts.NodeBuild) -> str:
        """https://github.com/docker-library/docs/tree/master/node"""
        return f"node:{build.engine or 'lts'}-{self.variant}"

    @property
    def secrets(self) -> tuple[BuildSecret, ...]:
        """What its build has to be given."""
        return tuple(dict.fromkeys(secret for step in self.steps for secret in step.secrets))


# -- the Compose project ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A named volume of Compose, and where it lies in a container."""

    name: str
    directory: str
    is_read_only: bool = False
    is_folder: bool = False
    """It is a folder of the host, and `name` its path."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """What services and networks of a Compose project are called."""

    app: str = "app"
    proxy: str = "proxy"
    web: str = "web"
    """The network of the proxy and the app."""
    data: str = "data"
    """That of the databases, which leads nowhere else."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One container of a Compose project."""

    name: str
    role: str
    """`app`, `proxy`, `release`, `extra` or `database`."""
    image: str = ""
    """Of a database; the others are built."""
    title: str = ""
    """What it is, for people."""
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    """Values as Compose reads them: `$` begins one of its own variables."""
    volumes: tuple[Volume, ...] = ()
    temporary: tuple[str, ...] = ()
    """Folders in memory: the rest of the file system is read-only."""
    health: tuple[str, ...] = ()
    health_every_s: int = 5
    after: tuple[tuple[str, str], ...] = ()
    """Which services it waits for, and until when, in Compose's words."""
    user: str = ""
    """Whom a database's image runs it as; of what is built the image itself says it."""
    cpus: str = ""
    memory_mb: int = 0
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A whole Compose project around a site."""

    name: str
    site: Site
    published: Address
    services: tuple[Service, ...]
    secrets: tuple[str, ...]
    """Variables that `.env` must have, each with a value of its own that nobody knows."""
    env_files: tuple[str, ...] = (".env",)
    """Whose variables the app is given."""
    build_env_file: str = ""
    """Which of them a build is given, where it needs the app."""
    build_secrets: tuple[BuildSecret, ...] = ()
    stop_s: int
    """How long a container may take to stop."""
    names: Names = field(default_factory=Names)
    engine_names: tuple[tuple[str, str], ...] = ()
    """What the engine calls a volume, where Compose would call it otherwise."""
    decisions: tuple[Decision, ...] = ()

    @property
    def volumes(self) -> dict[str, str]:
        """Every named volume, once, with the engine's name where that has to be told."""
        known = dict(self.engine_names)
        return {
            volume.name: known.get(volume.name, "")
            for one in self.services
            for volume in one.volumes
            if not volume.is_folder
        }
