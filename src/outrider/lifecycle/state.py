"""Everything that the supervisor has to remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.lifecycle.words import Name, Outcome

FRONT = "front"

FRONT_BOOT_S = 15
"""Nginx starts in milliseconds; a machine that takes longer than this is in trouble."""
GRACE_S = 2
"""What a process may take to leave after its own time limits are over."""
RESTART_FIRST_S, RESTART_MOST_S = 1, 60
"""What an extra process that died waits before it starts again; doubled each time."""
WAITED_FOR_S = 5
"""Visitors rather wait so long for a page than be told to come again."""
STEADY_S = 60
"""An extra process that lived so long did not die of its start."""
AGAIN_FIRST_S, AGAIN_MOST_S = 1, 30
"""What has to be between two starts of a main process that died twice; the first time it starts
again at once."""
FORGIVEN_S = 10
"""A main process that served so long starts again at once: visitors wait for it, and to start every
ten seconds keeps no machine busy."""
MOST_STARTS = 5
"""In a row, of a main process that never gets ready: with the pauses between them it was down for
a quarter of a minute, which a file that is just being replaced, or a machine that is short of
memory for a moment, gets over. Then whoever supervises the supervisor is to know."""
MOST_RETIRED = 2
"""Generations that drain at a time. The next one starts when there is room: memory is finite."""


class Phase(Enum):
    """Where the site is in its life."""

    IDLE = "idle"
    RELEASING = "running the release steps"
    BOOTING_APPS = "booting the apps"
    BOOTING_FRONT = "booting the front"
    SERVING = "serving"
    DRAINING_FRONT = "draining the front"
    DRAINING_APPS = "draining the apps"
    DRAINING_EXTRAS = "draining the extra processes"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class App:
    """What becoming ready means for an app of a generation."""

    boot_timeout_s: float
    """How long until a worker of it must be ready."""
    workers: int = 1
    """How many must be ready before it takes the place of another."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """An extra process, as far as its next start depends on it."""

    started: float = 0
    pause_s: float = RESTART_FIRST_S
    """What it waits when it dies next."""
    again: float | None = None
    """When it starts again."""


@dataclass(frozen=True, kw_only=True)
class Main:
    """The front or an app while the site serves, as far as its next start depends on it."""

    started: float = 0
    is_ready: bool = False
    ready: float = 0
    """Since when."""
    deaths: int = 0
    """In a row, none of which came after it had served for `FORGIVEN_S`."""
    futile: int = 0
    """Starts in a row that it did not get ready after."""
    again: float | None = None
    """When it starts again."""
    ready_by: float | None = None
    """When patience with its start ends."""

    @property
    def is_killed(self) -> bool:
        """It runs, but patience with its start is over."""
        return not self.is_ready and self.again is None and self.ready_by is None


@dataclass(frozen=True, kw_only=True)
class Retired:
    """A process of a generation that is not, or never was, the one that counts."""

    generation: int
    until: float
    """When patience ends."""
    is_told: bool = False


@dataclass(frozen=True, kw_only=True)
class Coming:
    """The generation that is to take over."""

    generation: int
    apps: Mapping[Name, App] = field(default_factory=dict)
    """Empty as long as it is being prepared."""
    extras: tuple[Name, ...] = ()
    drain_timeout_s: float = 30
    is_front_changed: bool = False
    awaited: Mapping[Name, float] = field(default_factory=dict)
    """The apps without enough workers that are ready, and when patience with each ends."""
    ready: Mapping[Name, frozenset[int]] = field(default_factory=dict)
    """The workers that are."""
    front_by: float | None = None
    """When patience with the front's new configuration ends."""

    @property
    def is_prepared(self) -> bool:
        """Its processes may start."""
        return bool(self.apps)


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything the supervisor has to remember."""

    apps: Mapping[Name, App]
    """Of the generation that counts."""
    drain_timeout_s: float
    extras: Mapping[Name, Extra] = field(default_factory=dict)
    """Started in this order, before the apps, which may need them."""
    releases: tuple[Name, ...] = ()
    """Run one after the other before the apps start; each must succeed."""
    phase: Phase = Phase.IDLE
    deadline: float | None = None
    """When patience ends in this phase."""
    awaited: Mapping[Name, float] = field(default_factory=dict)
    """Before it serves: the apps without a worker that is ready, and the front if it runs and does
    not answer yet; and when patience with each ends."""
    front_by: float | None = None
    """Before it serves: when the front starts, whether or not the apps are ready."""
    drained_by: float | None = None
    """When the whole drain has to be over."""
    alive: frozenset[Name] = frozenset()
    leaving: Name | None = None
    """The extra process that was asked to leave."""
    outcome: Outcome | None = None
    """Set once the end has begun."""
    haste: Literal["", "asked twice", "booting"] = ""
    """Why the drain time does not count."""
    generation: int = 1
    newest: int = 1
    """The last number that a generation was given; what was abandoned had one too."""
    mains: Mapping[Name, Main] = field(default_factory=dict)
    """The front and the apps, once the site serves."""
    coming: Coming | None = None
    retired: Mapping[Name, Retired] = field(default_factory=dict)
    renewed: Mapping[Name, float] = field(default_factory=dict)
    """The extra processes that were asked to leave for new code, and when patience ends."""
