"""What Compose, Nginx and Docker files that somebody wrote by hand say, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """A volume or a folder of the host, in a container."""

    source: str
    """A volume's name or a path as written; empty: a volume without a name."""
    target: str
    is_read_only: bool = False

    @property
    def is_path(self) -> bool:
        """It is a folder or file of the host."""
        return self.source.startswith(("/", ".", "~", "$"))


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port that is published."""

    published: str
    """Empty: any that is free."""
    target: str
    host: str = ""
    """Empty: every address of the machine."""


@dataclass(frozen=True, kw_only=True)
class ComposeService:
    """One service of a Compose file."""

    name: str
    image: str = ""
    build: str | None = None
    """The folder that it is built from, absolute where it is one of this machine."""
    base: str = ""
    """The image that its Dockerfile begins from in the end, where it could be read."""
    command: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mounted, ...] = ()
    env_files: tuple[str, ...] = ()
    """As written."""
    environment: tuple[tuple[str, str], ...] = ()
    """As Compose reads them: `$` begins one of its own variables."""
    told: tuple[tuple[str, str], ...] = ()
    """What its environment files say, those that could be read."""
    networks: tuple[str, ...] = ("default",)
    after: tuple[str, ...] = ()
    user: str = ""
    restarts: bool = False
    has_health: bool = False
    has_log_limits: bool = False

    @property
    def repository(self) -> str:
        """The last word of its image's name: `nginx` of `docker.io/library/nginx:stable`."""
        return (self.image or self.base).rpartition("/")[2].partition(":")[0].partition("@")[0]

    @property
    def tag(self) -> str:
        """Empty: whatever is the newest."""
        return (self.image or self.base).rpartition("/")[2].partition("@")[0].partition(":")[2]

    @property
    def variables(self) -> dict[str, str]:
        """What its environment says, and its environment files where that does not."""
        return {**dict(self.told), **dict(self.environment)}


@dataclass(frozen=True, kw_only=True)
class ComposeFile:
    """A Compose file."""

    path: str
    project: str
    """What Compose calls the project, and puts before the names of its volumes."""
    services: tuple[ComposeService, ...]
    volumes: tuple[tuple[str, str], ...] = ()
    """Those that the engine knows by another name than Compose would give them."""
    external_networks: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Directive:
    """A directive of Nginx; of a block, what is in it as well."""

    name: str
    words: tuple[str, ...]
    line: int
    path: str
    """The file that it stands in."""
    block: tuple[Directive, ...] | None = None

    @property
    def where(self) -> str:
        """`default.conf:11`."""
        return f"{self.path.rpartition('/')[2]}:{self.line}"

    def __str__(self) -> str:
        """Return it as it may stand in a file, without what is in its block."""
        return " ".join((self.name, *self.words))

    def inside(self, *names: str) -> Iterator[Directive]:
        """Yield the directives of these names, however deep in this one."""
        for one in self.block or ():
            if one.name in names:
                yield one
            yield from one.inside(*names)


@dataclass(frozen=True, kw_only=True)
class Dockerfile:
    """A Dockerfile, as far as it tells how the app is run."""

    path: str
    image: str
    """What its last stage begins from in the end."""
    workdir: str
    command: tuple[str, ...]
    """ENTRYPOINT and CMD."""
    user: str
    line: int
    """Of the command, 0 where there is none."""


@dataclass(frozen=True, kw_only=True)
class StartingPoint:
    """Files that were written by hand, as a starting point for those that Outrider writes."""

    directory: str
    compose: ComposeFile | None = None
    nginx: tuple[Directive, ...] = ()
    """What stands in its files, all one after the other."""
    dockerfile: Dockerfile | None = None
    paths: tuple[tuple[str, str], ...] = ()
    """What services name of the host, as written: `missing`, or `UID:GID` of the owner."""

    def all(self, *names: str) -> list[Directive]:
        """Return the directives of Nginx of these names, wherever they stand."""
        return [*Directive(name="", words=(), line=0, path="", block=self.nginx).inside(*names)]
