"""What a server's process needs besides the app: its socket, its log, for Waitress an end."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from typing import Any

_FIRST_LISTEN_FD = 3


def is_handed_over() -> bool:
    """Tell whether a supervisor has bound the socket.

    https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
    """
    return os.environ.get("LISTEN_PID") == str(os.getpid())


def listener(place: str, backlog: int) -> socket.socket:
    """Return the socket that the supervisor has bound, or bind one.

    Args:
        place: a path, for a Unix socket of mode 0660, or `HOST:PORT` in a container.
        backlog: how many connections may wait.
    """
    if is_handed_over():
        return socket.socket(fileno=_FIRST_LISTEN_FD)
    one = _bound_port(place) if ":" in place else _bound_path(place)
    one.listen(backlog)
    one.set_inheritable(True)
    return one


def _bound_port(place: str) -> socket.socket:
    host, _, port = place.rpartition(":")
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((host, int(port)))
    return one


def _bound_path(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        one.bind(path)
    finally:
        os.umask(before)
    return one


# -- the log ---------------------------------------------------------------------------------------


class ErrorHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what is standard error when a line is written: the shim replaces that stream."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Standard error."""
        return sys.stderr


def log_config(*loggers: str, level: str = "INFO") -> dict[str, Any]:
    """Return the configuration of a server's loggers, whose lines look as Gunicorn's do.

    https://docs.python.org/3/library/logging.config.html#logging-config-dictschema
    """
    own = {"handlers": ["outrider"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "outrider": {
                "format": "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
                "datefmt": "%Y-%m-%d %H:%M:%S %z",
            }
        },
        "handlers": {"outrider": {"()": ErrorHandler, "formatter": "outrider"}},
        "loggers": {name: dict(own) for name in loggers},
    }


# -- Waitress --------------------------------------------------------------------------------------


def run_waitress(server: Any) -> None:
    """Serve until SIGTERM, and then until all that was begun is answered.

    Waitress itself ends at once on SIGTERM. Its own loop is this one, without an end:
    waitress/server.py, `BaseWSGIServer.run`.
    """
    is_ending = False

    def end(*_: object) -> None:
        nonlocal is_ending
        is_ending = True
        server.pull_trigger()  # wakes the loop

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while not (is_ending and not server.active_channels):
        server.accepting = not is_ending
        server.asyncore.loop(
            timeout=server.adj.asyncore_loop_timeout,
            use_poll=server.adj.asyncore_use_poll,
            map=server._map,  # noqa: SLF001 - as its own `run` does
            count=1,
        )
