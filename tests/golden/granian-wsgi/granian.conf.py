# outrider 0.1.0 sha256=6540e4932a886e529096ef81ad61193a779dc709f208173176c911621eae84b1
# Granian for shop:app, behind Nginx. In this file's folder, as ann:
#
#     /srv/shop/.venv/bin/python granian.conf.py
#
# Options: https://github.com/emmett-framework/granian#options

import os
import sys

# Beside this file lie outrider_entry.py, which imports the app, and outrider_shim.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import signal
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from outrider_shim.process import log_config

if __name__ == "__main__":  # a worker that is spawned reads this file as well
    os.chdir('/srv/shop')
    # A worker is born with the handlers of the first process, which only that one looks at. Until it
    # has its own it has nothing to finish, and may end at once; else it would never hear the order.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    _socket = Path('/var/tmp/outrider-1000/127.0.0.1-8000/app.sock')
    _socket.unlink(missing_ok=True)  # of one that was killed
    Granian(
        # By its path: a name would be looked for in the working directory.
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "outrider_entry.py") + ":app",
        interface=Interfaces('wsgi'),
        # -- where --------------------------------------------------------------------
        # Its own socket, which it unlinks when it stops: it cannot be handed one.
        uds=_socket,
        # 0660. Whoever may write to this socket may claim any client address and scheme.
        uds_permissions=0o660,
        # Connections that wait while every worker is busy; beyond it Nginx answers 502.
        backlog=4096,
        # What Nginx speaks. HTTP/2 without TLS would be more to attack.
        http=HTTPModes.http1,
        websockets=False,
        # -- processes ----------------------------------------------------------------
        workers=2,
        blocking_threads=4,
        # A worker takes no request that none of its threads can serve: another may have one free.
        backpressure=4,
        # A worker that dies is replaced.
        respawn_failed_workers=True,
        # Requests in progress may finish when it stops. A supervisor's own limit comes first, and is told.
        workers_kill_timeout=35,
        # -- log ----------------------------------------------------------------------
        # Nginx logs each request; Granian logs what goes wrong, with the same request id.
        log_access=False,
        log_level=LogLevels.info,
        log_dictconfig=log_config("_granian"),
    ).serve()
