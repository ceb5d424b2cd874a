"""A site that can be asked, without Nginx and Gunicorn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outrider import control, errors, files
from outrider.site import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WHEN = "2026-11-23T03:00:00.000+00:00"


@dataclass
class FakeSite:
    """Does what it is told, and remembers it."""

    directory: str
    name: str = "shop"
    asked: list[Any] = field(default_factory=list)
    followers: list[control.Hear] = field(default_factory=list)
    phase: str = "serving"
    generation: int = 1
    reload_fails: bool = False
    steps: int = 1
    drains_until: threading.Event = field(default_factory=threading.Event)
    """Set: what is in progress has finished."""
    ends_with: errors.OutriderError | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drains_until.set()
        self.is_up = threading.Event()

    def state(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "started": 1000.0,
            "names": [self.name],
            "url": "http://127.0.0.1:8000/",
            "directories": [self.directory],
            "generation": self.generation,
            "phase": self.phase,
            "is_reloading": self.phase == "reloading",
            "is_stopping": self.phase == "draining",
            "processes": [],
            **self.more,
        }

    async def reload(self, tell: control.Tell) -> None:
        if self.phase != "serving":
            raise errors.reload_refused(f"it is {self.phase}")
        for _ in range(self.steps):
            tell("the new code is tried")
            await asyncio.sleep(0.001)
        if self.reload_fails:
            self.asked.append("a reload that fails")
            tell("ZeroDivisionError: division by zero", "app")
            raise errors.boot_failed("Gunicorn", "it ended with exit code 3")
        self.generation += 1
        tell(f"the new code serves: generation {self.generation}")

    def stop(self) -> None:
        self.asked.append("stop")
        self.phase = "draining"

    def set_maintenance(self, is_on: bool, allow: tuple[str, ...]) -> None:
        self.asked.append((is_on, allow))

    def follow(self, hear: control.Hear) -> Callable[[], None]:
        self.followers.append(hear)
        return lambda: self.followers.remove(hear)

    def say(self, source: str, *lines: str) -> None:
        """Write lines to the log, from another thread than the site's."""
        self.loop.call_soon_threadsafe(self._say, source, lines)

    def _say(self, source: str, lines: tuple[str, ...]) -> None:
        for hear in list(self.followers):
            hear(WHEN, source, "", lines)

    async def live(self, run_dir: Path) -> None:
        self.loop = asyncio.get_running_loop()
        async with control.listening(f"{run_dir}/control.sock", self):
            self.is_up.set()
            while self.phase != "draining" or not self.drains_until.is_set():
                if self.asked[-2:] == ["stop", "stop"]:
                    break
                await asyncio.sleep(0.005)
            if self.ends_with is not None:
                raise self.ends_with


@contextlib.contextmanager
def living(site: FakeSite, run_dir: Path) -> Iterator[FakeSite]:
    """Let a site live in a thread until the block ends."""
    user = User(uid=os.geteuid(), gid=os.getegid(), name="me")

    def live() -> None:
        with (
            contextlib.suppress(errors.OutriderError),
            files.run_directory(str(run_dir), "here", user) as root,
        ):
            asyncio.run(site.live(root))

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert site.is_up.wait(60)
        yield site
    finally:
        site.phase = "draining"
        site.drains_until.set()
        thread.join(60)
        assert not thread.is_alive()
