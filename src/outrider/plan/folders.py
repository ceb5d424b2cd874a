"""Which folders Nginx serves itself, and which it must not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider import errors
from outrider.facts import Directory
from outrider.site import FileRoot, Mount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.facts import Facts, MediaFolder, StaticFolder
    from outrider.plan.ledger import Ledger
    from outrider.site import Collect, User


def mounts(
    facts: Facts, prefix: str, user: User, collect: Collect | None, ledger: Ledger
) -> tuple[Mount, ...]:
    """Return the folders that Nginx serves, at the URLs that a client types.

    A folder that the user names stands in for the app's own at that URL. When it does not exist it
    is refused; one that the app declares is left to the app.

    Args:
        facts: what was observed.
        prefix: the URL prefix that the app is mounted under.
        user: whom Nginx reads the folders as.
        collect: where collectstatic is to put the static files, if it runs.
        ledger: what the user said.
    """
    mounts = _asked_for(ledger)
    asked = set(mounts)
    for mount in (*_static_of_app(facts, prefix, collect, ledger), *_media_of_app(facts, ledger)):
        if mount.url not in asked:
            _add(mounts, mount)
    of_app: list[StaticFolder | MediaFolder] = [*facts.app.static, *facts.app.media]
    free = {folder.url for folder in of_app if folder.ignores_prefix} - asked
    served = []
    for mount in mounts.values():
        if _is_servable(mount, facts, user, collect, ledger, is_asked=mount.url in asked):
            url = mount.url if mount.url in free else prefix + mount.url
            max_age_s = facts.app.static_max_age_s if mount.kind == "static" else None
            served.append(replace(mount, url=url, max_age_s=max_age_s))
            ledger.note(mount.kind, url, mount.source, _why_served(mount, facts))
    return tuple(sorted(served, key=lambda mount: mount.url))


def _asked_for(ledger: Ledger) -> dict[str, Mount]:
    """Return the folders that the user names, by their URL."""
    mounts: dict[str, Mount] = {}
    for kind in ("static", "media"):
        given = ledger.settings.get(kind)
        if given:
            for pair in given.value:
                directory, source = pair.directory, given.origin
                _add(mounts, Mount(url=pair.url, directory=directory, kind=kind, source=source))
    spa = ledger.settings.get("spa")
    if spa:
        _add(mounts, Mount(url="/", directory=spa.value, kind="spa", source=spa.origin))
    return mounts


def _why_served(mount: Mount, facts: Facts) -> str:
    why = f"Nginx serves {mount.directory}"
    hook = {folder.url: folder.hook for folder in facts.app.static}.get(mount.url)
    if hook and mount.kind == "static":
        # Static files are public by custom; who relies on the hook should know.
        why += f" to everyone; {hook} for the rest"
    return why


def file_roots(
    facts: Facts, mounts: tuple[Mount, ...], ledger: Ledger, name: str
) -> tuple[FileRoot, ...]:
    """Return the folders that Nginx may send from when the app hands out a file.

    Args:
        facts: what was observed.
        mounts: the folders that Nginx serves.
        ledger: what the user said.
        name: the site's among others; empty for one alone.
    """
    place = f"/_outrider/files/{name}/" if name else "/_outrider/files/"
    usual = (facts.project.directory, *(mount.directory for mount in mounts))
    # One that nginx.conf cannot write is left to the app; so is the whole machine, which is the
    # project of a container that sets no WORKDIR.
    usual = tuple(
        path
        for path in dict.fromkeys(usual)
        if path.strip("/") and "$" not in path and path.isprintable()
    )
    outer = tuple(
        path
        for path in usual
        if not any(path.startswith(f"{other}/") for other in usual if other != path)
    )
    given = ledger.settings.get("file_roots")
    if given:
        _refuse_roots(facts, given.value, given.origin)
    why = "what the app hands out of them (send_file, FileResponse), Nginx sends"
    chosen = ledger.pick("file_roots", outer, "the project", why)
    return tuple(
        FileRoot(directory=directory, url=f"{place}{number}/")
        for number, directory in enumerate(chosen)
    )


def _refuse_roots(facts: Facts, paths: Sequence[str], origin: str) -> None:
    """Refuse folders that the user names and that Nginx cannot or must not send from."""
    for path in paths:
        directory = facts.directories.get(path, Directory(path=path, exists=False))
        if directory.is_whole_machine:
            raise errors.file_root_too_wide(path, origin)
        if not directory.exists or not directory.is_directory:
            raise errors.file_root_missing(path, origin, is_file=directory.exists)


def _add(mounts: dict[str, Mount], mount: Mount) -> None:
    other = mounts.get(mount.url)
    if other is not None and other.directory != mount.directory:
        raise errors.same_url(
            mount.url, f"{other.directory} ({other.source})", f"{mount.directory} ({mount.source})"
        )
    mounts.setdefault(mount.url, mount)


def _static_of_app(
    facts: Facts, prefix: str, collect: Collect | None, ledger: Ledger
) -> list[Mount]:
    found = []
    for folder in facts.app.static:
        directory = folder.directory
        if not directory and collect is not None:
            directory = collect.directory
        if not directory:
            why = "left to the app: STATIC_ROOT is not set"
            ledger.note("static", folder.url, folder.source, why, warn=True)
            continue
        if folder.guard is not None:
            ledger.note("static", folder.url, folder.source, _guarded(folder, "static"))
            continue
        if folder.url == "/" and prefix:
            # Nginx would look for /shop/x in the folder's own "shop".
            why = f"left to the app: {folder.directory} has no URL prefix of its own"
            ledger.note("static", "/", folder.source, why)
            continue
        found.append(
            Mount(
                url=folder.url,
                directory=directory,
                kind="static",
                source=folder.source,
                falls_back=folder.falls_back,
            )
        )
    return found


def _media_of_app(facts: Facts, ledger: Ledger) -> list[Mount]:
    mounts = []
    for folder in facts.app.media:
        name = f"{folder.directory} ({folder.source})"
        if folder.url is None:
            ledger.note("media", "none", "the app", f"no route serves {name} as a folder")
        elif folder.guard is not None:
            ledger.note("media", folder.url, "the app", _guarded(folder, "media"))
        elif folder.url == "/":
            ledger.note("media", "/", "the app", f"left to the app: {name} has no URL prefix")
        else:
            mounts.append(
                Mount(
                    url=folder.url, directory=folder.directory, kind="media", source=folder.source
                )
            )
    return mounts


def _guarded(folder: StaticFolder | MediaFolder, kind: str) -> str:
    return (
        f"left to the app: {folder.guard}, which Nginx cannot ask; "
        f"if it is open to all: --{kind} {folder.url}={folder.directory}"
    )


def _is_servable(
    mount: Mount,
    facts: Facts,
    user: User,
    collect: Collect | None,
    ledger: Ledger,
    *,
    is_asked: bool,
) -> bool:
    """Refuse a folder that must not be served; leave out one that is merely not there yet."""
    directory = facts.directories.get(
        mount.directory, Directory(path=mount.directory, exists=False)
    )
    if "$" in mount.directory or any(
        ord(letter) < 32 or ord(letter) == 127 for letter in mount.directory
    ):
        raise errors.unsafe_path(f"the folder for {mount.url}", mount.directory)
    # Filled by collectstatic, or made at the first upload; until then Nginx says 404.
    is_to_come = mount.kind == "media" or (collect and mount.directory == collect.directory)
    if not directory.exists and not is_asked and is_to_come:
        return True
    if mount.kind == "spa" and not directory.has_index:
        found = "has no index.html" if directory.exists else "does not exist"
        raise errors.spa_not_built(mount.directory, mount.source, found)
    if not directory.exists or not directory.is_directory:
        if is_asked:
            raise errors.folder_missing(
                mount.url, mount.directory, mount.kind, mount.source, is_file=directory.exists
            )
        is_usual = any(
            folder.is_default for folder in facts.app.static if folder.directory == mount.directory
        )
        ledger.note(
            mount.kind,
            mount.url,
            mount.source,
            f"left to the app: {mount.directory} does not exist",
            warn=not is_usual,
        )
        return False
    if directory.contains_app or directory.exposes:
        raise errors.folder_exposes(
            mount.url, mount.directory, mount.kind, directory.exposes, mount.source
        )
    if directory.blocked_by:
        raise errors.folder_unreadable(mount.url, mount.directory, user.name, directory.blocked_by)
    return True
