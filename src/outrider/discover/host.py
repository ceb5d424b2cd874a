"""What this machine lets this process use, and who its children could run as."""

from __future__ import annotations

import grp
import math
import os
import pwd
import re
import resource
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from outrider.facts import Account, Host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LARGEST_ID = 2**32 - 2  # -1 means "leave it as it is" to chown and setuid
_NO_V1_LIMIT = 2**60  # version 1 writes "no limit" as the largest multiple of a page below 2**63
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


def look_at_host(
    env: Mapping[str, str],
    *,
    proc: str = "/proc",
    cgroup: str = "/sys/fs/cgroup",
    shm: str = "/dev/shm",  # noqa: S108 - looked at, never written to
) -> Host:
    """Return what this process may use of the machine; `candidates` is left to `accounts`.

    Args:
        env: the environment; only TMPDIR is read.
        proc: where procfs is; without one (macOS) the C library is asked instead.
        cgroup: where the control groups are mounted, version 1, 2 or both.
        shm: the directory for POSIX shared memory.
    """
    cpus, cpus_source = _cpus(proc, cgroup)
    memory, memory_source = _memory(proc, cgroup)
    temp = _temp_directory(env)
    return Host(
        cpus=cpus,
        cpus_source=cpus_source,
        memory_bytes=memory,
        memory_source=memory_source,
        uid=os.geteuid(),
        account=_ourselves(),
        open_files=_open_files(proc),
        somaxconn=_number(Path(proc, "sys/net/core/somaxconn")) or socket.SOMAXCONN,
        shm_is_tmpfs=_is_writable(shm) and _is_memory(shm, proc),
        temp_directory=temp,
        temp_is_memory=_is_memory(temp, proc),
    )


def accounts(owner_uid: int | None) -> tuple[Account, ...]:
    """Return whom root could run the children as, the best first, each uid once.

    The owner of the project can read it; `www-data` and `nobody` are what distributions run web
    servers as. Root itself is never among them.
    """
    owner = None if owner_uid is None else _account(_entry(owner_uid), owner_uid)
    found: dict[int, Account] = {}
    for one in (owner, account_named("www-data"), account_named("nobody")):
        if one is not None and one.uid != 0:
            found.setdefault(one.uid, one)
    return tuple(found.values())


def account_named(name: str) -> Account | None:
    """Return the account of `user`, `uid`, `user:group` or `uid:gid`; None when there is none.

    A number needs no entry in the user database, as in a container that was started with
    `--user 1000`; its group is then the one given, or the same number. A name that looks like a
    number is taken as a name first, as chown does (POSIX).
    """
    user, colon, group = name.partition(":")
    gid = _group(group) if colon else None
    if colon and gid is None:
        return None
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):
        number = _as_id(user)
        return None if number is None else _account(_entry(number), number, gid)
    return _account(entry, entry.pw_uid, gid)


def _account(entry: pwd.struct_passwd | None, uid: int, gid: int | None = None) -> Account:
    if entry is None:
        return Account(uid=uid, gid=uid if gid is None else gid)
    gid = entry.pw_gid if gid is None else gid
    groups = tuple(sorted(set(os.getgrouplist(entry.pw_name, gid))))
    return Account(
        uid=uid,
        gid=gid,
        name=entry.pw_name,
        groups=groups,
        group=_group_name(gid),
        home=entry.pw_dir,
    )


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _group(text: str) -> int | None:
    try:
        return grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        return _as_id(text)


def _group_name(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None


def _as_id(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        return None
    return int(text) if int(text) <= _LARGEST_ID else None


def _ourselves() -> Account:
    entry = _entry(os.geteuid())
    return Account(
        uid=os.geteuid(),
        gid=os.getegid(),
        name=entry.pw_name if entry else None,
        groups=tuple(sorted(os.getgroups())),
        home=entry.pw_dir if entry else "/",
    )


def _cpus(proc: str, cgroup: str) -> tuple[int, str]:
    """Return the CPUs and who says so; `os.cpu_count` knows neither affinity nor quota.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    https://docs.kernel.org/scheduler/sched-bwc.html (version 1)
    """
    if hasattr(os, "sched_getaffinity"):
        least, source = len(os.sched_getaffinity(0)), "sched_getaffinity"
    else:
        least, source = os.cpu_count() or 1, "os.cpu_count"
    for directory in _control_groups(proc, cgroup, "cpu"):
        for name, read in (("cpu.max", _quota_v2), ("cpu.cfs_quota_us", _quota_v1)):
            quota = read(directory)
            if quota is not None and math.ceil(quota) < least:
                least, source = math.ceil(quota), str(directory / name)
    return least, source


def _quota_v2(directory: Path) -> float | None:
    quota, _, period = _text(directory / "cpu.max").partition(" ")
    return _ratio(quota, period)


def _quota_v1(directory: Path) -> float | None:
    return _ratio(_text(directory / "cpu.cfs_quota_us"), _text(directory / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    """Return CPUs, or None for "max" and -1, which mean no quota."""
    if not (quota.isdecimal() and period.isdecimal()) or int(quota) == 0 or int(period) == 0:
        return None
    return int(quota) / int(period)


def _memory(proc: str, cgroup: str) -> tuple[int, str]:
    """Return the memory and who says so.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
    """
    meminfo = Path(proc, "meminfo")
    total = re.search(r"^MemTotal:\s+([0-9]+) kB$", _text(meminfo), re.MULTILINE)
    if total:
        least, source = int(total[1]) * 1024, str(meminfo)
    else:
        least, source = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "sysconf"
    for directory in _control_groups(proc, cgroup, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(directory / name)
            if limit is not None and 0 < limit < min(least, _NO_V1_LIMIT):
                least, source = limit, str(directory / name)
    return least, source


def _control_groups(proc: str, cgroup: str, controller: str) -> Iterator[Path]:
    """Yield the directories of this process's control groups that may limit it, innermost first.

    A limit of any ancestor holds, so each is read up to the mount. Version 2 is mounted at `cgroup`
    itself, or beside version 1 at `cgroup/unified`; version 1 has a mount for each set of
    controllers, whose order in the name differs between distributions.
    https://man7.org/linux/man-pages/man7/cgroups.7.html
    """
    for line in _text(Path(proc, "self/cgroup")).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        names = controllers.split(",")
        if not controllers:
            mounts = [Path(cgroup), Path(cgroup, "unified")]
        elif controller in names:
            mounts = [Path(cgroup, n) for n in (controllers, ",".join(reversed(names)), controller)]
        else:
            continue
        for mount in dict.fromkeys(mounts):
            yield from _upwards(mount, path)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield the group's directory below `mount`, then its parents up to `mount`.

    A container without a cgroup namespace is told its path as the host sees it, while the mount
    shows only the part from its own group on: the longest tail that exists is ours.
    """
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for start in range(len(parts) + 1):
        group = mount.joinpath(*parts[start:])
        if os.access(group, os.X_OK):
            yield group
            yield from (one for one in group.parents if one == mount or mount in one.parents)
            return


def _open_files(proc: str) -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        return hard
    # What the kernel itself allows a process: https://docs.kernel.org/admin-guide/sysctl/fs.html
    return _number(Path(proc, "sys/fs/nr_open")) or 1024 * 1024


def _temp_directory(env: Mapping[str, str]) -> str:
    """Return the first that can be written to; /var/tmp before /tmp, which is often a tmpfs."""
    named = [str(Path(env["TMPDIR"]).absolute())] if env.get("TMPDIR") else []
    fixed = ["/var/tmp", "/tmp"]  # noqa: S108 - names to look at; what is made there is private
    return next((one for one in [*named, *fixed] if _is_writable(one)), fixed[-1])


def _is_writable(directory: str) -> bool:
    # In this order: is_dir raises where it may not look.
    return os.access(directory, os.W_OK | os.X_OK) and Path(directory).is_dir()


def _is_memory(path: str, proc: str) -> bool:
    """Say whether `path` lies on a file system that is kept in memory.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    real = Path(path).resolve()
    found, kind = Path(), ""
    for line in _text(Path(proc, "self/mountinfo")).splitlines():
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        # Spaces, tabs, line breaks and backslashes are written in octal.
        point = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), words[4]))
        # The longest mount point wins, and of the same one the last, which covers the others.
        if real.is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, rest.split(" ")[0]
    return kind in _MEMORY_FILE_SYSTEMS


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return ""
