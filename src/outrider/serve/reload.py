"""One reload while it goes on: the preparation, Nginx's new file, and who waits for its end."""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outrider import errors, lifecycle
from outrider.errors import Exit, OutriderError
from outrider.render.fleet import lay_out_front
from outrider.serve import front
from outrider.serve.generation import write
from outrider.serve.words import why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from outrider.control import Tell
    from outrider.lifecycle import Abandoned, Event
    from outrider.process import Child
    from outrider.serve.generation import Generation, Preparation
    from outrider.serve.log import Log

_INTERVAL_S = 0.02
_HEAR_S = 1


@dataclass(kw_only=True)
class Reload:
    """What was asked for once, and is told once how it went.

    Attributes:
        tell: hears of it, for whoever asked.
        log: hears of it, too.
        root: the run directory.
        running: the generation that serves until then.
        nginx: returns Nginx's process, while there is one.
        made: the generation that is to take over, when it is prepared.
    """

    tell: Tell
    log: Log
    root: Path
    running: Generation
    nginx: Callable[[], Child | None]
    made: Generation | None = field(default=None, init=False)
    _failure: OutriderError | None = field(default=None, init=False)
    _is_front_written: bool = field(default=False, init=False)
    _is_over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Wait for its end.

        Raises:
            OutriderError: the old code serves on.
        """
        await self._done

    # -- what is said of it ------------------------------------------------------------------------

    def step(self, text: str) -> None:
        """Hear a step."""
        self.log.step(text)
        self.tell(text)

    def lines(self, source: str, lines: Sequence[str], whose: str) -> None:
        """Hear what the new code says."""
        self.log.lines(source, lines, whose)
        if not self._is_over:
            for line in lines:
                self.tell(line, source)

    # -- what is done ------------------------------------------------------------------------------

    async def prepare(self, preparation: Preparation) -> Event:
        """Make the new generation, of which only the files are there then."""
        number = preparation.number
        try:
            made = await preparation.prepare()
        except OutriderError as error:
            self._failure = error if error.exit_code is Exit.RELOAD else error.of_reload()
            return lifecycle.PrepareFailed(number)
        except Exception:  # noqa: BLE001 - ours; whatever it is, the old code serves on
            told = traceback.format_exc().rstrip()
            self._failure = errors.reload_failed("Outrider made a mistake", [told])
            return lifecycle.PrepareFailed(number)
        self.made = made
        self.step("starting the new workers")
        return lifecycle.Prepared(
            generation=number,
            apps=made.awaited(),
            extras=tuple(made.fleet.extras),
            drain_timeout_s=made.fleet.first.limits.drain_timeout_s,
            is_front_changed=preparation.is_front_changed,
        )

    async def reload_front(self) -> None:
        """Let Nginx read the new file, and wait until its new workers answer."""
        assert self.made is not None
        first = self.made.fleet.first
        old = self._write_front(self.made)
        while True:
            nginx = self.nginx()
            if nginx is not None and await front.serves(first, nginx):
                workers = nginx.workers()
                if workers is None or not set(workers) <= old:
                    break
            await asyncio.sleep(_INTERVAL_S)
            if self._is_over:
                return
        # Its old workers take no more once they have heard of it, which only their end shows. Where
        # the app has a path of its own they may be asking the old one, and that has to wait.
        has_own = any(app.socket is None for app in self.running.apps.values())
        drain_timeout_s = self.running.fleet.first.limits.drain_timeout_s
        until = time.monotonic() + (drain_timeout_s if has_own else _HEAR_S)
        while old & {*(nginx.workers() or ())} and time.monotonic() < until:  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(_INTERVAL_S)

    def _write_front(self, generation: Generation) -> set[int]:
        """Give Nginx a generation's file, and return its workers until then."""
        self.step("Nginx reads its new file")
        write(self.root, lay_out_front(generation.fleet))
        self._is_front_written = True
        nginx = self.nginx()
        if nginx is None:
            return set()
        old = set(nginx.workers() or ())
        nginx.send(signal.SIGHUP)
        return old

    # -- its end -----------------------------------------------------------------------------------

    def succeed(self, number: int) -> None:
        """Tell that the new generation serves."""
        self.step(f"the new code serves: generation {number}")
        self._end(None)

    def abandon(self, how: Abandoned, *, keeps_serving: bool) -> None:
        """Tell why the old one serves on, if the site does, and give Nginx its file again."""
        failure = self._failure or why_not(how, (self.made or self.running).fleet)
        if self._is_front_written and keeps_serving:
            self._write_front(self.running)
        self.log.error(failure)
        self._end(failure)

    def refuse(self, error: OutriderError) -> None:
        """Tell that it does not even begin."""
        self._end(error)

    def _end(self, error: OutriderError | None) -> None:
        self._is_over = True
        if self._done.done():  # whoever asked has gone
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)
