"""The supervisor as a pure state machine: what happened and the time go in, what to do comes out.

    release steps -> apps start -> a worker of each is ready -> front starts, answers -> serving
    stop: front drains -> the apps drain -> the extra processes drain -> done

Front and apps live and die together: a site is never half alive. An extra process that dies starts
again, and the site goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Name = str
"""Of a process: `FRONT`, the name of an app, or of an extra process."""

FRONT = "front"

FRONT_BOOT_S = 15
"""Nginx starts in milliseconds; a machine that takes longer than this is in trouble."""
GRACE_S = 2
"""What a process may take to leave after its own time limits are over."""
RESTART_FIRST_S, RESTART_MOST_S = 1, 60
"""What an extra process that died waits before it starts again; doubled each time."""
STEADY_S = 60
"""An extra process that lived so long did not die of its start."""


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
class Lost:
    """An extra process has ended by itself; None: it is done, and does not start again."""

    name: Name
    code: int
    again_in_s: float | None


@dataclass(frozen=True)
class Announce:
    """The site is up."""


@dataclass(frozen=True)
class Finish:
    """Nothing runs any more."""

    outcome: Outcome


Action = Start | Drain | Kill | CloseListeners | Lost | Announce | Finish


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
class Extra:
    """An extra process, as far as its next start depends on it."""

    started: float = 0
    pause_s: float = RESTART_FIRST_S
    """What it waits when it dies next."""
    again: float | None = None
    """When it starts again."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything the supervisor has to remember."""

    boot_timeouts_s: Mapping[Name, float]
    """Of each app: how long until a worker of it must be ready."""
    drain_timeout_s: float
    extras: Mapping[Name, Extra] = field(default_factory=dict)
    """Started in this order, before the apps, which may need them."""
    releases: tuple[Name, ...] = ()
    """Run one after the other before the apps start; each must succeed."""
    phase: Phase = Phase.IDLE
    deadline: float | None = None
    """When patience ends in this phase."""
    awaited: Mapping[Name, float] = field(default_factory=dict)
    """The apps without a worker that is ready, and when patience with each ends."""
    drained_by: float | None = None
    """When the whole drain has to be over."""
    alive: frozenset[Name] = frozenset()
    leaving: Name | None = None
    """The extra process that was asked to leave."""
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
            state, actions = _start_extras(state, list(state.extras), now)
            state, more = _start_next(replace(state, phase=Phase.RELEASING), now)
            return state, [*actions, *more]
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
    if state.outcome is None and name in state.extras:
        return _lost(state, name, code, now)
    if state.phase is Phase.RELEASING and code == 0:
        return _start_next(replace(state, releases=state.releases[1:]), now)
    if state.outcome is None:
        kind: Literal["died", "boot-failed"] = (
            "died" if state.phase is Phase.SERVING else "boot-failed"
        )
        return _leave(replace(state, outcome=Outcome(kind=kind, name=name, code=code)), now)
    if state.phase is Phase.DRAINING_FRONT and name == FRONT:
        return _drain_apps(state, now)
    return _go_on_leaving(state, now)


def _start_next(state: State, now: float) -> tuple[State, list[Action]]:
    """Start the next release step, or the apps when there is none left."""
    if state.releases:
        name = state.releases[0]
        return replace(state, alive=state.alive | {name}), [Start(name)]
    awaited = {name: now + time for name, time in state.boot_timeouts_s.items()}
    state = replace(state, phase=Phase.BOOTING_APPS, alive=state.alive.union(awaited))
    return _await(state, awaited), [Start(name) for name in awaited]


def _start_extras(state: State, names: list[Name], now: float) -> tuple[State, list[Action]]:
    started = {name: replace(state.extras[name], started=now, again=None) for name in names}
    state = replace(state, extras={**state.extras, **started}, alive=state.alive.union(names))
    return state, [Start(name) for name in names]


def _due(state: State, now: float) -> list[Name]:
    """Return the extra processes whose pause is over; on the way out, none."""
    if state.outcome is not None:
        return []
    return [n for n, one in state.extras.items() if one.again is not None and one.again <= now]


def _lost(state: State, name: Name, code: int, now: float) -> tuple[State, list[Action]]:
    if code == 0:
        return state, [Lost(name, code, None)]
    extra = state.extras[name]
    pause_s = RESTART_FIRST_S if now - extra.started >= STEADY_S else extra.pause_s
    extra = replace(extra, again=now + pause_s, pause_s=min(2 * pause_s, RESTART_MOST_S))
    return replace(state, extras={**state.extras, name: extra}), [Lost(name, code, pause_s)]


def _stop(state: State, now: float) -> tuple[State, list[Action]]:
    if state.phase is Phase.DONE:
        return state, []
    if state.outcome is not None:
        # Asked twice: whoever asks does not want to wait.
        return _kill(replace(state, haste="asked twice"), now)
    state = replace(state, outcome=Outcome(kind="drained"))
    if state.phase in (Phase.RELEASING, Phase.BOOTING_APPS):
        # It never served anybody, so there is nothing to wait for.
        moved, actions = _leave(state, now)
        return replace(moved, haste="booting", deadline=now + GRACE_S), actions
    return _leave(state, now)


def _tick(state: State, now: float) -> tuple[State, list[Action]]:
    if state.deadline is None or now < state.deadline:
        return _start_extras(state, _due(state, now), now)
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
        return _drain_extras(state, now)
    patience = max(state.drained_by or now, now + GRACE_S)
    state = replace(state, phase=Phase.DRAINING_APPS, deadline=patience)
    return state, [Drain(name) for name in apps if not _is_killed(state, name)]


def _drain_extras(state: State, now: float) -> tuple[State, list[Action]]:
    """Ask one after the other to leave, the last one first: the others may be what it works with.

    They have a drain time of their own, because what they do is not a request's.
    """
    left = [name for name in reversed(list(state.extras)) if name in state.alive]
    if state.phase is not Phase.DRAINING_EXTRAS:
        haste = state.haste if state.haste == "asked twice" else ""
        deadline = now + state.drain_timeout_s + GRACE_S
        state = replace(state, phase=Phase.DRAINING_EXTRAS, deadline=deadline, haste=haste)
    if left and (left[0] == state.leaving or _is_killed(state, left[0])):
        return state, []
    if left:
        return replace(state, leaving=left[0]), [Drain(left[0])]
    assert state.outcome is not None
    return replace(state, phase=Phase.DONE, deadline=None), [Finish(state.outcome)]


def _go_on_leaving(state: State, now: float) -> tuple[State, list[Action]]:
    if FRONT in state.alive or _apps_alive(state):
        return state, []
    return _drain_extras(state, now)


def _apps_alive(state: State) -> list[Name]:
    """Return the apps that run, or the release step before them."""
    return [name for name in (*state.releases, *state.boot_timeouts_s) if name in state.alive]


def _is_killed(state: State, name: Name) -> bool:
    return state.outcome is not None and name in state.outcome.killed


def _kill(state: State, now: float) -> tuple[State, list[Action]]:
    """Kill what had its time: the front and the apps, or else the extra processes."""
    assert state.outcome is not None
    names = [*([FRONT] if FRONT in state.alive else []), *_apps_alive(state)]
    if not names or state.haste == "asked twice":
        names += [name for name in reversed(list(state.extras)) if name in state.alive]
    killed = tuple(dict.fromkeys([*state.outcome.killed, *names]))
    outcome = replace(state.outcome, killed=killed, haste=state.haste)
    state = replace(state, outcome=outcome, deadline=now + GRACE_S)
    return state, [Kill(name) for name in names]
