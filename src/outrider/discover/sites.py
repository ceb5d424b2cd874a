"""Where sites run on this machine, as its kernel tells: nothing is registered, or goes stale."""

from __future__ import annotations

import contextlib
import pwd
from pathlib import Path

_ACCEPTS = 1 << 16  # __SO_ACCEPTCON of include/linux/net.h: it listens
_SOCKET = "/control.sock"


def run_directories(*, proc: str = "/proc") -> list[str]:
    """Return the directories in which something listens that may be a site's supervisor.

    Linux only. https://man7.org/linux/man-pages/man5/proc_pid_net.5.html (/proc/net/unix)

    Args:
        proc: where procfs is.
    """
    found = set()
    with contextlib.suppress(OSError):
        for line in Path(proc, "net/unix").read_text("utf-8", "surrogateescape").splitlines()[1:]:
            words = line.split(maxsplit=7)
            if len(words) == 8 and words[7].startswith("/") and words[7].endswith(_SOCKET):
                with contextlib.suppress(ValueError):
                    if int(words[3], 16) & _ACCEPTS:
                        found.add(words[7].removesuffix(_SOCKET))
    return sorted(found)


def owner_of(run_directory: str) -> str | None:
    """Return who made the socket there, by name; None when there is none that can be seen."""
    for path in (Path(run_directory + _SOCKET), Path(run_directory)):
        with contextlib.suppress(OSError):
            uid = path.lstat().st_uid
            try:
                return pwd.getpwuid(uid).pw_name
            except KeyError:
                return str(uid)
    return None
