"""Starts an ASGI app in a Gunicorn worker, which is ready only then.

Gunicorn's own manager gives up after 30 seconds, and an app that loads a model needs longer.
https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any, Callable

_LOOK_INTERVAL_S = 0.2
BOOT_ERROR = 3
"""Gunicorn's exit code of a worker that cannot boot: gunicorn/arbiter.py."""


class Lifespan:
    """One app's lifespan.

    Args:
        app: an ASGI app that knows the protocol, as `AsgiFront` does.
        state: what the app shares with its requests.
    """

    def __init__(self, app: Callable[..., Any], state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    async def startup(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Return when the app has started.

        Args:
            is_wanted: tells again and again whether the worker is to start at all.

        Raises:
            SystemExit: the app said that it cannot start, and why; or nobody wants it any more.
        """
        # Made here: before Python 3.10 a queue belongs to the loop that is current when it is made.
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        self._running = asyncio.ensure_future(self._app(scope, self._messages.get, self._said.put))
        await self._messages.put({"type": "lifespan.startup"})
        said = await self._next(is_wanted)
        if said["type"] != "lifespan.startup.complete":
            why = said.get("message") or "The app says that it cannot start, but not why."
            print(why.rstrip(), file=sys.stderr, flush=True)  # noqa: T201 - frameworks put a traceback there
            raise SystemExit(BOOT_ERROR)

    async def shutdown(self) -> None:
        """Let the app end what it has started. Gunicorn calls it after the last request."""
        if not self._running.done():
            await self._messages.put({"type": "lifespan.shutdown"})
            await self._next()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    async def _next(self, is_wanted: Callable[[], bool] = lambda: True) -> dict[str, Any]:
        """Return what the app says, or raise what it raises instead."""
        said = asyncio.ensure_future(self._said.get())
        both = {said, self._running}
        try:
            while not any(one.done() for one in both):
                if not is_wanted():
                    self._running.cancel()
                    await asyncio.wait({self._running}, timeout=_LOOK_INTERVAL_S)
                    raise SystemExit(0)
                await asyncio.wait(
                    both, timeout=_LOOK_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED
                )
            if said.done():
                return said.result()
            self._running.result()
            return {"type": "lifespan.shutdown.complete"}
        finally:
            said.cancel()
