"""Looks at a folder with Compose, Nginx and Docker files that somebody wrote by hand."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from outrider import envfile, errors
from outrider.discover import compose_files, dockerfiles, nginx_files
from outrider.handwritten import StartingPoint
from outrider.render.artifact import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outrider.handwritten import ComposeFile, ComposeService, Directive, Dockerfile

_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
MOVED = ".mine"
"""What `errors.not_ours` tells to put after the name of a file that is in our way."""
_NGINX_FOLDERS = (".", "nginx", "nginx/conf.d", "conf.d", "nginx/sites-enabled")
_MOST_FILES = 50


def look_at_starting_point(directory: str, env: Mapping[str, str]) -> StartingPoint:
    """Return what the files of a folder say.

    What Outrider wrote itself is passed over, so that the folder may be the project's own.

    Args:
        directory: absolute.
        env: the environment, from which Compose replaces variables.

    Raises:
        OutriderError: there is no such folder, nothing in it, or a file that cannot be read.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise errors.no_starting_point(directory, "there is no such folder")
    compose = _compose(folder, env)
    nginx = _nginx(folder, compose)
    dockerfile = _dockerfile(folder)
    if compose is None and not nginx and dockerfile is None:
        raise errors.no_starting_point(
            directory, f"it has no {_COMPOSE[0]} or {_COMPOSE[2]}, no *.conf and no Dockerfile"
        )
    return StartingPoint(
        directory=directory,
        compose=compose,
        nginx=nginx,
        dockerfile=dockerfile,
        paths=tuple(_paths(folder, compose)),
    )


def _written_by_hand(folder: Path, names: Iterable[str]) -> Path | None:
    names = list(names)
    for name in (*names, *(f"{name}{MOVED}" for name in names)):
        path = folder / name
        if path.is_file() and digest_of(_read(path)) is None:
            return path
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.bad_starting_file(str(path), str(error)) from None


# -- Compose ---------------------------------------------------------------------------------------


def _compose(folder: Path, env: Mapping[str, str]) -> ComposeFile | None:
    path = _written_by_hand(folder, _COMPOSE)
    if path is None:
        return None
    variables = {**_variables(folder / ".env"), **env}
    found = compose_files.parse(str(path), _read(path), folder.name, variables)
    return replace(found, services=tuple(_whole(one, folder) for one in found.services))


def _whole(service: ComposeService, folder: Path) -> ComposeService:
    """Return a service with what other files say of it."""
    told: dict[str, str] = {}
    for name in service.env_files:
        told |= _variables(folder / name)
    base = ""
    if service.build and (Path(service.build) / "Dockerfile").is_file():
        path = Path(service.build) / "Dockerfile"
        base = dockerfiles.parse(str(path), _read(path)).image
    return replace(service, told=tuple(told.items()), base=base)


def _variables(path: Path) -> dict[str, str]:
    return envfile.parse(str(path), _read(path)) if path.is_file() else {}


def _paths(folder: Path, compose: ComposeFile | None) -> Iterable[tuple[str, str]]:
    for service in compose.services if compose else ():
        named = [mount.source for mount in service.mounts if mount.is_path]
        for one in (*named, *service.env_files):
            yield one, _owner(folder / os.path.expanduser(one))  # noqa: PTH111 - as Compose does


def _owner(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "missing"
    return f"{found.st_uid}:{found.st_gid}"


# -- Nginx and Docker ------------------------------------------------------------------------------


def _nginx(folder: Path, compose: ComposeFile | None) -> tuple[Directive, ...]:
    """Return what all files say that a container of Nginx is given, or that look like it."""
    mounted = [
        folder / mount.source
        for service in (compose.services if compose else ())
        for mount in service.mounts
        if mount.is_path and mount.target.startswith("/etc/nginx")
    ]
    paths: dict[Path, bool] = {}
    for path in mounted:
        inside = sorted(path.glob("*.conf*")) if path.is_dir() else [path]
        paths |= {Path(os.path.normpath(one)): True for one in inside}
    for name in _NGINX_FOLDERS:
        for path in sorted((folder / name).glob("*.conf")):
            paths.setdefault(Path(os.path.normpath(path)), False)
    directives: list[Directive] = []
    for path, is_named in list(paths.items())[:_MOST_FILES]:
        if not path.is_file():
            continue
        text = _read(path)
        if digest_of(text) is None and (is_named or "server {" in text or "proxy_pass" in text):
            directives += nginx_files.parse(str(path), text)
    return tuple(directives)


def _dockerfile(folder: Path) -> Dockerfile | None:
    path = _written_by_hand(folder, ["Dockerfile"])
    return dockerfiles.parse(str(path), _read(path)) if path else None
