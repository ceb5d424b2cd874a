# outrider 0.1.0 sha256=1d6f2e0103588e18f2ccb9ab5177249ba7f2396e6e625c4b62e3ad9058e23e4e
# Uvicorn for shop:app, behind Nginx. In this file's folder, as ann:
#
#     /srv/shop/.venv/bin/python uvicorn.conf.py
#
# Options: https://uvicorn.dev/settings/

import os
import sys

# Beside this file lie outrider_entry.py, which imports the app, and outrider_shim.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import uvicorn
from outrider_shim.process import listener, log_config

if __name__ == "__main__":  # its workers are spawned, and read this file as well
    os.chdir('/srv/shop')
    # The socket that `outrider run` has bound, else one that is bound here.
    _socket = listener('/var/tmp/outrider-1000/127.0.0.1-8000/app.sock', 4096)
    uvicorn.run(
        "outrider_entry:app",
        # -- where --------------------------------------------------------------------
        fd=_socket.fileno(),
        # Connections that wait while every worker is busy; beyond it Nginx answers 502.
        backlog=4096,
        # -- processes ----------------------------------------------------------------
        workers=2,
        # An app whose lifespan fails does not serve. The shim answers for one that has none.
        lifespan="on",
        # The shim hands over an ASGI 3 app.
        interface="asgi3",
        # Requests in progress may finish when it stops. A supervisor's own limit comes first, and is told.
        timeout_graceful_shutdown=35,
        # -- what is believed ---------------------------------------------------------
        # The shim reads the headers that Nginx sets: Uvicorn would take the first of a list.
        proxy_headers=False,
        # As much of a request's head as Nginx lets through, for the parser h11; httptools takes any.
        h11_max_incomplete_event_size=65536,
        # A ping every 20 s finds a peer that is gone, and keeps the connection from being idle.
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        # -- log ----------------------------------------------------------------------
        # Nginx logs each request; Uvicorn logs what goes wrong, with the same request id.
        access_log=False,
        log_config=log_config("uvicorn", "uvicorn.error", "uvicorn.asgi"),
        # Nginx has its own.
        server_header=False,
        date_header=False,
    )
