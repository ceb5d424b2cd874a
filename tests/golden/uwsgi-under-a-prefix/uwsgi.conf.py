# outrider 0.1.0 sha256=1c38fc97508a5d39a45069d01598651f3ea5fda0fdf7165e6967b4ca10e72939
# uWSGI for shop:app, behind Nginx. In this file's folder, as root:
#
#     /srv/shop/.venv/bin/python uwsgi.conf.py
#
# Options: https://uwsgi-docs.readthedocs.io/en/latest/Options.html

import os
import sys

# Beside this file lie outrider_entry.py, which imports the app, and outrider_shim.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import pyuwsgi
from outrider_shim.process import is_handed_over

_OPTIONS = {
    # An option that does not exist is an error.
    "strict": True,
    # -- where --------------------------------------------------------------------
    # What Nginx speaks with uwsgi_pass. Under `outrider run` the supervisor hands over a bound socket.
    "socket": '/var/tmp/outrider-0/127.0.0.1-8000/app.sock',
    # 0660. Whoever may write to this socket may claim any client address and scheme.
    "chmod-socket": "660",
    # Connections that wait here while every worker is busy; beyond it Nginx answers 502.
    "listen": 4096,
    "chdir": '/srv/shop',
    "pythonpath": os.path.dirname(os.path.abspath(__file__)),
    "module": "outrider_entry:app",
    # -- processes ----------------------------------------------------------------
    # One that starts workers, replaces those that die, and ends them.
    "master": True,
    "processes": 2,
    "threads": 2,
    # The app's own threads run as well.
    "enable-threads": True,
    # One app, so one interpreter: C extensions need not survive two.
    "single-interpreter": True,
    # Each worker imports the app itself: connections opened at import are not shared across a fork.
    "lazy-apps": True,
    # Without the app it ends, instead of answering each request with an error.
    "need-app": True,
    # The longest a request may take; then its worker is replaced.
    "harakiri": 30,
    # SIGTERM would mean reload. Requests in progress may finish when it stops.
    "hook-master-start": "unix_signal:15 gracefully_kill_them_all",
    # A supervisor's own limit comes first, and is told.
    "worker-reload-mercy": 35,
    # -- sizes --------------------------------------------------------------------
    # A request's head, in one piece: as much as the protocol has room for.
    "buffer-size": 65535,
    # Nginx has the whole body before it asks; there is no need to keep it twice.
    "post-buffering": 0,
    # -- log ----------------------------------------------------------------------
    # Nginx logs each request; uWSGI logs what goes wrong, with the same request id.
    "disable-logging": True,
    # A client that is gone is nothing that goes wrong.
    "ignore-sigpipe": True,
    "ignore-write-errors": True,
    "disable-write-exception": True,
}

if __name__ == "__main__":
    # When root starts this file, it becomes the site's user first.
    if os.geteuid() == 0:
        os.setgroups([33])
        os.setgid(33)
        os.setuid(33)
    # They would be options too: https://uwsgi-docs.readthedocs.io/en/latest/Configuration.html#environment-variables
    for _name in [name for name in os.environ if name.startswith("UWSGI_")]:
        del os.environ[_name]
    if not is_handed_over():
        _OPTIONS["vacuum"] = True  # its own socket goes with it
    pyuwsgi.run(
        [f"--{name}" if value is True else f"--{name}={value}" for name, value in _OPTIONS.items()]
    )
