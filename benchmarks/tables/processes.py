"""What /proc tells about processes: children, memory, processor time."""

from __future__ import annotations

import os
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the ids of what the process has started and not yet buried."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    except (OSError, ValueError):
        return found
    return found


def family(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    found = [pid]
    for known in found:  # grows while it is walked
        found += [child for child in children(known) if child not in found]
    return found


def _stat(pid: int) -> list[str]:
    # From the state on. The name before it, in brackets, may hold anything:
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def parent(pid: int) -> int:
    """Return the id of the process that started this one."""
    words = _stat(pid)
    return int(words[1]) if words else 0


def started(pid: int) -> int:
    """Return when the process was started, which tells it from a later one of the same id."""
    words = _stat(pid)
    return int(words[19]) if words else 0


def pss_kb(pid: int) -> int:
    """Return the proportional set size: memory shared by n processes counts 1/n in each."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def cpu_s(pids: list[int]) -> float:
    """Return the processor time that the processes have used, user and system."""
    ticks = 0
    for pid in pids:
        words = _stat(pid)
        ticks += int(words[11]) + int(words[12]) if words else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def name(pid: int) -> str:
    """Return what the program is called."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Tell whether the process runs; one that has ended and is not yet buried does not."""
    return _stat(pid)[:1] not in ([], ["Z"])


def kernel_kb() -> dict[str, int]:
    """Return what the kernel itself holds: buffers of TCP sockets, and its small objects."""
    sockets = Path("/proc/net/sockstat").read_text()
    words = next(line for line in sockets.splitlines() if line.startswith("TCP:")).split()
    pages = int(words[words.index("mem") + 1])
    info = Path("/proc/meminfo").read_text().splitlines()
    slab = next(int(line.split()[1]) for line in info if line.startswith("Slab:"))
    return {"tcp": pages * os.sysconf("SC_PAGE_SIZE") // 1024, "slab": slab}
