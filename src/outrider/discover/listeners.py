"""Who listens at an address, so that "port 8000 is taken" can say by whom."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_LISTEN = "0A"  # TCP_LISTEN of include/net/tcp_states.h
_LONGEST_COMMAND = 60


class _Socket(NamedTuple):
    ip: IP
    uid: int
    inode: str


def who_listens(host: str, port: int, *, proc: str = "/proc") -> str | None:
    """Return who keeps `host:port` from being bound, as "pid 123 (nginx: master process …)".

    Linux only. The exact address is looked for first, then the wildcards that include it.
    https://docs.kernel.org/networking/proc_net_tcp.html

    Args:
        host: an address, or a name that is resolved.
        port: 1 to 65535.
        proc: where procfs is.

    Returns:
        The process; "a process of another user" when the socket is there and its owner's
        descriptors may not be read; None when no socket is found.
    """
    wanted = _resolve(host)
    there = _listening(Path(proc), port)
    taken = [one for one in there if any(_collides(one.ip, ip) for ip in wanted)]
    taken.sort(key=lambda one: (one.ip not in wanted, one.ip.version))
    for one in taken:
        owner = _owner(Path(proc), one.inode)
        if owner:
            return owner
    if not taken:
        return None
    if os.geteuid() not in (0, taken[0].uid):
        return "a process of another user"
    return "a process that cannot be seen from here, as one in a container"


def _resolve(host: str) -> set[IP]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found}


def _collides(taken: IP, wanted: IP) -> bool:
    """Say whether a socket at `taken` may keep another from binding `wanted`.

    A wildcard of IPv6 includes IPv4 unless it was told not to, which procfs does not show.
    https://man7.org/linux/man-pages/man7/ipv6.7.html (IPV6_V6ONLY)
    """
    if taken == wanted:
        return True
    if taken.is_unspecified:
        return taken.version in (wanted.version, 6)
    if wanted.is_unspecified:
        return wanted.version in (taken.version, 6)
    return False


def _listening(proc: Path, port: int) -> Iterator[_Socket]:
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if len(words) < 10 or words[3] != _LISTEN:
                continue
            address, _, number = words[1].partition(":")
            if int(number, 16) == port:
                yield _Socket(_address(address), int(words[7]), words[9])


def _address(text: str) -> IP:
    """Return the address of a table's column: 32-bit words of network order, printed as numbers."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    ip = ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))
    return (ip.ipv4_mapped or ip) if ip.version == 6 else ip


def _owner(proc: Path, inode: str) -> str | None:
    """Return the process that holds the socket; of those that share it, the parent."""
    holders = [pid for pid in _processes(proc) if _holds(proc / pid / "fd", f"socket:[{inode}]")]
    for pid in holders:
        if _parent(proc, pid) not in holders:
            return f"pid {pid} ({_command(proc, pid)})"
    return None


def _processes(proc: Path) -> list[str]:
    try:
        return sorted((name for name in os.listdir(proc) if name.isdecimal()), key=int)  # noqa: PTH208
    except OSError:
        return []


def _holds(descriptors: Path, name: str) -> bool:
    # Processes end and descriptors close while they are looked at.
    try:
        return any(_link(one) == name for one in descriptors.iterdir())
    except OSError:
        return False


def _link(path: Path) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - "socket:[1]" is no path
    except OSError:
        return ""


def _parent(proc: Path, pid: str) -> str:
    # The name in parentheses may hold spaces and parentheses itself:
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    words = _text(proc / pid / "stat").rpartition(")")[2].split()
    return words[1] if len(words) > 1 else ""


def _command(proc: Path, pid: str) -> str:
    text = _text(proc / pid / "cmdline").replace("\0", " ").strip() or _text(proc / pid / "comm")
    text = "".join(char if char.isprintable() else "?" for char in text.strip()) or "unknown"
    return text if len(text) <= _LONGEST_COMMAND else text[: _LONGEST_COMMAND - 1] + "…"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
