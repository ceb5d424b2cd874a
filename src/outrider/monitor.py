"""Knows what happens on a running site: counts its requests, looks at its processes, tells both."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from outrider import dashboard, observe, sockets
from outrider.metrics import Connections, Metrics

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from outrider.logline import Row
    from outrider.metrics import Figures
    from outrider.observe import Main
    from outrider.site import Fleet

_PAUSE_S = 5


class Monitor:
    """The figures of the sites behind one front, while they run."""

    def __init__(self, fleet: Fleet, board: int | None, listener: socket.socket | None) -> None:
        self._front = fleet.first
        names = [site.name for site in fleet.sites if not site.is_alone]
        self._metrics = Metrics(time.monotonic(), names)
        self._board = board
        self._listener = listener
        self._asks_again_at = 0.0

    @property
    def variables(self) -> dict[str, str]:
        """What an app's server has in its environment, so that its workers tell what they do."""
        if self._board is None:
            return {}
        return {observe.SCOREBOARD_VARIABLE: str(self._board)}

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What it inherits for that."""
        return () if self._board is None else (self._board,)

    def hear(self, rows: Sequence[Row]) -> None:
        """Count requests of Nginx's log."""
        if rows:
            self._metrics.add(rows, time.monotonic())

    def figures(self, mains: Iterable[Main]) -> Figures:
        """Return the figures of this moment.

        Args:
            mains: the processes that were started.
        """
        now = time.monotonic()
        since_boot_s = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
        found = observe.processes(mains, self._board, now, since_boot_s)
        return self._metrics.figures(now, found, self._connections(now))

    def _connections(self, now: float) -> Connections | None:
        """Ask Nginx; one that does not answer is left alone for a while, as we wait for it."""
        front = self._front.front
        if not front.counts_connections or now < self._asks_again_at:
            return None
        told = sockets.ask_briefly(self._front.bind, front.connections_path)
        if not told:
            self._asks_again_at = now + _PAUSE_S
        return Connections.told(told)

    @contextlib.asynccontextmanager
    async def telling(self, mains: Callable[[], Iterable[Main]]) -> AsyncIterator[None]:
        """Tell the figures on the address of the setting `metrics`, if there is one.

        Args:
            mains: returns the processes that were started and have not ended.
        """
        if self._listener is None:
            yield
            return
        async with dashboard.listening(self._listener, lambda: self.figures(mains())):
            yield


@contextlib.contextmanager
def watching(fleet: Fleet) -> Iterator[Monitor]:
    """Hold what the monitor of some sites needs.

    Raises:
        OutriderError: the address of `metrics` cannot be listened on.
    """
    address = fleet.first.metrics
    board = observe.make_scoreboard(sum(site.workers.count for site in fleet.sites))
    listener = None
    try:
        listener = sockets.bind_metrics(address) if address else None
        yield Monitor(fleet, board, listener)
    finally:
        if listener is not None:
            listener.close()
        if board is not None:
            os.close(board)
