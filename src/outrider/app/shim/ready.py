"""What this worker and the supervisor, if there is one, tell each other."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable

NOTIFY_VARIABLE = "OUTRIDER_NOTIFY_FD"
LIFELINE_VARIABLE = "OUTRIDER_LIFELINE_FD"


def tell_ready() -> None:
    """Say once that the app is loaded and, where it has a lifespan, has started."""
    descriptor = os.environ.get(NOTIFY_VARIABLE)
    if descriptor:
        # A supervisor that was killed does not hear it; the server is about to stop this worker.
        with contextlib.suppress(BrokenPipeError):
            os.write(int(descriptor), f"ready {os.getpid()}\n".encode())


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
