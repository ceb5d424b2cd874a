"""Tell the supervisor, if there is one, that this worker can serve."""

from __future__ import annotations

import contextlib
import os

NOTIFY_VARIABLE = "OUTRIDER_NOTIFY_FD"


def tell_ready() -> None:
    """Say once that the app is loaded and, where it has a lifespan, has started."""
    descriptor = os.environ.get(NOTIFY_VARIABLE)
    if descriptor:
        # A supervisor that was killed does not hear it; the server is about to stop this worker.
        with contextlib.suppress(BrokenPipeError):
            os.write(int(descriptor), f"ready {os.getpid()}\n".encode())
