"""Start Gunicorn on a socket that the supervisor bound, in this same process.

    PYTHON launch.py SOCKET_FD GUNICORN_CONF TARGET

Gunicorn takes an inherited socket when `LISTEN_PID` is its own process id, which nobody can know
before the process exists; so it is set here. The socket must be descriptor 3.
https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FIRST_LISTEN_FD = 3


def main(argv: list[str]) -> None:
    """Become Gunicorn.

    Args:
        argv: the socket's descriptor, the path of gunicorn.conf.py, the target.
    """
    # Python puts a script's folder first, all links resolved, where our file names would hide the
    # app's own modules; not with PYTHONSAFEPATH.
    if sys.path[0] == str(Path(__file__).resolve().parent):
        del sys.path[0]

    descriptor, conf, target = int(argv[0]), argv[1], argv[2]
    if descriptor != FIRST_LISTEN_FD:
        os.dup2(descriptor, FIRST_LISTEN_FD)
        os.close(descriptor)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = "1"
    # It would override the configuration file, whose values the operator has been shown.
    os.environ.pop("GUNICORN_CMD_ARGS", None)

    sys.argv = ["gunicorn", "-c", conf, target]
    # After sys.path is right.
    from gunicorn.app.wsgiapp import run  # noqa: PLC0415
    from gunicorn.errors import HaltServer  # noqa: PLC0415

    try:
        run()
    except HaltServer as halt:
        # Raised once more while Gunicorn stops, when several workers die at boot together. The
        # reason stands in the log; a traceback through Gunicorn would bury it.
        sys.exit(halt.exit_status)


if __name__ == "__main__":
    main(sys.argv[1:])
