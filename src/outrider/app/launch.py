"""Start the app's server on a socket that the supervisor bound, in this same process.

    PYTHON launch.py SOCKET_FD GUNICORN_CONF TARGET
    PYTHON launch.py SOCKET_FD CONF
    PYTHON launch.py - CONF

The first starts Gunicorn, the others run CONF, which is a program, the third without a socket.

A server takes an inherited socket when `LISTEN_PID` is its own process id, which nobody can know
before the process exists; so it is set here. The socket must be descriptor 3.
https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

FIRST_LISTEN_FD = 3
SHARED_VARIABLES = ("OUTRIDER_NOTIFY_FD", "OUTRIDER_SCOREBOARD_FD")


def main(argv: list[str]) -> None:
    """Become the server.

    Args:
        argv: the socket's descriptor or a dash, the path of the configuration, Gunicorn's target.
    """
    # Python puts a script's folder first, all links resolved, where our file names would hide the
    # app's own modules; not with PYTHONSAFEPATH.
    if sys.path[0] == str(Path(__file__).resolve().parent):
        del sys.path[0]

    socket, conf, *target = argv
    if socket != "-":
        _hand_over(int(socket))
    if target:
        _run_gunicorn(conf, target[0])
    else:
        _let_spawned_workers_tell()
        sys.argv = [conf]
        runpy.run_path(conf, run_name="__main__")


def _hand_over(descriptor: int) -> None:
    if descriptor != FIRST_LISTEN_FD:
        os.dup2(descriptor, FIRST_LISTEN_FD)
        os.close(descriptor)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = "1"


def _run_gunicorn(conf: str, target: str) -> None:
    # It would override the configuration file, whose values the operator has been shown.
    os.environ.pop("GUNICORN_CMD_ARGS", None)

    sys.argv = ["gunicorn", "-c", conf, target]
    # After sys.path is right.
    from gunicorn.app.wsgiapp import run  # noqa: PLC0415

    run()


def _let_spawned_workers_tell() -> None:
    """Name the supervisor's descriptors by a path: Python's `spawn` hands none on."""
    for variable in SHARED_VARIABLES:
        descriptor = os.environ.get(variable)
        if descriptor and sys.platform.startswith("linux"):
            os.environ[variable] = f"/proc/{os.getpid()}/fd/{descriptor}"


if __name__ == "__main__":
    main(sys.argv[1:])
