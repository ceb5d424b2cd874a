"""What this worker and the supervisor, if there is one, tell each other."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable

NOTIFY_VARIABLE = "OUTRIDER_NOTIFY_FD"
LIFELINE_VARIABLE = "OUTRIDER_LIFELINE_FD"

# Gunicorn's own exit codes for the same: gunicorn/errors.py, gunicorn/arbiter.py.
NOT_STARTED = 3
NOT_LOADED = 4


def tell_ready() -> None:
    """Say once that the app is loaded and, where it has a lifespan, has started."""
    _tell(f"ready {os.getpid()}")


def tell_failed(code: int) -> None:
    """Say that the app cannot be loaded or does not start: trying again would not help.

    Gunicorn stops by itself then. Other servers start a new worker, again and again.
    """
    _tell(f"failed {code}")


def _tell(line: str) -> None:
    place = os.environ.get(NOTIFY_VARIABLE)
    if not place:
        return
    # A supervisor that was killed does not hear it; the server is about to stop this worker.
    with contextlib.suppress(OSError):
        # A worker that is spawned, not forked, has its server's descriptors by their path only.
        descriptor = int(place) if place.isdigit() else os.open(place, os.O_WRONLY)
        os.write(descriptor, f"{line}\n".encode())


def is_told_of_end() -> bool:
    """Tell whether there is a supervisor that foretells the end."""
    return LIFELINE_VARIABLE in os.environ


def when_end_is_near(loop: Any, act: Callable[[], object]) -> None:
    """Call `act` once, when the supervisor begins to drain the site.

    Args:
        loop: the worker's event loop.
    """
    descriptor = os.environ.get(LIFELINE_VARIABLE)
    if descriptor:

        def end() -> None:
            loop.remove_reader(int(descriptor))
            act()

        loop.add_reader(int(descriptor), end)
