# outrider 0.1.0 sha256=29dad8373918520ba140a0588d6d036097450fac26b79d9fdea8e4506fc85d7d
# Waitress for shop:app, behind Nginx. In this file's folder, as ann:
#
#     /srv/shop/.venv/bin/python waitress.conf.py
#
# Options: https://docs.pylonsproject.org/projects/waitress/en/stable/arguments.html

import os
import sys

# Beside this file lie outrider_entry.py, which imports the app, and outrider_shim.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import logging.config

import waitress
from outrider_shim.process import listener, log_config, run_waitress

if __name__ == "__main__":
    os.chdir('/srv/shop')
    # Nginx logs each request; Waitress logs what goes wrong, with the same request id. That requests
    # wait for a thread is nothing that goes wrong.
    logging.config.dictConfig(log_config("waitress", level="WARNING"))
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    from outrider_entry import app

    _server = waitress.create_server(
        app,
        # The socket that `outrider run` has bound, else one that is bound here.
        sockets=[listener('/var/tmp/outrider-1000/127.0.0.1-8000/app.sock', 4096)],
        # Connections that wait for their turn; beyond it Nginx answers 502.
        backlog=4096,
        # Connections that it has taken, with their requests: what is more waits in the backlog.
        connection_limit=4096,
        # `select` has no room for descriptors from 1024 on.
        asyncore_use_poll=True,
        # Requests that are served at a time. There is one process.
        threads=5,
        # As large as Nginx lets through, so that both agree on what is too large.
        max_request_body_size=104857600,
        # Nginx sets or clears every forwarding header, and the shim reads them.
        clear_untrusted_proxy_headers=False,
        # The traceback is for the log.
        expose_tracebacks=False,
        ident=None,
    )
    # Until SIGTERM, and then until all that was begun is answered: by itself it would end at once.
    run_waitress(_server)
