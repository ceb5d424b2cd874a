"""What gunicorn.conf.py hangs into Gunicorn: https://gunicorn.org/reference/settings/#server-hooks."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Iterable

from .gunicorn_hang import (
    ask_before_killing,
    show_when_asked,
    tell,
    tell_when_aborted,
    tell_when_deaf,
)
from .gunicorn_recycle import recycle
from .gunicorn_reload import reload_gently, tell_arbiter
from .lines import REQUEST_ID
from .ready import tell_ready
from .scoreboard import in_environment
from .wsgi import WsgiFront

if TYPE_CHECKING:
    from .scoreboard import Scoreboard

__all__ = [
    "ask_before_killing",
    "give_time_to_boot",
    "hold_signals",
    "recycle",
    "release_signals_after_forks",
    "reload_gently",
    "show_when_asked",
    "tell_when_aborted",
    "wrap",
]


def wrap(worker: Any, prefix: str, roots: Iterable[tuple[str, str]] = ()) -> None:
    """Put the shim around the worker's app, and say that it is ready: a `post_worker_init` hook."""
    board = in_environment(os.environ)
    if hasattr(worker, "asgi"):  # Gunicorn's own ASGI worker
        from .asgi import AsgiFront  # noqa: PLC0415 - asyncio comes with it
        from .gunicorn_asgi import repair  # noqa: PLC0415

        repair(worker, AsgiFront(worker.asgi, prefix, roots, board=board))
    else:
        worker.wsgi = WsgiFront(worker.wsgi, prefix, roots, board)
        _forget_after_each_request(worker, board)
    _IS_READY.set()
    tell_arbiter(worker)
    tell_ready()
    show_when_asked()
    tell_when_deaf(worker)


def _forget_after_each_request(worker: Any, board: Scoreboard | None) -> None:
    def forget() -> None:
        REQUEST_ID.set("")
        if board is not None:
            board.leave()

    if hasattr(worker, "after_request"):  # Outrider's own
        worker.after_request = forget
        worker.tell_timeout = lambda *what: tell(worker, *what)
        return
    handle = worker.handle

    def handle_and_forget(*args: Any) -> Any:
        # Not in post_request: Gunicorn logs a failed request after that hook.
        try:
            return handle(*args)
        finally:
            forget()

    worker.handle = handle_and_forget


# -- a worker that boots is not dead ---------------------------------------------------------------

_IS_READY = threading.Event()


def give_time_to_boot(worker: Any, boot_timeout_s: int) -> None:
    """Show signs of life while the app is imported and started: a `post_fork` hook.

    The arbiter ends a worker that is silent for `timeout` seconds; loading a model takes longer.
    """

    def beat() -> None:
        for _ in range(boot_timeout_s):
            if _IS_READY.wait(1):
                return
            worker.notify()

    threading.Thread(target=beat, name="outrider-boot", daemon=True).start()


# -- a worker hears the order to stop from its first moment ----------------------------------------

_ENDINGS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def release_signals_after_forks() -> None:
    """Let the master hear again what `hold_signals` holds, as soon as it has forked."""
    master = os.getpid()

    def release() -> None:
        if os.getpid() == master:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)

    os.register_at_fork(after_in_parent=release)


def hold_signals(worker: Any) -> None:
    """Keep what is sent to a new worker until it can hear it: a `pre_fork` hook.

    A worker is born with the master's handlers, which put a signal into a queue that only the
    master reads. It would miss the order to stop, and Gunicorn would wait for it in vain.
    """
    init_signals = worker.init_signals

    def init_and_release() -> None:
        init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)

    worker.init_signals = init_and_release
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
