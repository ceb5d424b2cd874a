"""The worker: takes connections, calls the app, and gives to Gunicorn what is not simple."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import time
import traceback
from typing import Any, Callable, cast

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.workers.sync import SyncWorker

from .connections import Begun, Connection, Listener, Queue, Taken, close_when_read
from .request import Body, length_of, parse, rules, server_of
from .response import ClientGoneError, Response
from .threads import Crew

READ_BYTES = 16 * 1024


class Worker(SyncWorker):
    """Serves one request for each connection: https://gunicorn.org/design/#sync-workers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.after_request: Callable[[], object] | None = None
        """Called when a request is over, whatever has become of it."""
        self.tell_timeout: Callable[[Any, float, str], object] = self._tell_timeout
        """Called with the innermost frame of a request that takes too long, seconds and thread."""
        # Of a short timeout, which counts from the last beat, a small part.
        self.beat_interval_s = min(1.0, self.timeout / 5) if self.timeout else 1.0
        self._beat_at = 0.0

    # -- set up ------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to stop: what Gunicorn calls in the worker's process."""
        for listener in self.sockets:
            listener.setblocking(False)
        listeners = [Listener(listener, self.cfg.forwarded_allow_ips) for listener in self.sockets]
        self._is_plain = _is_plain(self.cfg, self.log)
        base: dict[str, Any] = {**wsgi.base_environ(self.cfg)}
        base["wsgi.multithread"] = self.cfg.threads > 1
        self._has_hints = hasattr(wsgi, "_make_early_hints_callback")
        if self._has_hints:
            base["wsgi.early_hints"] = None
        self._rules = rules(self.cfg, base, READ_BYTES)
        # What the app is called by, on either way.
        self._app: Callable[..., Any] = self.wsgi
        if self.cfg.threads > 1:
            self.wsgi = _in_threads(self._app)
            Crew(self, listeners, self.cfg.threads).run()
        else:
            self._run_alone(Queue(listeners, self.PIPE[0]))

    def _run_alone(self, queue: Queue) -> None:
        while self.alive:
            self.beat()
            taken = queue.take()
            if taken is None:
                # One that is told to stop while it is woken for a connection still takes it: no
                # other worker was woken for that.
                if not queue.wait(self.beat_interval_s):
                    continue
                taken = queue.take()
            if taken is not None:
                self.serve(taken)

    def beat(self) -> None:
        """Show the master that this worker is alive, once a second, and look whether it is."""
        now = time.monotonic()
        if now < self._beat_at:
            return
        self._beat_at = now + self.beat_interval_s
        self.notify()
        if not self.is_parent_alive():
            self.alive = False

    # -- a connection ------------------------------------------------------------------------------

    def serve(self, taken: Taken) -> None:
        """Answer the request of one connection, and close it."""
        listener, connection, address = taken
        try:
            data = connection.recv(READ_BYTES)
            parsed = length = None
            if self._is_plain and (listener.is_trusted or listener.trusts(address)):
                parsed = parse(data, self._rules)
            if parsed is not None:
                length = length_of(parsed[0])
            if parsed is None or length is None:
                self._leave_to_gunicorn(taken, data)
            else:
                self._answer(taken, parsed[0], parsed[1], length)
        except ConnectionError:
            connection.close()  # nobody has asked anything
        finally:
            if self.after_request is not None:
                self.after_request()

    def _answer(self, taken: Taken, environ: dict[str, Any], begun: bytes, length: int) -> None:
        listener, connection, address = taken
        body: Body | None = None
        response = Response(connection, environ["REQUEST_METHOD"] == "HEAD")
        try:
            if length <= len(begun):
                environ["wsgi.input"] = io.BytesIO(begun[:length])
            else:
                body = Body(connection, begun, length)
                environ["wsgi.input"] = body.stream()
            if listener.place is None:
                host, scheme = environ.get("HTTP_HOST"), environ["wsgi.url_scheme"]
                place = server_of(host, scheme, listener.path)
            else:
                place = listener.place
                environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = address[0], str(address[1])
            environ["SERVER_NAME"], environ["SERVER_PORT"] = place
            if self._has_hints:
                environ["wsgi.early_hints"] = response.send_early_hints
            self.nr += 1
            if self.nr >= self.max_requests:
                if self.alive:
                    self.log.info("Autorestarting worker after current request.")
                self.alive = False
            self._call(environ, response)
        except ClientGoneError:
            self.log.debug("Ignoring a client that has gone")
        except BaseException:  # noqa: BLE001 - SystemExit too, with which the master ends a request
            self._fail(connection, environ, response)
        finally:
            if body is not None and body.left:
                close_when_read(connection)
            else:
                connection.close()

    def _call(self, environ: dict[str, Any], response: Response) -> None:
        chunks = self._app(environ, response.start_response)
        try:
            if not (
                isinstance(chunks, environ["wsgi.file_wrapper"])
                and self.cfg.sendfile is not False
                and response.send_file(chunks.filelike)
            ):
                for chunk in chunks:
                    response.write(chunk)
            response.finish()
        finally:
            if hasattr(chunks, "close"):
                chunks.close()

    def _fail(self, connection: Connection, environ: dict[str, Any], response: Response) -> None:
        """Log what the app has raised, and answer 500 if nothing has been said yet."""
        if response.is_begun:
            # The connection is closed before the end that was promised, so that the client sees
            # that this is not all.
            self.log.exception("Error handling request")  # noqa: LOG004 - called in a handler
            return
        self.log.exception(  # noqa: LOG004
            "Error handling request %s %s", environ["REQUEST_METHOD"], environ["RAW_URI"]
        )
        with contextlib.suppress(OSError):
            util.write_error(cast("Any", connection), 500, "Internal Server Error", "")

    def _tell_timeout(self, frame: Any, seconds: float, where: str) -> None:
        stack = "".join(traceback.format_stack(frame)).rstrip() if frame else ""
        self.log.critical(
            "REQUEST TIMEOUT (pid:%s, %s), for %.0f s:\n%s", self.pid, where, seconds, stack
        )

    def _leave_to_gunicorn(self, taken: Taken, begun: bytes) -> None:
        client = Begun(taken.listener.family, socket.SOCK_STREAM, 0, taken.connection.detach())
        client.begun = begun
        self.handle(taken.listener.own, client, taken.address)


# -- Gunicorn's settings ---------------------------------------------------------------------------


def _is_plain(cfg: Any, log: Any) -> bool:
    """Tell whether nothing is set that looks into requests: such is Gunicorn's own matter."""
    looks_in = any(
        cfg.settings[name].get() is not cfg.settings[name].default
        for name in ("pre_request", "post_request")
    )
    logs = type(log).access is not Logger.access or any(
        (cfg.accesslog, cfg.logconfig, cfg.logconfig_dict, getattr(cfg, "logconfig_json", None))
    )
    logs_to_syslog = cfg.syslog and not cfg.disable_redirect_access_to_syslog
    speaks_otherwise = (
        cfg.is_ssl
        or cfg.proxy_protocol not in (False, "off", None)
        or getattr(cfg, "protocol", "http") != "http"
        or bool(os.environ.get("SCRIPT_NAME"))
    )
    return not (looks_in or logs or logs_to_syslog or speaks_otherwise)


def _in_threads(app: Callable[..., Any]) -> Callable[..., Any]:
    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["wsgi.multithread"] = True
        return app(environ, start_response)

    return call
