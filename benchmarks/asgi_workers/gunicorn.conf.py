"""Gunicorn as Outrider configures it, with hooks that say when they are called."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from app import note

worker_class = os.environ["WORKER_CLASS"]
workers = int(os.environ.get("WORKERS", "1"))
timeout = int(os.environ.get("TIMEOUT", "30"))
graceful_timeout = int(os.environ.get("GRACEFUL", "6"))
max_requests = int(os.environ.get("MAX_REQUESTS", "0"))
keepalive = int(os.environ.get("KEEPALIVE", "2"))
backlog = 2048
accesslog = None
errorlog = "-"
control_socket_disable = True
forwarded_allow_ips = "127.0.0.1,::1"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""
worker_tmp_dir = "/dev/shm"


def pre_fork(server, worker):
    note(at="hook", event="pre_fork")


def post_fork(server, worker):
    note(at="hook", event="post_fork")


def post_worker_init(worker):
    note(at="hook", event="post_worker_init")
    if os.environ.get("WITH_SHIM"):
        hooks.wrap(worker, "")


if os.environ.get("REQUEST_HOOKS"):

    def pre_request(worker, req):
        note(at="hook", event="pre_request")

    def post_request(worker, req, environ, resp):
        note(at="hook", event="post_request")


def worker_int(worker):
    note(at="hook", event="worker_int")


def worker_abort(worker):
    note(at="hook", event="worker_abort")


def worker_exit(server, worker):
    note(at="hook", event="worker_exit")


if os.environ.get("WITH_SHIM"):
    _app = os.environ.get("OUTRIDER_APP_FOLDER") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "outrider", "app"
    )
    sys.path.insert(1, _app)
    from shim import gunicorn_hooks as hooks

    asgi_lifespan = "off"  # the shim starts the app

    def post_fork(server, worker):
        note(at="hook", event="post_fork")
        hooks.give_time_to_boot(worker, 6)
