"""Folders and files that are missing, unreadable, unwritable or unsafe."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence


def folder_missing(
    url: str, directory: str, kind: str, origin: str, *, is_file: bool = False
) -> OutriderError:
    """A folder named by a setting does not exist."""
    return OutriderError(
        "folder-missing",
        f"the folder for {url} {'is a file' if is_file else 'does not exist'}",
        found=[f"{directory}, named by {origin}"],
        fix=[f"name a folder:  --{kind} {url}=DIR"]
        if is_file
        else [
            f"mkdir -p {shlex.quote(directory)}",
            f"or name another:  --{kind} {url}=DIR",
        ],
        exit_code=Exit.FILES,
    )


def file_root_missing(directory: str, origin: str, *, is_file: bool = False) -> OutriderError:
    """A folder that Nginx is to send files from, when the app hands one out, does not exist."""
    return OutriderError(
        "file-root-missing",
        f"the folder to send files from {'is a file' if is_file else 'does not exist'}",
        found=[f"{directory}, named by {origin}"],
        fix=["name the folder that it lies in:  --file-root DIR"]
        if is_file
        else [
            f"mkdir -p {shlex.quote(directory)}",
            "or name another:  --file-root DIR",
        ],
        exit_code=Exit.FILES,
    )


def file_root_too_wide(directory: str, origin: str) -> OutriderError:
    """Nginx would send every file of the machine that the app hands out, keys and passwords too."""
    return OutriderError(
        "file-root-too-wide",
        "the folder to send files from is the whole machine",
        found=[f"{directory}, named by {origin}"],
        fix=["name the folders that the app's files lie in:  --file-root DIR"],
        exit_code=Exit.FILES,
    )


def spa_not_built(directory: str, origin: str, found: str) -> OutriderError:
    """The folder of a single-page application has no index.html."""
    return OutriderError(
        "spa-not-built",
        "there is no single-page application to serve",
        found=[f"{directory}, named by {origin}, {found}"],
        fix=[
            "build it, as with  npm run build",
            "or name the folder that its index.html is in:  --spa DIR",
        ],
        exit_code=Exit.FILES,
    )


def folder_unreadable(url: str, directory: str, who: str, blocked_by: str) -> OutriderError:
    """Nginx, as the user it runs as, may not read a folder; names the directory that forbids it."""
    return OutriderError(
        "folder-unreadable",
        f"Nginx, as {who}, cannot read the folder for {url}",
        found=[f"{directory}: {blocked_by}"],
        fix=[
            f"allow it:  chmod o+x {shlex.quote(blocked_by.split(' has mode', maxsplit=1)[0])}"
            if " has mode" in blocked_by
            else f"make {directory} readable for {who}",
            "or move the folder to where that user may read, as /srv",
        ],
        exit_code=Exit.FILES,
    )


def folder_exposes(
    url: str, directory: str, kind: str, names: Sequence[str], origin: str
) -> OutriderError:
    """A static folder that is the project itself, or holds what nobody may read."""
    return OutriderError(
        "folder-exposes-source",
        f"serving {directory} at {url} would publish the project's own files",
        found=[
            f"it holds: {', '.join(names)}" if names else "the project's directory lies in it",
            f"named by {origin}",
        ],
        fix=[f"give what is public a folder of its own:  --{kind} {url}={directory}/{kind}"],
        exit_code=Exit.FILES,
    )


def unsafe_path(what: str, path: str) -> OutriderError:
    """A path that nginx.conf has no way to write ('$'), or that holds control characters."""
    return OutriderError(
        "unsafe-path",
        f"{what} has a path that nginx.conf cannot hold",
        found=[repr(path)],
        fix=["rename it without '$', line breaks and control characters"],
        exit_code=Exit.FILES,
    )


def no_directory(path: str, origin: str) -> OutriderError:
    """The project folder that a setting names is none."""
    return OutriderError(
        "no-directory",
        f"{path} is not a folder",
        found=[f"{origin} names it"],
        fix=[
            "name the folder that the app is in:  --directory DIR",
            'or, in the file, relative to it:  directory = "DIR"',
        ],
        exit_code=Exit.FILES,
    )


def file_missing(path: str, origin: str) -> OutriderError:
    """A file named by a setting cannot be read."""
    return OutriderError(
        "file-missing",
        f"{path} cannot be read",
        found=[f"{origin} names it"],
        fix=["correct the path, or make the file readable"],
        exit_code=Exit.FILES,
    )


def error_pages_unreadable(directory: str, origin: str, why: str) -> OutriderError:
    """The folder of error pages is not there, or may not be read."""
    return OutriderError(
        "error-pages-unreadable",
        f"the error pages in {directory} cannot be read",
        found=[why, f"{origin} names it"],
        fix=["name the folder that your pages are in:  --error-pages DIR"],
        exit_code=Exit.FILES,
    )


def bad_error_page(path: str, origin: str, why: str) -> OutriderError:
    """An error page of the user's own that Nginx could not show."""
    return OutriderError(
        "bad-error-page",
        f"{path} cannot be shown",
        found=[why, f"{origin} names its folder"],
        fix=["make it a short HTML file in UTF-8 that can be read, or take it away"],
        exit_code=Exit.FILES,
    )


def no_error_pages(
    directory: str, origin: str, found: Sequence[str], names: Sequence[str]
) -> OutriderError:
    """The folder of error pages holds none that Nginx would show."""
    return OutriderError(
        "no-error-pages",
        f"{directory} has no page that Nginx would show",
        found=[f"{origin} names it", f"it holds: {', '.join(found) or 'no HTML file'}"],
        fix=[f"call a page {', '.join(names[:-1])} or {names[-1]}"],
        exit_code=Exit.FILES,
    )


def cannot_write(
    path: str, why: str, fix: str = "choose another run directory:  --run-dir DIR"
) -> OutriderError:
    """A directory or file of ours cannot be written: permissions, or the disk is full."""
    return OutriderError(
        "cannot-write",
        f"cannot write {path}",
        found=[why],
        fix=[fix],
        exit_code=Exit.FILES,
    )


def edited_by_hand(path: str, diff: str) -> OutriderError:
    """A file was edited by hand, and what Outrider would write there has changed since."""
    return OutriderError(
        "edited-by-hand",
        f"{path} was edited by hand, and Outrider would write it differently now",
        found=[f"what writing it would change, your edits with it:\n{diff.rstrip()}"],
        fix=[
            "take over the lines with + that you want, and always the first one of the file",
            f"or move it away:  mv {shlex.quote(path)} {shlex.quote(path + '.mine')}",
        ],
        exit_code=Exit.FILES,
    )


def not_ours(path: str, why: str) -> OutriderError:
    """A file or folder that Outrider did not write or make; it is never overwritten."""
    return OutriderError(
        "not-ours",
        f"{path} is not Outrider's to overwrite",
        found=[why],
        fix=[
            "choose another directory",
            f"or move it away:  mv {shlex.quote(path)} {shlex.quote(path + '.mine')}",
        ],
        exit_code=Exit.FILES,
    )
