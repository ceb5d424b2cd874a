"""Show which request hangs, and where, before Gunicorn ends it.

Over its time limit a worker gets SIGABRT, at which Python raises SystemExit in what it does: the
hook `worker_abort` says in what. A worker that is not in Python then, but in a database's driver or
in a loop in C, hears nothing, and gets SIGKILL a second later. In between a thread of its own says
what it does; if not even that can run, the stacks are written without Python.
gunicorn/arbiter.py (`murder_workers`).
"""

from __future__ import annotations

import contextlib
import faulthandler
import signal
import sys
import threading
import time
import traceback
from typing import Any

from .lines import REQUEST_ID

_SIGNAL = signal.SIGUSR2
"""Of no meaning for Gunicorn's workers: https://gunicorn.org/signals/"""
_WRITING_S = 0.2
_AFTER_S = 0.6
"""After the limit: SIGABRT comes within a second of it, SIGKILL a second after that."""
_LEAST_S = 0.2
_HANDLERS = ("handle_abort", "handle_abort_signal")
"""Of Gunicorn's workers, for SIGABRT."""


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


def tell_when_aborted(worker: Any) -> None:
    """Say what the main thread does: a `worker_abort` hook, called by the worker's own handler."""
    frame: Any = sys._getframe()  # noqa: SLF001 - the documented way
    while frame is not None and frame.f_code.co_name not in _HANDLERS:
        frame = frame.f_back
    _tell_of_main_thread(worker, None if frame is None else frame.f_back)


def tell_when_deaf(worker: Any) -> None:
    """Say what the main thread does when it does not hear SIGABRT: a `post_worker_init` hook."""
    if not worker.cfg.timeout:
        return
    main = threading.main_thread().ident or 0

    def watch() -> None:
        while True:
            time.sleep(max(worker.cfg.timeout + _AFTER_S - _silent_for_s(worker), _LEAST_S))
            if _silent_for_s(worker) >= worker.cfg.timeout + _AFTER_S:
                frame = sys._current_frames().get(main)  # noqa: SLF001
                _tell_of_main_thread(worker, frame)

    threading.Thread(target=watch, name="outrider-watch", daemon=True).start()


def _tell_of_main_thread(worker: Any, frame: Any) -> None:
    """Say it once: by its last sign of life a worker shows that it is still the same."""
    try:
        last = worker.tmp.last_update()
    except (OSError, ValueError):  # it is about to end
        return
    if getattr(worker, "told_of", None) != last:
        worker.told_of = last
        tell(worker, frame, _silent_for_s(worker))


def tell(worker: Any, frame: Any, seconds: float, where: str = "") -> None:
    """Log a request that takes too long, with its stack.

    Args:
        worker: in which it is.
        frame: the innermost of its thread.
        seconds: for how long it has been under way, about.
        where: which thread that is, if there are several.
    """
    request, its_id, depth = request_in(frame)
    before = REQUEST_ID.set(its_id)
    worker.log.critical(
        "REQUEST TIMEOUT (pid:%s%s): %s, for %.0f s, is here:\n%s",
        worker.pid,
        where and f", {where}",
        request or "what is done between requests",
        seconds,
        "".join(traceback.format_stack(frame, depth)).rstrip() if frame else "",
    )
    REQUEST_ID.reset(before)


def request_in(frame: Any) -> tuple[str, str, int | None]:
    """Return the request that a stack is about, its id, and how many frames serve it.

    The frames of a server or of the shim hold it as WSGI or ASGI has it, whole. What stands on the
    scoreboard is cut, has no query, and is only there below a supervisor.
    """
    found: Any = None
    depth = within = 0
    while frame is not None:
        depth += 1
        names = frame.f_code.co_varnames
        if "environ" in names or "scope" in names:
            known = frame.f_locals
            request = known.get("environ") or known.get("scope")
            if isinstance(request, dict) and ("REQUEST_METHOD" in request or "path" in request):
                found, within = request, depth
        frame = frame.f_back
    return (*_described(found), within) if found else ("", "", None)


def _described(request: dict[str, Any]) -> tuple[str, str]:
    if "REQUEST_METHOD" in request:
        url = request.get("RAW_URI") or request.get("PATH_INFO", "")
        return f"{request['REQUEST_METHOD']} {url}", request.get("HTTP_X_REQUEST_ID", "")
    path, query = request.get("path", ""), request.get("query_string", b"").decode("latin-1")
    headers = dict(request.get("headers", ()))
    method = request.get("method", request.get("type", ""))
    its_id = headers.get(b"x-request-id", b"").decode("latin-1")
    return f"{method} {path}{'?' + query if query else ''}", its_id


def _silent_for_s(worker: Any) -> float:
    """Return for how long a worker has shown no sign of life; its clock is Gunicorn's."""
    try:
        return float(time.monotonic() - worker.tmp.last_update())
    except (OSError, ValueError):  # it is about to end
        return 0.0
