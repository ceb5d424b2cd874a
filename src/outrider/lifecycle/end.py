"""How a site ends: the front first, so that no request is cut off from its app."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.lifecycle.state import FRONT, GRACE_S, Phase
from outrider.lifecycle.words import (
    Abandoned,
    CancelPrepare,
    CloseListeners,
    Drain,
    Finish,
    Kill,
    Outcome,
)

if TYPE_CHECKING:
    from outrider.lifecycle.state import State
    from outrider.lifecycle.words import Action, Name


def stop(state: State, now: float) -> tuple[State, list[Action]]:
    """Begin the end because somebody asks for it; the second time, hurry."""
    if state.phase is Phase.DONE:
        return state, []
    if state.outcome is not None:
        # Asked twice: whoever asks does not want to wait.
        return kill(replace(state, haste="asked twice"), now)
    haste = state.haste if _may_have_served(state) else "booting"
    return leave(replace(state, outcome=Outcome(kind="drained"), haste=haste), now)


def leave(state: State, now: float) -> tuple[State, list[Action]]:
    """Begin the end: nobody new, the front first; where nobody was served nobody is waited for."""
    actions: list[Action] = []
    if state.coming is not None:
        number = state.coming.generation
        actions = [CancelPrepare(number), Abandoned(generation=number, kind="stopped")]
    drain_s = state.drain_timeout_s if _may_have_served(state) else 0
    state = replace(state, drained_by=now + drain_s + GRACE_S)
    if FRONT in state.alive:
        state = replace(state, phase=Phase.DRAINING_FRONT, deadline=state.drained_by)
        asked = [] if FRONT in _killed(state) else [Drain(FRONT)]
        return state, [*actions, CloseListeners(), *asked]
    moved, more = drain_apps(state, now)
    return moved, [*actions, CloseListeners(), *more]


def _may_have_served(state: State) -> bool:
    """Tell whether the front answers, or did, and an app that is ready stands behind it."""
    if state.phase is Phase.SERVING:
        return True
    is_there = FRONT in state.alive and FRONT not in state.awaited
    return is_there and any(n in state.alive and n not in state.awaited for n in state.apps)


def drain_apps(state: State, now: float) -> tuple[State, list[Action]]:
    """Let the apps of all generations go; those that were replaced have been asked already."""
    apps = apps_alive(state)
    if not apps:
        return _drain_extras(state, now)
    patience = max(state.drained_by or now, now + GRACE_S)
    state = replace(state, phase=Phase.DRAINING_APPS, deadline=patience)
    asked = {*state.retired, *_killed(state)}
    return state, [Drain(name) for name in apps if name not in asked]


def _drain_extras(state: State, now: float) -> tuple[State, list[Action]]:
    """Ask one after the other to leave, the last one first: the others may be what it works with.

    They have a drain time of their own, because what they do is not a request's.
    """
    left = _extras_alive(state)
    if state.phase is not Phase.DRAINING_EXTRAS:
        haste = state.haste if state.haste == "asked twice" else ""
        deadline = now + state.drain_timeout_s + GRACE_S
        state = replace(state, phase=Phase.DRAINING_EXTRAS, deadline=deadline, haste=haste)
    if left and (left[0] == state.leaving or left[0] in {*_killed(state), *state.renewed}):
        return state, []
    if left:
        return replace(state, leaving=left[0]), [Drain(left[0])]
    assert state.outcome is not None
    return replace(state, phase=Phase.DONE, deadline=None), [Finish(state.outcome)]


def go_on(state: State, now: float) -> tuple[State, list[Action]]:
    """Take the next step of the end, after a process has ended."""
    if FRONT in state.alive or apps_alive(state):
        return state, []
    return _drain_extras(state, now)


def apps_alive(state: State) -> list[Name]:
    """Return the apps that run, of whichever generation, or the release step before them."""
    coming = state.coming.apps if state.coming is not None else {}
    names = dict.fromkeys((*state.releases, *state.apps, *coming, *state.retired))
    return [name for name in names if name in state.alive]


def _extras_alive(state: State) -> list[Name]:
    names = dict.fromkeys((*state.extras, *state.renewed))
    return [name for name in reversed(list(names)) if name in state.alive]


def _killed(state: State) -> tuple[Name, ...]:
    late = [name for name, main in state.mains.items() if main.is_killed]
    return (*late, *(state.outcome.killed if state.outcome is not None else ()))


def kill(state: State, now: float) -> tuple[State, list[Action]]:
    """Kill what had its time: the front and the apps, or else the extra processes."""
    assert state.outcome is not None
    names = [*([FRONT] if FRONT in state.alive else []), *apps_alive(state)]
    if not names or state.haste == "asked twice":
        names += _extras_alive(state)
    killed = tuple(dict.fromkeys([*state.outcome.killed, *names]))
    outcome = replace(state.outcome, killed=killed, haste=state.haste)
    state = replace(state, outcome=outcome, deadline=now + GRACE_S)
    return state, [Kill(name) for name in names]
