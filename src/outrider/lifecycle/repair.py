"""What dies while the site serves starts again, ever more slowly; what never gets ready ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.lifecycle.end import leave
from outrider.lifecycle.state import (
    AGAIN_FIRST_S,
    AGAIN_MOST_S,
    FORGIVEN_S,
    FRONT,
    FRONT_BOOT_S,
    MOST_STARTS,
    RESTART_FIRST_S,
    RESTART_MOST_S,
    STEADY_S,
    Main,
)
from outrider.lifecycle.words import Kill, Lost, Outcome, Repaired, Start

if TYPE_CHECKING:
    from outrider.lifecycle.state import State
    from outrider.lifecycle.words import Action, Name

# -- the front and the apps ------------------------------------------------------------------------


def main_died(state: State, name: Name, code: int, now: float) -> tuple[State, list[Action]]:
    """Start it again, at once the first time; give up when it never gets ready."""
    main = state.mains[name]
    futile = 0 if main.is_ready else main.futile + 1
    if futile >= MOST_STARTS and state.coming is None:
        return leave(replace(state, outcome=Outcome(kind="died", name=name, code=code)), now)
    is_forgiven = main.is_ready and now - main.ready >= FORGIVEN_S
    deaths = 0 if is_forgiven else main.deaths
    apart_s = min(AGAIN_FIRST_S * 2 ** min(deaths - 1, 10), AGAIN_MOST_S) if deaths else 0
    pause_s = max(0, main.started + apart_s - now)
    main = Main(deaths=deaths + 1, futile=futile, again=now + pause_s)
    state = replace(state, mains={**state.mains, name: main})
    state, actions = _start_mains(state, now)
    return state, [Lost(name, code, pause_s), *actions]


def main_ready(state: State, name: Name, now: float) -> tuple[State, list[Action]]:
    """Take note that what was started again serves."""
    main = state.mains.get(name)
    if main is None or main.is_ready or name not in state.alive:
        return state, []
    main = replace(main, is_ready=True, ready=now, futile=0, ready_by=None)
    return replace(state, mains={**state.mains, name: main}), [Repaired(name)]


def main_failed(state: State, name: Name) -> tuple[State, list[Action]]:
    """End what cannot load its app again; once it has served, its server replaces the worker."""
    main = state.mains.get(name)
    if main is None or main.is_ready or name not in state.alive:
        return state, []
    return _kill_late(state, [name])


def look_after_mains(state: State, now: float) -> tuple[State, list[Action]]:
    """Start what has waited long enough, and end what takes too long to start."""
    late = [n for n, one in state.mains.items() if one.ready_by is not None and one.ready_by <= now]
    state, actions = _kill_late(state, late)
    state, more = _start_mains(state, now)
    return state, [*actions, *more]


def _start_mains(state: State, now: float) -> tuple[State, list[Action]]:
    due = [n for n, one in state.mains.items() if one.again is not None and one.again <= now]
    mains = dict(state.mains)
    for name in due:
        time_s = FRONT_BOOT_S if name == FRONT else state.apps[name].boot_timeout_s
        mains[name] = replace(mains[name], started=now, again=None, ready_by=now + time_s)
    state = replace(state, mains=mains, alive=state.alive.union(due))
    return state, [Start(name) for name in due]


def _kill_late(state: State, late: list[Name]) -> tuple[State, list[Action]]:
    mains = {n: replace(one, ready_by=None) if n in late else one for n, one in state.mains.items()}
    return replace(state, mains=mains), [Kill(name) for name in late]


# -- extra processes -------------------------------------------------------------------------------


def start_extras(state: State, names: list[Name], now: float) -> tuple[State, list[Action]]:
    """Start them, in their order."""
    started = {name: replace(state.extras[name], started=now, again=None) for name in names}
    state = replace(state, extras={**state.extras, **started}, alive=state.alive.union(names))
    return state, [Start(name) for name in names]


def extras_due(state: State, now: float) -> list[Name]:
    """Return the extra processes whose pause is over."""
    return [n for n, one in state.extras.items() if one.again is not None and one.again <= now]


def extra_died(state: State, name: Name, code: int, now: float) -> tuple[State, list[Action]]:
    """Start it again after a pause, unless it is done."""
    if code == 0:
        return state, [Lost(name, code, None)]
    extra = state.extras[name]
    pause_s = RESTART_FIRST_S if now - extra.started >= STEADY_S else extra.pause_s
    extra = replace(extra, again=now + pause_s, pause_s=min(2 * pause_s, RESTART_MOST_S))
    return replace(state, extras={**state.extras, name: extra}), [Lost(name, code, pause_s)]
