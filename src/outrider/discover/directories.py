"""Whether a user can reach a path, and what a folder would give away if it were served."""

from __future__ import annotations

import os
import pwd
import stat
import struct
from functools import reduce
from itertools import islice
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from outrider.facts import Directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.facts import Account

Want = Literal["read", "write", "execute"]

_READ, _WRITE, _SEARCH = 4, 2, 1
_FILE_NEEDS = {"read": _READ, "write": _WRITE, "execute": _SEARCH}
_FOLDER_NEEDS = {
    "read": _READ | _SEARCH,
    "write": _WRITE | _SEARCH,
    "execute": _SEARCH,
}
_VERBS = {"read": "read", "write": "write to", "execute": "execute"}
_MOST_LINKS = 40  # where Linux gives up (path_resolution(7))

# Tags of a POSIX ACL as it is stored: linux/posix_acl.h and linux/posix_acl_xattr.h
_ACL_USER, _ACL_GROUP_OBJ, _ACL_GROUP, _ACL_MASK = 0x02, 0x04, 0x08, 0x10

_SECRET_NAMES = (
    ".env", ".flaskenv", ".git", ".hg", ".svn", ".htpasswd", ".netrc", ".ssh", "id_dsa", "id_ecdsa",
    "id_ed25519", "id_rsa", "manage.py", "outrider.toml", "pyproject.toml", "requirements.txt",
    "setup.py",
)  # fmt: skip
_SECRET_SUFFIXES = (".py", ".pyc", ".sqlite", ".sqlite3", ".db", ".htpasswd")
_KEY_SUFFIXES = (".pem", ".key")
_HARMLESS = ("thumbs.db", ".env.example", ".env.sample", ".env.template")
_MOST_ENTRIES = 20_000  # a folder of uploads may hold millions
_MOST_SHOWN = 5


def look_at_directory(path: str, account: Account, project: str, import_root: str) -> Directory:
    """Return what is known of a folder that `account` is to serve.

    Args:
        path: absolute path of the folder.
        account: the user that Nginx will run as.
        project: absolute path of the project's directory.
        import_root: absolute path of the folder that the app is imported from.
    """
    exists, is_directory = _kind(path)
    real = os.path.realpath(path)
    inner = {os.path.realpath(project), os.path.realpath(import_root)}
    return Directory(
        path=path,
        exists=exists,
        is_directory=is_directory,
        blocked_by=reachable(path, account),
        exposes=_exposes(Path(path)) if is_directory else (),
        contains_app=any(Path(one).is_relative_to(real) for one in inner),
        is_whole_machine=not real.strip("/"),
        has_index=os.path.isfile(os.path.join(path, "index.html")),  # noqa: PTH113, PTH118 - never raises
    )


def _kind(path: str) -> tuple[bool, bool]:
    """Return whether it exists and is a directory; what cannot be seen is taken to be there."""
    try:
        return True, stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 - Path.is_dir differs by version
    except PermissionError:
        return True, True
    except OSError:
        return False, False


def reachable(path: str, account: Account, want: Want = "read") -> str | None:
    """Return a sentence for the first thing on the way that forbids, or None when nothing does.

    Every directory from `/` on needs the search bit, also those that a symbolic link leads
    through. Only what can be seen is judged: a path that does not exist forbids nothing.
    https://man7.org/linux/man-pages/man7/path_resolution.7.html

    Args:
        path: absolute path.
        account: who wants it; root may do everything.
        want: a directory is also entered when it is read or written.
    """
    if account.uid == 0:
        return None
    for step, found, is_last in _walk(path):
        if not is_last:
            needs, verb = _SEARCH, "enter"
        elif stat.S_ISDIR(found.st_mode):
            needs, verb = _FOLDER_NEEDS[want], {**_VERBS, "execute": "enter"}[want]
        else:
            needs, verb = _FILE_NEEDS[want], _VERBS[want]
        if not _may(step, found, account, needs):
            return _sentence(step, found, account, needs, verb)
    return None


def _walk(path: str) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Yield each directory that the kernel passes, then what the path leads to."""
    at, links = "/", 0
    left = [part for part in path.split("/") if part not in ("", ".")][::-1]
    try:
        while True:
            found = os.lstat(at)
            yield at, found, not left
            if not left:
                return
            part = left.pop()
            if part == "..":
                at = os.path.dirname(at)  # noqa: PTH120 - `at` holds no links any more
                continue
            step = os.path.join(at, part)  # noqa: PTH118 - text, as the kernel sees it
            if not stat.S_ISLNK(os.lstat(step).st_mode):
                at = step
                continue
            links += 1
            if links > _MOST_LINKS:
                return
            target = os.readlink(step)  # noqa: PTH115 - text, as the kernel sees it
            at = "/" if target.startswith("/") else at
            left += [one for one in target.split("/") if one not in ("", ".")][::-1]
    except OSError:
        return


def _may(path: str, found: os.stat_result, account: Account, needs: int) -> bool:
    if account.uid == os.geteuid():
        # The kernel's own answer counts what bits do not say: ACLs, read-only mounts, SELinux.
        ids = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
        return os.access(path, needs, **ids)
    return _grants(found, account, needs, _acl(path))


def _grants(
    found: os.stat_result, account: Account, needs: int, acl: list[tuple[int, int, int]]
) -> bool:
    """Say whether the owner's bits, else the group's, else everyone's grant all that is needed.

    With an ACL the mode's group bits are its mask, and named users come before groups:
    https://man7.org/linux/man-pages/man5/acl.5.html (ACCESS CHECK ALGORITHM)
    """
    if found.st_uid == account.uid:
        return found.st_mode >> 6 & needs == needs
    mask = next((bits for tag, bits, _ in acl if tag == _ACL_MASK), 7)
    for tag, bits, who in acl:
        if tag == _ACL_USER and who == account.uid:
            return bits & mask & needs == needs
    groups = {account.gid, *account.groups}
    owning = next((bits for tag, bits, _ in acl if tag == _ACL_GROUP_OBJ), found.st_mode >> 3)
    granted = [owning] if found.st_gid in groups else []
    granted += [bits for tag, bits, who in acl if tag == _ACL_GROUP and who in groups]
    if not granted:
        return found.st_mode & needs == needs
    # Listing a folder and entering it are two questions, so two entries may answer them.
    return reduce(or_, granted) & mask & needs == needs


def _acl(path: str) -> list[tuple[int, int, int]]:
    """Return the (tag, permission bits, id) of a path's ACL, none when there is no ACL."""
    if not hasattr(os, "getxattr"):
        return []
    try:
        raw = os.getxattr(path, "system.posix_acl_access")
    except OSError:
        return []
    return list(struct.iter_unpack("<HHI", raw[4:]))


def _sentence(path: str, found: os.stat_result, account: Account, needs: int, verb: str) -> str:
    try:
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = f"uid {found.st_uid}"
    text = f"{path} has mode {stat.S_IMODE(found.st_mode):04o} and belongs to {owner}"
    if _grants(found, account, needs, []):
        text += f", but the system does not let {account.name or f'uid {account.uid}'} {verb} it"
    return text


def _exposes(folder: Path) -> tuple[str, ...]:
    """Return the first names, sorted, that must never be served."""
    found = {name for name in _SECRET_NAMES if os.path.lexists(folder / name)}
    try:
        with os.scandir(folder) as entries:
            found.update(one.name for one in islice(entries, _MOST_ENTRIES) if _is_secret(one))
    except OSError:
        pass  # `blocked_by` says why
    return tuple(sorted(found)[:_MOST_SHOWN])


def _is_secret(entry: os.DirEntry[str]) -> bool:
    name = entry.name.lower()
    if name in _HARMLESS:
        return False
    if name.startswith(".env.") or name.endswith(_SECRET_SUFFIXES):
        return True
    return name.endswith(_KEY_SUFFIXES) and _holds_key(entry)


def _holds_key(entry: os.DirEntry[str]) -> bool:
    """Say whether a file holds a private key: certificates end in .pem too, slides in .key."""
    try:
        if not entry.is_file():
            return False
        with open(entry.path, "rb") as file:  # noqa: PTH123 - an entry has no Path
            return b"PRIVATE KEY-----" in file.read(65536)
    except OSError:
        return False
