"""Stand between Gunicorn and the app, so that the app sees the client and not the proxy.

Gunicorn listens on a Unix socket that only Nginx can reach, and Nginx sets every header read here
or clears it, so nothing here comes from outside. A copy of this file lies beside each
gunicorn.conf.py.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import os
import re
import signal
import sys
import threading
from typing import Any, Callable, Iterable

REQUEST_ID: contextvars.ContextVar[str] = contextvars.ContextVar("outrider_request_id", default="")
NOTIFY_VARIABLE = "OUTRIDER_NOTIFY_FD"

_DEFAULT_PORTS = {"http": "80", "https": "443"}
# Nginx 1.22 chooses by the name alone and passes `name:80@evil.example` on: a link to elsewhere.
_SOUND = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:[0-9]{0,5})?")


class Front:
    """A WSGI app that puts the client's view of the request into the environment.

    Args:
        app: the WSGI app.
        prefix: where the app is mounted, without a closing slash; empty for the root.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], prefix: str = "") -> None:
        self.app = app
        self.prefix = prefix

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Correct the environment and pass the request on; the answer is not touched."""
        if not environ.get("REMOTE_ADDR"):
            # The peer of a Unix socket has no address: https://gunicorn.org/deploy/
            environ["REMOTE_ADDR"] = environ.get("HTTP_X_REAL_IP", "")
            port = environ.get("HTTP_X_REAL_PORT")
            if port:
                environ["REMOTE_PORT"] = port
        _correct_host(environ)
        self._mount(environ)
        return self.app(environ, start_response)

    def _mount(self, environ: dict[str, Any]) -> None:
        """Move the prefix from PATH_INFO to SCRIPT_NAME.

        https://peps.python.org/pep-3333/#environ-variables
        """
        # With one slash: two would make a link to another host of it.
        outer = environ.get("HTTP_X_FORWARDED_PREFIX", "").strip("/\\")
        outer = "/" + outer if outer else ""
        path = environ.get("PATH_INFO", "")
        if self.prefix and (path == self.prefix or path.startswith(self.prefix + "/")):
            environ["PATH_INFO"] = path[len(self.prefix) :]
        if outer or self.prefix:
            # The header too, for an app that has Werkzeug's ProxyFix around it.
            environ["SCRIPT_NAME"] = environ["HTTP_X_FORWARDED_PREFIX"] = outer + self.prefix


def _correct_host(environ: dict[str, Any]) -> None:
    """Give the app the host and port that the client typed.

    Nginx's $host is checked but has no port; its $http_host has the port (perhaps of a mapping that
    Nginx does not know) but is whatever was sent. The second is taken when the names agree.
    """
    # Several proxies of ours make a list of it; the first is what the client typed.
    host, typed = (
        environ.get(name, "").partition(",")[0].strip()
        for name in ("HTTP_HOST", "HTTP_X_FORWARDED_HOST")
    )
    if typed and _name(typed) == _name(host):
        host = typed
    name, port = split_host(host)
    if not _SOUND.fullmatch(host):
        host, port = name, ""
    usual = _DEFAULT_PORTS.get(environ["wsgi.url_scheme"], "80")
    if not port:
        # Only a trusted proxy's: from anyone else Nginx clears it.
        port = environ.get("HTTP_X_FORWARDED_PORT") or usual
        host = name if port == usual else name + ":" + port
    environ["HTTP_HOST"] = environ["HTTP_X_FORWARDED_HOST"] = host
    environ["SERVER_NAME"] = name
    environ["SERVER_PORT"] = environ["HTTP_X_FORWARDED_PORT"] = port


def _name(host: str) -> str:
    return split_host(host)[0].lower().rstrip(".")


def split_host(host: str) -> tuple[str, str]:
    """Return the name and the port (perhaps empty) of a Host header, IPv6 literals included."""
    if host.startswith("["):
        name, _, rest = host.partition("]")
        return name + "]", rest[1:]
    name, _, port = host.partition(":")
    return name, port


# -- a worker hears the order to stop from its first moment ----------------------------------------

_ENDINGS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def release_signals_after_forks() -> None:
    """Let the master hear again what `hold_signals` holds, as soon as it has forked."""
    master = os.getpid()

    def release() -> None:
        if os.getpid() == master:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)

    os.register_at_fork(after_in_parent=release)


def hold_signals(worker: Any) -> None:
    """Keep what is sent to a new worker until it can hear it: a `pre_fork` hook.

    A worker is born with the master's handlers, which put a signal into a queue that only the
    master reads. It would miss the order to stop, and Gunicorn would wait for it in vain.
    """
    init_signals = worker.init_signals

    def init_and_release() -> None:
        init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)

    worker.init_signals = init_and_release
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)


# -- one request id for every line that is written while a request is served -----------------------


def remember(worker: Any, request: Any) -> None:
    """Note the request's id; Gunicorn's `pre_request` hook."""
    for name, value in request.headers:
        if name.upper() == "X-REQUEST-ID":
            REQUEST_ID.set(value)
            return


def wrap(worker: Any, prefix: str) -> None:
    """Put the shim around the worker's app and say that it is ready: a `post_worker_init` hook."""
    worker.wsgi = Front(worker.wsgi, prefix)
    handle = worker.handle

    def handle_and_forget(*args: Any) -> Any:
        # Not in post_request: Gunicorn logs a failed request after that hook.
        try:
            return handle(*args)
        finally:
            REQUEST_ID.set("")

    worker.handle = handle_and_forget
    tell_ready()


def tell_ready() -> None:
    """Tell the supervisor, if there is one, that this worker has loaded the app."""
    descriptor = os.environ.get(NOTIFY_VARIABLE)
    if descriptor:
        # A supervisor that was killed does not hear it; Gunicorn is about to stop this worker.
        with contextlib.suppress(BrokenPipeError):
            os.write(int(descriptor), f"ready {os.getpid()}\n".encode())


class TaggedStream(io.TextIOWrapper):
    """Standard output or error whose lines carry the id of the request that wrote them.

    That covers what no logging filter sees: print, warnings, a traceback of the framework's own
    logger. A line is written in one piece, so that lines of several threads do not mix.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream.buffer, encoding=stream.encoding, errors="backslashreplace")
        self._stream = stream  # keeps it from being collected, which would close the descriptor
        self._pending = threading.local()

    def write(self, text: str) -> int:
        """Hold text back until its line is complete."""
        whole, newline, rest = (getattr(self._pending, "text", "") + text).rpartition("\n")
        self._pending.text = rest
        if newline:
            tag = REQUEST_ID.get()
            mark = f"[req {tag}] " if tag else ""
            super().write("".join(mark + line + "\n" for line in whole.split("\n")))
            super().flush()
        return len(text)

    def flush(self) -> None:
        """Write what is there of an unfinished line."""
        rest = getattr(getattr(self, "_pending", None), "text", "")
        if rest:
            self._pending.text = ""
            super().write(rest)
        super().flush()


def tag_lines() -> None:
    """Replace standard output and error by tagged ones, once."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream).__name__ != TaggedStream.__name__:
            setattr(sys, name, TaggedStream(stream))
