"""The supervisor as a pure state machine: what happened and the time go in, what to do comes out.

    each app starts -> its first worker is ready -> front starts -> it answers -> serving
    stop: front drains -> the apps drain -> done

Front and apps live and die together: a site is never half alive.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Name = str
"""Of a process: `FRONT`, or the name of an app."""

FRONT = "front"

FRONT_BOOT_S = 15
"""Nginx starts in milliseconds; a machine that takes longer than this is in trouble."""
GRACE_S = 2
"""What a process may take to leave after its own time limits are over."""


class Phase(Enum):
    """Where the site is in its life."""

    IDLE = "idle"
    BOOTING_APPS = "booting the apps"
    BOOTING_FRONT = "booting the front"
    SERVING = "serving"
    DRAINING_FRONT = "draining the front"
    DRAINING_APPS = "draining the apps"
    DONE = "done"


# -- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Begin:
    """Sockets are bound and files are written."""


@dataclass(frozen=True)
class WorkerReady:
    """A worker has loaded its app."""

    name: Name


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
class Tick:
    """Time has passed."""


Event = Begin | WorkerReady | WorkerFailed | FrontReady | Ended | Stop | Tick


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
class Kill:
    """End a process and everything in its group at once."""

    name: Name


@dataclass(frozen=True)
class CloseListeners:
    """Stop listening, so that nobody new waits for a site that is leaving."""


@dataclass(frozen=True)
class Announce:
    """The site is up."""


@dataclass(frozen=True)
class Finish:
    """Nothing runs any more."""

    outcome: Outcome


Action = Start | Drain | Kill | CloseListeners | Announce | Finish


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it ended, and because of whom."""

    kind: Literal["drained", "boot-failed", "never-ready", "died"]
    name: Name | None = None
    code: int | None = None
    killed: tuple[Name, ...] = ()
    haste: Literal["", "asked twice", "booting"] = ""
    """Why they were killed before the drain time was over."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything the supervisor has to remember."""

    boot_timeouts_s: Mapping[Name, float]
    """Of each app: how long until a worker of it must be ready."""
    drain_timeout_s: float
    phase: Phase = Phase.IDLE
    deadline: float | None = None
    """When patience ends in this phase."""
    awaited: Mapping[Name, float] = field(default_factory=dict)
    """The apps without a worker that is ready, and when patience with each ends."""
    drained_by: float | None = None
    """When the whole drain has to be over."""
    alive: frozenset[Name] = frozenset()
    outcome: Outcome | None = None
    """Set once the end has begun."""
    haste: Literal["", "asked twice", "booting"] = ""
    """Why the drain time does not count."""


def step(state: State, event: Event, now: float) -> tuple[State, list[Action]]:
    """Return the next state and what to do.

    Args:
        now: seconds of any clock that only goes forward.
    """
    match event:
        case Ended(name, code):
            return _ended(replace(state, alive=state.alive - {name}), name, code, now)
        case Stop():
            return _stop(state, now)
        case Tick():
            return _tick(state, now)
        case Begin() if state.phase is Phase.IDLE:
            awaited = {name: now + time for name, time in state.boot_timeouts_s.items()}
            state = replace(state, phase=Phase.BOOTING_APPS, alive=frozenset(awaited))
            return _await(state, awaited), [Start(name) for name in awaited]
        case WorkerReady(name) if state.phase is Phase.BOOTING_APPS:
            awaited = {other: end for other, end in state.awaited.items() if other != name}
            if awaited:
                return _await(state, awaited), []
            return (
                replace(
                    state,
                    phase=Phase.BOOTING_FRONT,
                    alive=state.alive | {FRONT},
                    awaited={},
                    deadline=now + FRONT_BOOT_S,
                ),
                [Start(FRONT)],
            )
        case WorkerFailed(name, code) if state.phase is Phase.BOOTING_APPS:
            state = replace(state, outcome=Outcome(kind="boot-failed", name=name, code=code))
            # It never served anybody, so there is nothing to wait for.
            moved, actions = _leave(state, now)
            return replace(moved, deadline=now + GRACE_S), actions
        case FrontReady() if state.phase is Phase.BOOTING_FRONT:
            return replace(state, phase=Phase.SERVING, deadline=None), [Announce()]
    return state, []


def _await(state: State, awaited: Mapping[Name, float]) -> State:
    return replace(state, awaited=awaited, deadline=min(awaited.values()))


def _ended(state: State, name: Name, code: int, now: float) -> tuple[State, list[Action]]:
    if state.outcome is None:
        kind: Literal["died", "boot-failed"] = (
            "died" if state.phase is Phase.SERVING else "boot-failed"
        )
        return _leave(replace(state, outcome=Outcome(kind=kind, name=name, code=code)), now)
    if state.phase is Phase.DRAINING_FRONT and name == FRONT:
        return _drain_apps(state, now)
    return _finish_if_alone(state, [])


def _stop(state: State, now: float) -> tuple[State, list[Action]]:
    if state.phase is Phase.DONE:
        return state, []
    if state.outcome is not None:
        # Asked twice: whoever asks does not want to wait.
        return _kill(replace(state, haste="asked twice"), now)
    state = replace(state, outcome=Outcome(kind="drained"))
    if state.phase is Phase.BOOTING_APPS:
        # It never served anybody, so there is nothing to wait for.
        moved, actions = _leave(state, now)
        return replace(moved, haste="booting", deadline=now + GRACE_S), actions
    return _leave(state, now)


def _tick(state: State, now: float) -> tuple[State, list[Action]]:
    if state.deadline is None or now < state.deadline:
        return state, []
    if state.outcome is None:
        late = next((name for name, end in state.awaited.items() if end <= now), FRONT)
        state = replace(state, outcome=Outcome(kind="never-ready", name=late))
        # It never served anybody, so there is nothing to wait for.
        moved, actions = _leave(state, now)
        return replace(moved, deadline=now + GRACE_S), actions
    return _kill(state, now)


def _leave(state: State, now: float) -> tuple[State, list[Action]]:
    """Begin the end: nobody new, the front first, so that no request is cut off from its app."""
    state = replace(state, drained_by=now + state.drain_timeout_s + GRACE_S)
    if FRONT in state.alive:
        return (
            replace(state, phase=Phase.DRAINING_FRONT, deadline=state.drained_by),
            [CloseListeners(), Drain(FRONT)],
        )
    moved, actions = _drain_apps(state, now)
    return moved, [CloseListeners(), *actions]


def _drain_apps(state: State, now: float) -> tuple[State, list[Action]]:
    apps = _apps_alive(state)
    if not apps:
        return _finish_if_alone(state, [])
    patience = max(state.drained_by or now, now + GRACE_S)
    state = replace(state, phase=Phase.DRAINING_APPS, deadline=patience)
    killed = state.outcome.killed if state.outcome else ()
    return state, [Drain(name) for name in apps if name not in killed]


def _apps_alive(state: State) -> list[Name]:
    return [name for name in state.boot_timeouts_s if name in state.alive]


def _kill(state: State, now: float) -> tuple[State, list[Action]]:
    assert state.outcome is not None
    names = [*([FRONT] if FRONT in state.alive else []), *_apps_alive(state)]
    killed = tuple(dict.fromkeys([*state.outcome.killed, *names]))
    outcome = replace(state.outcome, killed=killed, haste=state.haste)
    state = replace(state, outcome=outcome, deadline=now + GRACE_S)
    return _finish_if_alone(state, [Kill(name) for name in names])


def _finish_if_alone(state: State, actions: list[Action]) -> tuple[State, list[Action]]:
    if state.alive or state.outcome is None:
        return state, actions
    done = replace(state, phase=Phase.DONE, deadline=None)
    return done, [*actions, Finish(state.outcome)]
