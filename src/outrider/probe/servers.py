"""Stop an import that starts a server and so would never end."""

from __future__ import annotations

import contextlib
import linecache
import os
import socketserver
import sys
import sysconfig
from _thread import get_ident, interrupt_main  # gevent replaces them in the module only
from threading import main_thread
from typing import TYPE_CHECKING, Any

from .failure import Failure, is_machinery

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator

SERVERS = (
    # package or module, function; None: any.
    ("aiohttp.web", "run_app"),
    ("bottle", "run"),
    ("cheroot", None),
    ("cherrypy", None),
    ("django.utils.autoreload", None),
    ("eventlet.convenience", "listen"),
    ("gevent.baseserver", "serve_forever"),
    ("granian", None),
    ("gunicorn.arbiter", None),
    ("hypercorn", None),
    ("tornado", None),
    ("uvicorn", None),
    ("waitress", None),
    ("werkzeug.serving", "run_simple"),
)
"""Where the main thread is when a server is started.

The standard library's are not here: they bind as soon as they are made, often for a thread, as
prometheus_client does. What would keep an import from ending is their `serve_forever`.
"""


class _ServerStarted(BaseException):
    """Thrown through the user's module to stop its server; `except Exception` must not hold it."""


class ServerWatch:
    """Finds the line at which the main thread starts a server, and stops it there.

    A server in a thread or a process of its own is left alone, because the import goes on.
    """

    def __init__(self) -> None:
        self._finding: dict[str, Any] | None = None
        self._process = os.getpid()
        self._main_thread = main_thread().ident or 0
        # With the first, Flask ignores app.run(); with the others, Werkzeug takes itself for the
        # reloader's child and binds nothing.
        for variable in ("FLASK_RUN_FROM_CLI", "WERKZEUG_RUN_MAIN", "WERKZEUG_SERVER_FD"):
            os.environ.pop(variable, None)
        sys.addaudithook(self._audit)
        server: Any = socketserver.BaseServer
        server.serve_forever = self._guarded(server.serve_forever)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Raise the finding in the end, even if the user's code has swallowed the exception."""
        self._finding = None
        try:
            yield
        finally:
            if self._finding:
                raise Failure("starts-server", **self._finding)

    def _audit(self, event: str, _arguments: tuple[object, ...]) -> None:
        # Granian binds in Rust and then forks; a reloader starts the program once more.
        if event in ("socket.bind", "os.fork", "subprocess.Popen"):
            frames = self._main_frames()
            if any(_is_server(frame) for frame in frames):
                self._stop(frames)

    def _guarded(self, serve_forever: Callable[..., None]) -> Callable[..., None]:
        def guarded(*arguments: Any, **keywords: Any) -> None:
            frames = self._main_frames()
            if frames and get_ident() == self._main_thread:
                self._stop(frames)
            serve_forever(*arguments, **keywords)

        return guarded

    def _main_frames(self) -> list[types.FrameType]:
        """Return the main thread's frames, the innermost first; none in a child that was forked."""
        frames: list[types.FrameType] = []
        if os.getpid() == self._process:
            frame = sys._current_frames().get(self._main_thread)  # noqa: SLF001 - it is documented
            while frame is not None:
                frames.append(frame)
                frame = frame.f_back
        return frames

    def _stop(self, frames: list[types.FrameType]) -> None:
        users = [frame for frame in frames if not is_machinery(frame.f_code.co_filename)]
        own = [frame for frame in users if not _is_library(frame.f_code.co_filename)]
        # An app that was installed with pip lies among the libraries: then where it was entered.
        frame = own[0] if own else users[-1]
        file, line = frame.f_code.co_filename, frame.f_lineno
        self._finding = {"file": file, "line": line, "code": linecache.getline(file, line).strip()}
        if get_ident() != self._main_thread:
            interrupt_main()  # CherryPy's sleeps until its server's thread has bound
        raise _ServerStarted


def _is_server(frame: types.FrameType) -> bool:
    module = f"{frame.f_globals.get('__name__')}."
    return any(
        module.startswith(f"{server}.") and function in (None, frame.f_code.co_name)
        for server, function in SERVERS
    )


def _is_library(file: str) -> bool:
    places = ("<", f"{sysconfig.get_path('stdlib')}/")
    is_installed = "/site-packages/" in file or "/dist-packages/" in file
    return is_installed or file.startswith(places)
