"""What a site is in containers, for `outrider export`: looks, decides and lays out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from outrider import discover, errors
from outrider.discover.dependencies import look_at_dependencies
from outrider.discover.git import ignored_by_git
from outrider.discover.node import look_at_node
from outrider.discover.starting_point import look_at_starting_point
from outrider.discover.variables import look_at_variables
from outrider.packages import ALPINE, SLIM
from outrider.plan.container import plan_contained
from outrider.plan.faults import find_faults
from outrider.plan.image import CPUS, MEMORY_BYTES, decide_image
from outrider.plan.roles import decide_roles
from outrider.plan.server import choose_server
from outrider.plan.services import plan_stack, project_name, told_variables, without_compose
from outrider.plan.taken import Taken, note_locations, settings_from, take_over
from outrider.render import compose, docker, nginx, server
from outrider.render.shim import shim
from outrider.site import Fleet
from outrider.values import Address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outrider.facts import Facts, Variables
    from outrider.handwritten import StartingPoint
    from outrider.plan.faults.fault import Fault
    from outrider.plan.roles import Roles
    from outrider.render.artifact import Artifact
    from outrider.settings import Settings
    from outrider.site import Decision, Site
    from outrider.stack import Image, Stack


@dataclass(frozen=True, kw_only=True)
class Before:
    """Files that somebody wrote by hand, which a site in containers starts from."""

    start: StartingPoint
    roles: Roles
    output: str | None
    """Where the new ones will be; None: in the project."""


def look_before(
    directory: str, env: Mapping[str, str], service: str | None = None, output: str | None = None
) -> Before:
    """Look at files that somebody wrote by hand.

    Args:
        directory: where they are, absolute.
        env: from which Compose replaces variables.
        service: which of theirs is the app, if somebody says so.
        output: where the new ones will be, absolute.

    Raises:
        OutriderError: there are none, or they cannot be understood.
    """
    start = look_at_starting_point(directory, env)
    return Before(start=start, roles=decide_roles(start, service), output=output)


@dataclass(frozen=True, kw_only=True)
class Contained:
    """Everything about a site in containers, and its files."""

    directory: str
    """The project's, which a build is given."""
    image: Image
    site: Site
    stack: Stack
    told: Mapping[str, str] = field(default_factory=dict)
    """What the containers tell the app, less what is secret."""
    taken: Taken = field(default_factory=Taken)
    faults: tuple[Fault, ...] = ()
    """Of the files that it started from."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All of them, in the order in which they were made."""
        return (*self.image.decisions, *self.site.decisions, *self.stack.decisions)

    def docker(self) -> list[Artifact]:
        """Return Dockerfile, .dockerignore and what the images are given."""
        return self._docker(self.image)

    def compose(self, *, is_for_development: bool = False) -> list[Artifact]:
        """Return compose.yaml with everything that it builds from, and what is laid over it."""
        image = replace(self.image, env_file=self.stack.build_env_file)
        over = [compose.override(self.stack, image)] if is_for_development else []
        return [*self._docker(image), *compose.render(self.stack), *over]

    def _docker(self, image: Image) -> list[Artifact]:
        if image.is_single:
            app = shim() if image.imports_app or self.site.collect else []
            proxy: list[Artifact] = []
        else:
            app, proxy = server.render(self.site), nginx.render(Fleet(sites=(self.site,)))
        return docker.render(image, self.site, app, proxy, name=self.stack.name, told=self.told)


def contain(
    settings: Sequence[Settings],
    env: Mapping[str, str],
    cwd: str,
    *,
    is_alpine: bool = False,
    is_single: bool = False,
    cpus: int = CPUS,
    memory_bytes: int = MEMORY_BYTES,
    before: Before | None = None,
) -> Contained:
    """Look at a site and decide what it is in containers.

    Args:
        settings: of the site.
        env: our own environment.
        cwd: the current directory.
        is_alpine: take the images that are made from Alpine.
        is_single: put the app and Nginx into one container.
        cpus: what the app's container may use, from which its workers are counted.
        memory_bytes: the same.
        before: what it starts from.

    Raises:
        OutriderError: several sites, or one that no image can be made of.
    """
    if len(settings) > 1:
        raise errors.several_in_containers(len(settings))
    (own,) = settings
    if before is not None:
        own = settings_from(before.start, before.roles, own)
    directory = discover.directory_of(own, cwd)
    dependencies = look_at_dependencies(directory)
    packages = dependencies.names | dependencies.extras if dependencies else frozenset[str]()
    known = look_at_variables(directory)
    taken = _taken(before, directory, known.named)
    # Volumes are called after the project: with its old name they need none of their own.
    name = project_name(own.value("name") or taken.project or directory.rpartition("/")[2])
    told = told_variables(name, packages, known.named, taken)
    app_env = _environment(told, known, env, discover.read_env_file(own))
    (facts,) = discover.discover_all([own], [app_env], cwd)
    folders = _named(own, "static", "spa")
    served = [one.directory for one in facts.app.static if one.directory]
    served += [folder for _, folder, _ in folders]
    image = decide_image(
        facts,
        dependencies,
        choose_server(facts, own),
        variant=ALPINE if is_alpine else SLIM,
        is_single=is_single,
        node=look_at_node(directory, served),
        folders=folders,
        media=[folder for _, folder, _ in _named(own, "media")],
        ignored_by_git=ignored_by_git(directory, served, env),
        env_file=own.value("env_file"),
        cpus=cpus,
        memory_bytes=memory_bytes,
    )
    if known.dotenv is not None and not image.env_file:
        image = replace(image, env_file=".env")
    kept = [one.directory for one in taken.data]
    image = replace(image, volumes=tuple(dict.fromkeys((*image.volumes, *kept))))
    site = plan_contained(facts, own, image, frozenset(told) | taken.is_told, taken.names.app)
    stack = plan_stack(
        site,
        image,
        name=name,
        published=own.value("bind") or taken.published or Address(host="127.0.0.1", port=8000),
        packages=packages,
        known=known,
        release=_release(facts, site),
        taken=taken,
    )
    if before is not None:
        more = note_locations(before.start, site)
        stack = replace(stack, decisions=(*stack.decisions, *more))
    return Contained(
        directory=directory,
        image=image,
        site=site,
        stack=stack,
        told=without_compose(told, {}),
        taken=taken,
        faults=tuple(find_faults(before.start, before.roles)) if before else (),
    )


def _taken(before: Before | None, directory: str, known: frozenset[str]) -> Taken:
    if before is None:
        return Taken()
    output = before.output or directory
    return take_over(before.start, before.roles, project=directory, output=output, known=known)


def _environment(
    told: Mapping[str, str], known: Variables, env: Mapping[str, str], more: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment in which the app is looked at.

    What it cannot do without, and what only containers will have, it gets as they will: an address
    that nobody answers, and a key of this moment.
    """
    dotenv = known.dotenv or {}
    needed = {key: told[key] for key in sorted(known.required & told.keys())}
    return {**without_compose(needed, dotenv), **env, **dotenv, **more}


def _named(settings: Settings, *names: str) -> list[tuple[str, str, str]]:
    """Return the folders that settings name: URL, path and which setting."""
    found: list[tuple[str, str, str]] = []
    for given in filter(None, map(settings.get, names)):
        values = given.value if isinstance(given.value, tuple) else (given.value,)
        pairs = [(one.url, one.directory) if hasattr(one, "url") else ("/", one) for one in values]
        found += [(url, folder, given.origin) for url, folder in pairs]
    return found


def _release(facts: Facts, site: Site) -> tuple[str, ...]:
    """Return what brings the database up to date before new code serves."""
    if site.release or facts.app.settings_module is None:
        return site.release
    module = ["-m", "django", "migrate", "--no-input", "--settings", facts.app.settings_module]
    return (site.process.python, *module)
