"""What may happen, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.lifecycle.state import App

Name = str
"""Of a process: `FRONT`, an app's with its generation, or an extra process's."""

# -- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Begin:
    """Sockets are bound and files are written."""


@dataclass(frozen=True)
class WorkerReady:
    """A worker has loaded its app."""

    name: Name
    worker: int = 0
    """Its process id: one that is replaced counts once."""


@dataclass(frozen=True)
class WorkerFailed:
    """A worker cannot load or start its app; the code is what Gunicorn would end with."""

    name: Name
    code: int


@dataclass(frozen=True)
class FrontReady:
    """Nginx answers on the public address."""


@dataclass(frozen=True)
class Ended:
    """A process ended; the code is negative for a signal."""

    name: Name
    code: int


@dataclass(frozen=True)
class Stop:
    """Somebody asked for the end (SIGINT, SIGTERM); the second time it is an order."""


@dataclass(frozen=True)
class Reload:
    """Somebody asked for the code that is there now."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The new code has answered a request in a process of its own; all is there to start it."""

    generation: int
    apps: Mapping[Name, App]
    extras: tuple[Name, ...] = ()
    drain_timeout_s: float = 30
    is_front_changed: bool = False


@dataclass(frozen=True)
class PrepareFailed:
    """The new code is of no use."""

    generation: int


@dataclass(frozen=True)
class FrontReloaded:
    """Nginx serves with the configuration of that generation."""

    generation: int


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


Event = (
    Begin
    | WorkerReady
    | WorkerFailed
    | FrontReady
    | Ended
    | Stop
    | Reload
    | Prepared
    | PrepareFailed
    | FrontReloaded
    | Tick
)


# -- actions ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """Start a process."""

    name: Name


@dataclass(frozen=True)
class Drain:
    """Ask a process to finish what it has and to leave."""

    name: Name


@dataclass(frozen=True)
class ForetellEnd:
    """Let a process that drains know that its time is nearly over: a WebSocket can still say so."""

    name: Name


@dataclass(frozen=True)
class Kill:
    """End a process and everything in its group at once."""

    name: Name


@dataclass(frozen=True)
class CloseListeners:
    """Stop listening, so that nobody new waits for a site that is leaving."""


@dataclass(frozen=True)
class Lost:
    """A process has ended by itself; None: it is done, and does not start again."""

    name: Name
    code: int
    again_in_s: float | None


@dataclass(frozen=True)
class Repaired:
    """What has taken the place of a process that died serves."""

    name: Name


@dataclass(frozen=True)
class MarkStarting:
    """Let the front answer for an app that is not ready, or not any more."""

    name: Name
    is_starting: bool


@dataclass(frozen=True)
class Announce:
    """The site is up."""


@dataclass(frozen=True)
class Prepare:
    """Look and plan again, and try the new code."""

    generation: int


@dataclass(frozen=True)
class CancelPrepare:
    """Leave it."""

    generation: int


@dataclass(frozen=True)
class ReloadFront:
    """Give Nginx the configuration of that generation."""

    generation: int


@dataclass(frozen=True)
class Switched:
    """That generation is the one that counts."""

    generation: int


@dataclass(frozen=True, kw_only=True)
class Abandoned:
    """The code that served goes on, and the new one leaves."""

    generation: int
    kind: Literal["not-prepared", "boot-failed", "never-ready", "front", "stopped"]
    name: Name | None = None
    code: int | None = None


@dataclass(frozen=True)
class Finish:
    """Nothing runs any more."""

    outcome: Outcome


Action = (
    Start
    | Drain
    | ForetellEnd
    | Kill
    | CloseListeners
    | Lost
    | Repaired
    | MarkStarting
    | Announce
    | Prepare
    | CancelPrepare
    | ReloadFront
    | Switched
    | Abandoned
    | Finish
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it ended, and because of whom."""

    kind: Literal["drained", "boot-failed", "never-ready", "died"]
    name: Name | None = None
    code: int | None = None
    killed: tuple[Name, ...] = field(default=())
    haste: Literal["", "asked twice", "booting"] = ""
    """Why they were killed before the drain time was over."""
