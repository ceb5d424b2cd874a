"""Replace a worker that has served long enough, before what it leaks or keeps is too much.

Gunicorn's own `max_requests` ends the worker first and starts its successor then, so that for as
long as the app is imported one less serves. Here the worker asks, and goes when the new one has
loaded the app: gunicorn_reload.py.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

from .gunicorn_reload import tell_arbiter

_LOOK_INTERVAL_S = 1
_SHARE = 0.1
"""Of a limit: so much earlier a worker may be replaced, so that not all of them are at once."""
_SETTLED_S = 10
"""A worker that is too large so soon was not made so by its requests."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def recycle(worker: Any, requests: int | None, age_s: int | None, memory_bytes: int | None) -> None:
    """Have the worker replaced when it has reached one of the limits: a `post_worker_init` hook.

    Args:
        worker: which has loaded the app.
        requests: how many it may answer, about.
        age_s: how long it may serve, at most.
        memory_bytes: how large it may become; looked at each second.
    """
    if memory_bytes and (size := resident_bytes()) >= memory_bytes:
        worker.log.warning(
            "max_memory is %s, and the app alone takes %s: its size is not looked at",
            _mebibytes(memory_bytes),
            _mebibytes(size),
        )
        memory_bytes = None
    limits = Limits(requests, age_s, memory_bytes)

    def watch() -> None:
        begun = time.monotonic()
        while worker.alive:
            time.sleep(_LOOK_INTERVAL_S)
            reason = limits.reached(worker.nr, time.monotonic() - begun, resident_bytes())
            if reason:
                worker.log.info("Worker (pid:%s) is replaced: %s", worker.pid, reason)
                tell_arbiter(worker)
                return

    threading.Thread(target=watch, name="outrider-recycle", daemon=True).start()


class Limits:
    """The limits of one worker, of requests and age a little below what was asked for."""

    def __init__(self, requests: int | None, age_s: int | None, memory_bytes: int | None) -> None:
        share = 1 - random.uniform(0, _SHARE)  # noqa: S311 - no secret
        self.requests = requests and max(1, int(requests * share))
        self.age_s = age_s and age_s * share
        self.memory_bytes = memory_bytes

    def reached(self, requests: int, age_s: float, memory_bytes: int) -> str:
        """Return which limit is reached, in words; nothing when none is."""
        if self.requests and requests >= self.requests:
            return f"it has answered {requests} requests"
        if self.age_s and age_s >= self.age_s:
            return f"it has served for {age_s:.0f} s"
        if self.memory_bytes and age_s >= _SETTLED_S and memory_bytes >= self.memory_bytes:
            return f"it takes {_mebibytes(memory_bytes)} of memory"
        return ""


def resident_bytes() -> int:
    """Return how much memory this process takes now: https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE_BYTES


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
