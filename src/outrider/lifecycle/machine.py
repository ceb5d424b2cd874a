"""One step of the machine: where an event belongs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.lifecycle import end, reload, repair
from outrider.lifecycle.state import FRONT, FRONT_BOOT_S, WAITED_FOR_S, Main, Phase
from outrider.lifecycle.words import (
    Announce,
    Begin,
    Ended,
    FrontReady,
    FrontReloaded,
    MarkStarting,
    Outcome,
    Prepared,
    PrepareFailed,
    Reload,
    Start,
    Stop,
    Tick,
    WorkerFailed,
    WorkerReady,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.lifecycle.state import State
    from outrider.lifecycle.words import Action, Event, Name


def step(state: State, event: Event, now: float) -> tuple[State, list[Action]]:
    """Return the next state and what to do.

    Args:
        state: what is known.
        event: what has happened.
        now: seconds of any clock that only goes forward.
    """
    match event:
        case Ended(name, code):
            return _ended(replace(state, alive=state.alive - {name}), name, code, now)
        case Stop():
            return end.stop(state, now)
        case Tick():
            return _tick(state, now)
        case _ if state.phase is Phase.SERVING:
            return _serve(state, event, now)
        case _:
            return _boot(state, event, now)


# -- until it serves -------------------------------------------------------------------------------


def _boot(state: State, event: Event, now: float) -> tuple[State, list[Action]]:
    match event:
        case Begin() if state.phase is Phase.IDLE:
            state, actions = repair.start_extras(state, list(state.extras), now)
            state = replace(state, phase=Phase.RELEASING, front_by=now + WAITED_FOR_S)
            state, more = _start_next(state, now)
            return state, [*actions, *more]
        case WorkerReady(name) if name in state.awaited and state.outcome is None:
            return _ready(state, name, now)
        case WorkerFailed(name, code) if state.phase is Phase.BOOTING_APPS:
            state = replace(state, outcome=Outcome(kind="boot-failed", name=name, code=code))
            return end.leave(state, now)
        case FrontReady() if FRONT in state.awaited and state.outcome is None:
            return _ready(state, FRONT, now)
    return state, []


def _await(state: State, awaited: Mapping[Name, float]) -> State:
    return replace(state, awaited=awaited, deadline=min(awaited.values(), default=None))


def _ready(state: State, name: Name, now: float) -> tuple[State, list[Action]]:
    """Go on without waiting for it; the front starts when no more apps are awaited, or did."""
    state = _await(state, {other: by for other, by in state.awaited.items() if other != name})
    actions: list[Action] = []
    if name != FRONT and FRONT in state.alive:
        actions = [MarkStarting(name, is_starting=False)]
    if state.phase is Phase.RELEASING or state.awaited.keys() - {FRONT}:
        return state, actions
    if FRONT not in state.alive:
        state, actions = _start_front(state, now)
    if state.awaited:
        return replace(state, phase=Phase.BOOTING_FRONT), actions
    mains = {name: Main(started=now, is_ready=True, ready=now) for name in (FRONT, *state.apps)}
    return replace(state, phase=Phase.SERVING, mains=mains), [*actions, Announce()]


def _start_front(state: State, now: float) -> tuple[State, list[Action]]:
    """Start the front, which answers for the apps that are not ready."""
    late = [n for n in state.apps if n not in state.alive or n in state.awaited]
    state = _await(state, {**state.awaited, FRONT: now + FRONT_BOOT_S})
    state = replace(state, alive=state.alive | {FRONT}, front_by=None)
    return state, [*(MarkStarting(name, is_starting=True) for name in late), Start(FRONT)]


def _start_next(state: State, now: float) -> tuple[State, list[Action]]:
    """Start the next release step, or the apps when there is none left."""
    if state.releases:
        name = state.releases[0]
        return replace(state, alive=state.alive | {name}), [Start(name)]
    awaited = {name: now + app.boot_timeout_s for name, app in state.apps.items()}
    state = replace(state, phase=Phase.BOOTING_APPS, alive=state.alive.union(awaited))
    return _await(state, {**awaited, **state.awaited}), [Start(name) for name in awaited]


# -- while it serves -------------------------------------------------------------------------------


def _serve(state: State, event: Event, now: float) -> tuple[State, list[Action]]:
    coming = state.coming
    match event:
        case WorkerReady(name) if coming is not None and name in coming.ready:
            return reload.worker_ready(state, event, now)
        case WorkerReady(name):
            return repair.main_ready(state, name, now)
        case WorkerFailed(name, code) if coming is not None and name in coming.ready:
            return reload.abandon(state, now, "boot-failed", name, code)
        case WorkerFailed(name):
            return repair.main_failed(state, name)
        case FrontReady():
            return repair.main_ready(state, FRONT, now)
        case Reload():
            return reload.begin(state)
        case Prepared():
            return reload.prepared(state, event, now)
        case PrepareFailed(number) if coming is not None and coming.generation == number:
            return reload.abandon(state, now, "not-prepared")
        case FrontReloaded(number):
            return reload.front_reloaded(state, number, now)
        case _:
            return state, []


# -- whenever --------------------------------------------------------------------------------------


def _ended(state: State, name: Name, code: int, now: float) -> tuple[State, list[Action]]:
    if state.outcome is not None:
        if state.phase is Phase.DRAINING_FRONT and name == FRONT:
            return end.drain_apps(state, now)
        return end.go_on(state, now)
    if name in state.renewed:
        return reload.extra_left(state, name, now)
    if name in state.extras:
        return repair.extra_died(state, name, code, now)
    if state.phase is Phase.SERVING:
        return _ended_while_serving(state, name, code, now)
    if name in state.releases and code == 0:
        return _start_next(replace(state, releases=state.releases[1:]), now)
    return end.leave(replace(state, outcome=Outcome(kind="boot-failed", name=name, code=code)), now)


def _ended_while_serving(
    state: State, name: Name, code: int, now: float
) -> tuple[State, list[Action]]:
    if name in state.retired:
        return reload.retired_left(state, name, now)
    if state.coming is not None and name in state.coming.apps:
        return reload.abandon(state, now, "boot-failed", name, code)
    if name in state.mains:
        return repair.main_died(state, name, code, now)
    return state, []


def _tick(state: State, now: float) -> tuple[State, list[Action]]:
    if state.phase is Phase.SERVING:
        state, actions = repair.look_after_mains(state, now)
        state, more = reload.look_after(state, now)
        actions += more
    elif state.deadline is not None and state.deadline <= now:
        return _lose_patience(state, now)
    elif state.outcome is None and state.front_by is not None and state.front_by <= now:
        state, actions = _start_front(state, now)
    else:
        actions = []
    if state.outcome is None:
        state, more = repair.start_extras(state, repair.extras_due(state, now), now)
        actions += more
    return state, actions


def _lose_patience(state: State, now: float) -> tuple[State, list[Action]]:
    if state.outcome is not None:
        return end.kill(state, now)
    late = next(name for name, by in state.awaited.items() if by <= now)
    return end.leave(replace(state, outcome=Outcome(kind="never-ready", name=late)), now)
