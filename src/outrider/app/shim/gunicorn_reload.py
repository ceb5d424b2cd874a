"""Replace Gunicorn's workers a few at a time: an old one goes when a new one has loaded the app.

That is so when new code is there (SIGHUP), and when a worker itself asks (gunicorn_recycle.py).

Gunicorn itself, on SIGHUP, starts as many new workers as there are old ones and stops the old ones
at once: nobody answers while the app is imported, memory is needed twice, and when the app cannot
be imported the whole site ends. gunicorn/arbiter.py (`reload`, `manage_workers`, `reap_workers`) is
what this was written against, in the versions 23.0.0 to 27.0.1.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any, NoReturn

_AT_ONCE = 4
"""A fourth of the workers, at least one, may be there twice: as much more memory."""
_PAUSE_S = 1
"""Before a worker that could not load the app is replaced."""
_PATIENCE_S = 60
"""Before one that asks for a successor gets another, after one that could not load the app."""


def tell_arbiter(worker: Any) -> None:
    """Let the arbiter know that this worker has loaded the app; a second time, that it wants to go.

    They share the file of the heartbeat. Its age is what counts for Gunicorn, its size for us.
    """
    os.write(worker.tmp.fileno(), b"+")
    worker.notify()  # writing has changed the file's age
    # Wakes the arbiter, who would look within a second. It is another user's after `--user`.
    with contextlib.suppress(OSError):
        os.kill(worker.ppid, signal.SIGCHLD)


def reload_gently(arbiter: Any) -> None:
    """Replace what Gunicorn does on SIGHUP: an `on_starting` hook."""
    reload = _Reload(arbiter)
    arbiter.reload = reload.begin
    arbiter.manage_workers = reload.manage
    arbiter.reap_workers = reload.reap


class _ConfigurationIsReadError(Exception):
    """Gunicorn's own reload has come to where it would start workers."""


class _Reload:
    """What takes the place of three methods of the arbiter's."""

    def __init__(self, arbiter: Any) -> None:
        self._arbiter = arbiter
        self._reload = arbiter.reload
        self._manage = arbiter.manage_workers
        self._reap = arbiter.reap_workers
        self._has_begun = False
        self._is_rolling = False
        self._outdated = 0
        """The age of the newest worker that has the old code: Gunicorn counts them."""
        self._deaf_until = 0.0
        """Until when no worker is heard that asks for a successor."""

    def begin(self) -> None:
        """Read the configuration again; the workers follow one after the other."""
        arbiter = self._arbiter
        arbiter.spawn_worker = _leave
        try:
            self._reload()
        except _ConfigurationIsReadError:
            pass
        finally:
            del arbiter.spawn_worker
        self._outdated = arbiter.worker_age
        self._has_begun = self._is_rolling = True

    def manage(self) -> None:
        """Stop each old worker when there are enough others, and start the new ones."""
        if not self._is_rolling:
            if not any(map(self._is_outdated, self._living())):
                self._manage()
                return
            self._has_begun = self._is_rolling = True
        arbiter = self._arbiter
        wanted = arbiter.num_workers
        living = self._living()
        serving = sum(map(_has_loaded, living))
        for worker in list(living):
            if _has_loaded(worker):
                if serving <= wanted:
                    continue
                serving -= 1
            elif not self._is_outdated(worker):
                continue
            living.remove(worker)
            worker.is_told_to_stop = True
            arbiter.kill_worker(worker.pid, signal.SIGTERM)
        fresh = sum(not self._is_outdated(worker) for worker in living)
        room = wanted + max(1, wanted // _AT_ONCE) - len(living)
        for _ in range(min(wanted - fresh, room)):
            arbiter.spawn_worker()
        if len(living) == fresh == serving == len(arbiter.WORKERS) == wanted:
            self._is_rolling = False
            if self._outdated:
                self._outdated = 0
                arbiter.log.info("Reloaded: all workers are new")

    def reap(self) -> None:
        """Bury the workers that have ended.

        One that could not start ends nothing after a reload, and no stop that has begun.
        """
        # Gunicorn has it, where it is imported; a copy of this lies also beside apps without it.
        from gunicorn.errors import HaltServer  # noqa: PLC0415

        arbiter = self._arbiter
        while True:
            known = dict(arbiter.WORKERS)
            try:
                self._reap()
            except HaltServer as halt:
                is_stopping = not arbiter.LISTENERS
                serving = any(map(_has_loaded, self._living()))
                if not is_stopping and not (self._has_begun and serving):
                    raise
                for pid in known.keys() - arbiter.WORKERS.keys():
                    known[pid].tmp.close()
                # While it stops, a second one that could not boot would end the stop itself: the
                # others would be left, and two tracebacks through Gunicorn bury the app's own.
                if not is_stopping:
                    self._give_up(halt.reason)
            else:
                return

    def _give_up(self, reason: str) -> None:
        self._arbiter.log.error(
            "%s Those that serve go on with the code that they have. Mend it and reload again.",
            reason,
        )
        self._outdated = 0
        self._deaf_until = time.monotonic() + _PATIENCE_S
        time.sleep(_PAUSE_S)

    def _living(self) -> list[Any]:
        """Return the workers that are to go on, those first that go when others are there."""
        workers = [*self._arbiter.WORKERS.values()]
        going_on = [one for one in workers if not getattr(one, "is_told_to_stop", False)]
        return sorted(going_on, key=lambda one: (not self._is_outdated(one), one.age))

    def _is_outdated(self, worker: Any) -> bool:
        """Tell whether it has the old code, or asks for a successor."""
        is_asking = _written(worker) > 1 and time.monotonic() >= self._deaf_until
        return worker.age <= self._outdated or is_asking


def _leave() -> NoReturn:
    raise _ConfigurationIsReadError


def _has_loaded(worker: Any) -> bool:
    return _written(worker) > 0


def _written(worker: Any) -> int:
    """Return how many bytes a worker has written: one has loaded the app, two ask to go."""
    try:
        return os.fstat(worker.tmp.fileno()).st_size
    except (OSError, ValueError):  # it has been buried meanwhile
        return 0
