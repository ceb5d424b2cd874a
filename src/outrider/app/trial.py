"""Import the app and ask it for a page, in a process that serves nobody.

    PYTHON trial.py SHIM_FOLDER INTERFACE TARGET IMPORT_ROOT PREFIX HOST

The last line on standard output tells what it has answered. The exit code tells what went wrong: 3
it cannot be imported or does not start, 4 it raises on a request, 5 it answers with a server error.
The traceback of the user's code is on standard error.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import logging
import os
import sys
import traceback
from importlib import import_module
from typing import Any

NOT_IMPORTED, RAISED, SERVER_ERROR = 3, 4, 5
_LEAVE_S = 5
_MORE_S = 0.2


def main(argv: list[str]) -> int:
    """Try it, and return the exit code."""
    # Python puts a script's folder first, where our file names would hide the app's own modules.
    if sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]
    folder, interface, target, import_root, prefix, host = argv
    for place in (os.getcwd(), import_root):
        if place not in sys.path:
            sys.path.insert(0, place)
    _load("outrider_shim", folder)
    logged = _remember_exceptions()
    try:
        app = import_module("outrider_shim.target").import_app(target)
    except BaseException:  # noqa: BLE001 - SystemExit too
        _show()
        return NOT_IMPORTED
    try:
        ask = _ask_asgi if interface == "asgi" else _ask_wsgi
        status = ask(app, prefix, host)
    except _NotStartedError:
        return NOT_IMPORTED
    except BaseException:  # noqa: BLE001 - theirs, whatever it is
        _show()
        return RAISED
    print(f"GET {prefix}/ is answered with {status}", flush=True)  # noqa: T201 - to the supervisor
    if status >= 500:
        sys.stderr.write("".join(logged[-1:]))
        return SERVER_ERROR
    return 0


def _load(name: str, folder: str) -> None:
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _show() -> None:
    """Print the traceback of their code, without our frames at its beginning."""
    error = sys.exc_info()[1]
    assert error is not None
    told = traceback.TracebackException.from_exception(error)
    frames = list(told.stack)
    ours = ("outrider_shim", os.path.basename(__file__), "importlib")
    while frames and (
        any(name in frames[0].filename for name in ours) or frames[0].filename == __file__
    ):
        del frames[0]
    told.stack[:] = frames
    sys.stderr.write("".join(told.format()))


def _remember_exceptions() -> list[str]:
    """Return a list that gets the traceback of each log record that has one and prints none.

    Django prints none where DEBUG is off.
    """
    kept: list[str] = []
    handle = logging.Logger.callHandlers
    seen = sys.stderr = _Seen(sys.stderr)

    def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
        seen.last = ""
        handle(logger, record)
        if record.exc_info and record.exc_info[0] and "Traceback" not in seen.last:
            kept.append("".join(traceback.format_exception(*record.exc_info)))

    logging.Logger.callHandlers = call_handlers  # type: ignore[assignment, method-assign]
    return kept


class _Seen:
    """Standard error, with what was written last."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last = ""

    def write(self, text: str) -> int:
        self.last += text
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


# -- what Nginx would send -------------------------------------------------------------------------


def _headers(host: str) -> dict[str, str]:
    name, _, port = host.partition(":")
    return {
        "host": name,
        "x-forwarded-host": host,
        "x-forwarded-port": port or "80",
        "x-forwarded-proto": "http",
        "x-forwarded-for": "127.0.0.1",
        "x-real-ip": "127.0.0.1",
        "x-request-id": "outrider-trial",
        "user-agent": "outrider reload",
        "accept": "*/*",
    }


def _ask_wsgi(app: Any, prefix: str, host: str) -> int:
    front = import_module("outrider_shim.wsgi").WsgiFront(app, prefix, ())
    statuses: list[str] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        statuses.append(status)
        return written.append

    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"{prefix}/",
        "RAW_URI": f"{prefix}/",
        "REQUEST_URI": f"{prefix}/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "outrider",
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for key, value in _headers(host).items():
        environ["HTTP_" + key.upper().replace("-", "_")] = value
    body = front(environ, start_response)
    try:
        next(iter(body), b"")
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return int(statuses[-1][:3])


class _NotStartedError(Exception):
    """The app's lifespan did not begin; it has said why."""


def _ask_asgi(app: Any, prefix: str, host: str) -> int:
    return asyncio.run(_ask(app, prefix, host))


async def _ask(app: Any, prefix: str, host: str) -> int:
    front = import_module("outrider_shim.asgi").AsgiFront(app, prefix, ())
    state: dict[str, Any] = {}
    lifespan = import_module("outrider_shim.lifespan").Lifespan(front, state)
    try:
        await lifespan.startup()
    except SystemExit:  # it has said why
        raise _NotStartedError from None
    except Exception:  # noqa: BLE001 - theirs
        _show()
        raise _NotStartedError from None
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"{prefix}/",
        "raw_path": f"{prefix}/".encode("latin-1"),
        "query_string": b"",
        "root_path": "",
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in _headers(host).items()],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
        "state": dict(state),
    }
    status = await _Exchange().status_of(front, scope)
    try:
        await asyncio.wait_for(lifespan.shutdown(), _LEAVE_S)
    except Exception:  # noqa: BLE001 - it is about whether the app starts and answers
        traceback.print_exc()
    return status


class _Exchange:
    """One request, until its answer has begun: a page that never ends is one that works."""

    def __init__(self) -> None:
        self._statuses: list[int] = []
        self._messages = [{"type": "http.request", "body": b"", "more_body": False}]
        self._has_begun = asyncio.Event()

    async def status_of(self, app: Any, scope: Any) -> int:
        """Return the status of the app's answer, or raise what it raises."""
        call = asyncio.ensure_future(app(scope, self._receive, self._send))
        begun = asyncio.ensure_future(self._has_begun.wait())
        await asyncio.wait({call, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        # One that raises after it has answered has a moment to do so.
        await asyncio.wait({call}, timeout=_LEAVE_S if self._fails() else _MORE_S)
        if call.done():
            call.result()
        else:
            call.cancel()
        if not self._statuses:
            raise RuntimeError("the app returned without an answer")
        return self._statuses[0]

    def _fails(self) -> bool:
        return any(status >= 500 for status in self._statuses)

    async def _receive(self) -> Any:
        if not self._messages:
            await self._has_begun.wait()
            return {"type": "http.disconnect"}
        return self._messages.pop()

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._statuses.append(message["status"])
        elif message["type"] == "http.response.body":
            self._has_begun.set()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of the app's own would keep it.
    os._exit(code)
