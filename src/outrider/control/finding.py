"""Which running site is meant: the one of this folder, by a word, or the only one there is."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider import errors, files
from outrider.control.asking import ask
from outrider.discover.sites import owner_of, run_directories
from outrider.errors import OutriderError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATIENCE_S = 3
"""Of each site, while it is only found out which is meant."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A running site.

    Attributes:
        run_dir: absolute, links followed.
        state: as it tells; empty when it does not answer.
    """

    run_dir: str
    state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, run_dir: str) -> Found:
        """Return the site of a run directory.

        Raises:
            OutriderError: it cannot be asked.
        """
        run_dir = os.path.realpath(run_dir)
        state = ask(run_dir, "status", patience_s=_PATIENCE_S)
        return cls(run_dir=run_dir, state=state | {"run_dir": run_dir})

    @property
    def names(self) -> list[str]:
        """What it is called; several sites of one supervisor have a name each."""
        return list(self.state.get("names", ()))

    @property
    def directories(self) -> list[str]:
        """Its projects' folders, and where it was started."""
        return list(self.state.get("directories", ()))

    def __str__(self) -> str:
        if not self.state:
            return f"one in {self.run_dir}, which does not answer"
        return f"{', '.join(self.names)} at {self.state.get('url')}, in {self.run_dir}"


_READING = ("status", "logs")
"""What changes nothing, so that a site of another folder will do when it is the only one."""


def find(word: str | None, cwd: str, command: str) -> Found:
    """Return the running site that is meant.

    Args:
        word: a name, a run directory or a project's folder; None for the one of this folder.
        cwd: this folder, absolute.
        command: what is to be typed, for advice: `status`.

    Raises:
        OutriderError: none is, or which one is not clear; or it is named and cannot be asked.
    """
    sites, of_others = _look()
    path = os.path.realpath(Path(cwd, word)) if word else None
    site = choose(sites, of_others, word, path, cwd=os.path.realpath(cwd), command=command)
    if site is None:
        assert path is not None
        return Found.at(path)
    if not site.state:
        raise errors.site_is_silent(site.run_dir, files.pid_of(Path(site.run_dir)), _PATIENCE_S)
    return site


def _look() -> tuple[list[Found], dict[str, str]]:
    """Return the sites that can be asked, and whose the others are, by their run directories."""
    sites: list[Found] = []
    of_others: dict[str, str] = {}
    for run_dir in run_directories():
        try:
            if not files.is_run_directory(Path(run_dir)):
                continue
            site = Found.at(run_dir)
        except PermissionError:
            # What is in there cannot be seen, so its name has to do.
            if Path(run_dir).parent.name.startswith("outrider-"):
                of_others[run_dir] = owner_of(run_dir) or "another user"
        except OutriderError as error:
            if error.id == "site-of-another":
                of_others[run_dir] = owner_of(run_dir) or "another user"
            elif error.id == "site-is-silent":
                sites.append(Found(run_dir=os.path.realpath(run_dir)))
        else:
            sites.append(site)
    return sites, of_others


def choose(
    sites: Sequence[Found],
    of_others: Mapping[str, str],
    word: str | None,
    path: str | None,
    *,
    cwd: str,
    command: str,
) -> Found | None:
    """Return the site that is meant; None when a run directory is named that was not found.

    Args:
        sites: those that run.
        of_others: whose the other sites are, by their run directories.
        word: a name, a run directory or a project's folder.
        path: the word, taken as a path.
        cwd: this folder.
        command: what is to be typed, for advice.
    """
    if word is None:
        here = _nearest(sites, cwd)
        if len(here) == 1:
            return here[0]
        if len(sites) == 1 and command in _READING:
            return sites[0]
        if len(sites) == 1:
            raise errors.site_is_elsewhere(*_named(sites, sites, command))
        if not sites:
            raise errors.no_site_runs(list(of_others), list(of_others.values()))
        why = f"{len(here)} of them are this folder's" if here else "none of them is this folder's"
        raise errors.several_sites_run(why, *_named(here or sites, sites, command))
    meant = [one for one in sites if word in one.names]
    meant = meant or [one for one in sites if path in (one.run_dir, *one.directories)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise errors.several_sites_run(
            f"{len(meant)} of them are {quoted(word)}", *_named(meant, sites, command)
        )
    if path is not None and _may_be_one(path):
        return None
    raise errors.no_such_site(word, *_named(sites, sites, command))


def _may_be_one(path: str) -> bool:
    try:
        return files.is_run_directory(Path(path))
    except PermissionError:
        return True
    except OSError:  # no path at all, as one that is too long
        return False


def _nearest(sites: Sequence[Found], cwd: str) -> list[Found]:
    """Return the sites of this folder, or of the nearest one above."""
    for folder in (cwd, *map(str, Path(cwd).parents)):
        here = [one for one in sites if folder in one.directories]
        if here:
            return here
    return []


def _named(
    some: Sequence[Found], sites: Sequence[Found], command: str
) -> tuple[list[str], list[str]]:
    """Return what each is, and what to type for it."""
    names = [name for one in sites for name in one.names]
    typed = []
    for one in some:
        unique = [name for name in one.names if names.count(name) == 1]
        typed.append(f"outrider {command} {quoted([*unique, one.run_dir][0])}")
    return [str(one) for one in some], typed
