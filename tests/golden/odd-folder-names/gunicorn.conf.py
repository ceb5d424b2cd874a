# outrider 0.1.0 sha256=7b754a158bf24ae47051ec6d885726efe2864e6daf703e4ab9a0faed82ddb72a
# Gunicorn for shop:app, behind Nginx. In this file's folder, as ann:
#
#     /srv/shop/.venv/bin/python -m gunicorn -c gunicorn.conf.py shop:app
#
# Settings: https://gunicorn.org/reference/settings/

import importlib
import importlib.util
import os
import sys


def _load(name):
    """Import what lies beside this file: the app's environment need not have Outrider in it."""
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_load("outrider_shim")
_load("outrider_worker")
_hooks = importlib.import_module("outrider_shim.gunicorn_hooks")
importlib.import_module("outrider_shim.lines").tag_lines()
_hooks.release_signals_after_forks()

# -- where --------------------------------------------------------------------
# A Unix socket: no port for others to reach, and no ephemeral ports to run out of.
# Under `outrider run` the supervisor hands over a bound socket instead.
bind = ['unix:/var/tmp/outrider-1000/127.0.0.1-8000/app.sock']
# 0660. Whoever may write to this socket may claim any client address and scheme.
umask = 0o117
# Connections that wait here while every worker is busy; beyond it Nginx answers 502.
backlog = 4096
chdir = '/srv/shop'
proc_name = 'shop'

# -- processes ----------------------------------------------------------------
workers = 5
threads = 1
worker_class = 'outrider_worker.Worker'
# The longest a request may take.
timeout = 30
# Requests in progress may finish when Gunicorn stops. A supervisor's own limit comes first, and is told.
graceful_timeout = 35
# Nginx sends one request per connection, so nothing is kept.
keepalive = 2
# Each worker imports the app itself: connections opened at import are not shared across a fork.
preload_app = False
# The heartbeat file must not wait for a disk.
worker_tmp_dir = '/dev/shm'
# Its socket has one name per user: two sites of one user would delete each other's.
control_socket_disable = True

# -- what is believed ---------------------------------------------------------
# The peer of a Unix socket is always trusted; of addresses, none is.
forwarded_allow_ips = "127.0.0.1,::1"
# Nginx sets X-Forwarded-Proto itself and clears the other two that Gunicorn would read.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# A client must not set SCRIPT_NAME or PATH_INFO.
forwarder_headers = ""
header_map = "drop"
# As large as Nginx lets through, so that both agree on what is too large.
limit_request_line = 8190
limit_request_fields = 128
limit_request_field_size = 8190

# -- log ----------------------------------------------------------------------
# Nginx logs each request; Gunicorn logs what goes wrong, with the same request id.
accesslog = None
errorlog = "-"
loglevel = "info"


# An old worker stops when a new one has loaded the app, and not before.
def on_starting(server):
    _hooks.reload_gently(server)
    _hooks.ask_before_killing(server)


def pre_fork(server, worker):
    _hooks.hold_signals(worker)


def post_fork(server, worker):
    _hooks.give_time_to_boot(worker, 60)


# Before a request that takes too long is ended, it is logged with its stack.
def worker_abort(worker):
    _hooks.tell_when_aborted(worker)


# Nginx sends what the app hands out of these folders, under internal URLs.
_roots = [
    ('/srv/shop', '/_outrider/files/0/'),
    ('/srv/my "odd"; {files}', '/_outrider/files/1/'),
]


def post_worker_init(worker):
    _hooks.wrap(worker, '', _roots)
