"""What single frameworks need, so that behind Outrider they do what their users expect.

Each is known by its modules being loaded already; nothing of them is imported here.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

from .lines import carry_through_queues


def prepare(app: Any, prefix: str) -> None:
    """Make ready what a worker has loaded.

    Args:
        app: the app as the user wrote it, without the shim.
        prefix: where it is mounted, without a closing slash.
    """
    carry_through_queues()
    _show_errors_of_django()
    _show_errors_of_litestar(app)
    if prefix:
        _mount_cherrypy(app, prefix)


def wants_path_without_prefix(app: Any) -> bool:
    """Tell whether an ASGI app looks its path up as it comes, without taking the root path off."""
    # https://falcon.readthedocs.io/en/stable/api/request_and_response_asgi.html
    return _is_of(app, "falcon.asgi")


def _is_of(app: Any, package: str) -> bool:
    return any(f"{one.__module__}.".startswith(f"{package}.") for one in type(app).__mro__)


def _show_errors_of_django() -> None:
    """Write the traceback of a failed request where Django's own logging would drop it.

    Without a setting of the user's, Django writes errors to the console only with DEBUG, and else
    mails them to ADMINS: https://docs.djangoproject.com/en/stable/ref/logging/#default-logging-configuration
    """
    signals: Any = sys.modules.get("django.core.signals")
    if signals is None:
        return

    def show(**_: Any) -> None:
        if not _is_heard(logging.getLogger("django.request")):
            traceback.print_exc()

    signals.got_request_exception.connect(show, weak=False, dispatch_uid="outrider")


def _is_heard(logger: logging.Logger) -> bool:
    """Tell whether somebody writes what a logger says of an error."""
    record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "", (), None)
    if not logger.isEnabledFor(logging.ERROR) or not logger.filter(record):
        return False
    at: logging.Logger | None = logger
    has_handlers = False
    while at is not None:
        for handler in at.handlers:
            has_handlers = True
            if type(handler).__name__ in ("NullHandler", "AdminEmailHandler"):
                continue
            if handler.level <= logging.ERROR and handler.filter(record):
                return True
        at = at.parent if at.propagate else None
    return not has_handlers  # then logging itself writes it to standard error


def _show_errors_of_litestar(app: Any) -> None:
    """Write the traceback of a failed request, which Litestar logs only in debug mode.

    https://docs.litestar.dev/latest/usage/logging.html
    """
    hooks = getattr(app, "after_exception", None)
    if not _is_of(app, "litestar") or not isinstance(hooks, list) or app.debug:
        return
    if getattr(app.logging_config, "log_exceptions", "debug") == "always":
        return

    async def show(exception: Exception, _: Any) -> None:
        if getattr(exception, "status_code", 500) >= 500:
            lines = traceback.format_exception(type(exception), exception, exception.__traceback__)
            print("".join(lines), end="", file=sys.stderr, flush=True)  # noqa: T201 - the app's log

    hooks.append(show)


def _mount_cherrypy(app: Any, prefix: str) -> None:
    """Tell CherryPy where it is: it looks the whole path up among its own mounts.

    https://docs.cherrypy.dev/en/latest/pkg/cherrypy._cptree.html
    """
    if not _is_of(app, "cherrypy"):
        return
    if hasattr(app, "apps"):
        for one in app.apps.values():
            one.script_name = prefix + (one.script_name or "")
        app.apps = {prefix + name: one for name, one in app.apps.items()}
    else:
        app.script_name = prefix + (app.script_name or "")
