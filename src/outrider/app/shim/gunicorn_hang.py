"""Show where a worker hangs before Gunicorn kills it.

Over its time limit a worker gets SIGABRT, at which Python raises SystemExit in what it does: that
logs the stack. A worker that is not in Python then, but in a database's driver or in a loop in C,
says nothing, and gets SIGKILL a second later. gunicorn/arbiter.py (`murder_workers`).
"""

from __future__ import annotations

import contextlib
import faulthandler
import signal
import sys
import time
from typing import Any

_SIGNAL = signal.SIGUSR2
"""Of no meaning for Gunicorn's workers: https://gunicorn.org/signals/"""
_WRITING_S = 0.2


def show_when_asked() -> None:
    """Let a worker write the stacks of its threads at a signal: a `post_worker_init` hook."""
    if signal.getsignal(_SIGNAL) is signal.SIG_DFL:  # else it is the app's
        with contextlib.suppress(AttributeError, OSError, ValueError):  # no standard error
            # In C, whatever Python does.
            faulthandler.register(_SIGNAL, sys.__stderr__, all_threads=True)  # type: ignore[arg-type]


def ask_before_killing(arbiter: Any) -> None:
    """Ask a worker that hangs where it is: an `on_starting` hook."""
    kill = arbiter.kill_worker

    def ask_and_kill(pid: int, number: int) -> None:
        worker = arbiter.WORKERS.get(pid)
        if number == signal.SIGKILL and worker is not None and worker.aborted:
            kill(pid, _SIGNAL)
            time.sleep(_WRITING_S)
        kill(pid, number)

    arbiter.kill_worker = ask_and_kill
