"""A site as it will be inside containers: the same facts, in another place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outrider.facts import Account, Directory, Host, Nginx
from outrider.plan import plan
from outrider.plan.image import PROJECT, STATIC_ROOT, place
from outrider.plan.install import VENV
from outrider.settings import Given, Settings
from outrider.values import Address, UrlDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.facts import Facts
    from outrider.site import Site
    from outrider.stack import Image

PYTHON = f"{VENV}/bin/python"
RUN = "/run/outrider"
APP_PORT, PROXY_PORT = 8000, 8080
"""Of the containers, where an ordinary user may bind; which port is published is another matter."""
APP_ID = 10001
"""User and group of the app: none that a host or an image has, and the same in every release."""
NGINX_FLOOR = (1, 28, 0)
"""The oldest that `nginx:stable` was when this was written; `resolve` came with 1.27.3."""
OPEN_FILES = 16384

_OF_THIS_MACHINE = (
    *("python", "nginx", "user", "run_dir", "env_file", "nginx_snippet", "directory"),
    "metrics",  # Outrider tells them, which does not run there
)


def plan_contained(
    facts: Facts,
    settings: Settings,
    image: Image,
    told: frozenset[str] = frozenset(),
    service: str = "app",
) -> Site:
    """Decide everything about a site whose app and Nginx are in containers of their own.

    Args:
        facts: as observed here.
        settings: as given; what is of this machine alone is not for the containers.
        image: what the app's image is made of.
        told: the variables that the containers will have.
        service: the app's, by whose name Nginx finds it.

    Raises:
        OutriderError: as for `plan`.
    """
    given = {name: one for name, one in settings.given.items() if name not in _OF_THIS_MACHINE}
    given["bind"] = Given(Address(host="0.0.0.0", port=PROXY_PORT), "the image")  # noqa: S104 - in a container
    given["run_dir"] = Given(RUN, "the image")
    for name in ("static", "media", "spa"):
        if name in given:
            given[name] = _moved(given[name], facts.project.directory, image)
    there = contained(facts, image, told)
    site = _collecting(plan(there, Settings(given)))
    # What Nginx's container does not have, it cannot send.
    folders = tuple(dict.fromkeys(mount.directory for mount in site.mounts))
    given["file_roots"] = Given(folders, "the image")
    site = _collecting(plan(there, Settings(given)))
    return replace(site, paths=replace(site.paths, app="app", remote=f"{service}:{APP_PORT}"))


def _moved(given: Given, here: str, image: Image) -> Given:
    """Return a setting's folders as they are called in the image."""

    def moved(value: Any) -> Any:
        if isinstance(value, UrlDirectory):
            return replace(value, directory=moved(value.directory))
        return place(value, here, image.python) or value

    values = given.value
    return replace(
        given, value=tuple(map(moved, values)) if isinstance(values, tuple) else moved(values)
    )


def _collecting(site: Site) -> Site:
    """Return a site whose static files are collected in the build, not at each start."""
    collect = site.collect
    if collect is None or not collect.is_override:
        return site
    before = collect.directory

    def moved(one: Any) -> Any:
        return replace(one, directory=STATIC_ROOT) if one.directory == before else one

    return replace(
        site,
        collect=replace(collect, directory=STATIC_ROOT),
        mounts=tuple(map(moved, site.mounts)),
        file_roots=tuple(map(moved, site.file_roots)),
    )


def contained(facts: Facts, image: Image, told: frozenset[str] = frozenset()) -> Facts:
    """Return what would be observed inside the app's container."""
    here = facts.project.directory
    app = facts.app

    def moved(path: str) -> str:
        # What is outside of the image (uploads) is a volume at the same path.
        return place(path, here, image.python) or path

    made = [*(f"{PROJECT}/{one.output}" for one in image.node), *image.volumes]
    if app.collect and app.collect.static_root:
        made.append(moved(app.collect.static_root))

    def is_made(path: str) -> bool:
        # By Node, for a volume, when Django's files are collected, or when the app is imported.
        return image.imports_app or any(f"{path}/".startswith(f"{one}/") for one in made)

    account = Account(uid=APP_ID, gid=APP_ID, name="app", group="app", home=PROJECT)
    return replace(
        facts,
        app=replace(
            app,
            import_root=moved(app.import_root),
            module_file=moved(app.module_file) if app.module_file else None,
            static=tuple(replace(one, directory=moved(one.directory)) for one in app.static),
            media=tuple(replace(one, directory=moved(one.directory)) for one in app.media),
            collect=app.collect
            and replace(
                app.collect,
                static_root=app.collect.static_root and moved(app.collect.static_root),
                is_empty=True,  # it is collected in each build
            ),
        ),
        interpreter=replace(
            facts.interpreter, path=PYTHON, origin="the image", version=(*image.python, 0)
        ),
        project=replace(facts.project, directory=PROJECT, owner_uid=APP_ID, owner="app"),
        host=Host(
            cpus=image.cpus,
            cpus_source="the container's limit",
            memory_bytes=image.memory_bytes,
            memory_source="the container's limit",
            uid=APP_ID,
            account=account,
            open_files=OPEN_FILES,
            shm_is_tmpfs=True,
            temp_directory="/tmp",  # noqa: S108 - a tmpfs of the container
        ),
        nginx=Nginx(
            path="/usr/sbin/nginx", version=NGINX_FLOOR, build="nginx:stable", origin="the image"
        ),
        # All may read the files of an image, and what is made in the build is there as well.
        directories={
            moved(path): replace(
                one,
                path=moved(path),
                blocked_by=None,
                exists=one.exists or is_made(moved(path)),
                is_directory=one.is_directory or is_made(moved(path)),
            )
            for path, one in facts.directories.items()
        }
        | {STATIC_ROOT: Directory(path=STATIC_ROOT)},
        variables=facts.variables | told,
        programs={
            name: _program(name, path, facts, moved) for name, path in facts.programs.items()
        },
    )


def _program(name: str, path: str | None, facts: Facts, moved: Callable[[str], str]) -> str | None:
    """Return where a program is in the image: in its environment, its project or its PATH."""
    if path is None:
        return None
    if path == facts.interpreter.path:
        return PYTHON
    beside = facts.interpreter.path.rpartition("/")[0]
    if path.startswith(beside + "/"):
        return f"{VENV}/bin/{path.removeprefix(beside + '/')}"
    return moved(path) if "/" in name else name
