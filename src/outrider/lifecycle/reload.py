"""The next generation of the apps takes over, or leaves as if it had never been."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.lifecycle.repair import start_extras
from outrider.lifecycle.state import (
    FRONT,
    FRONT_BOOT_S,
    GRACE_S,
    MOST_RETIRED,
    Coming,
    Extra,
    Main,
    Phase,
    Retired,
)
from outrider.lifecycle.words import (
    Abandoned,
    Drain,
    ForetellEnd,
    Kill,
    Prepare,
    ReloadFront,
    Start,
    Switched,
)

if TYPE_CHECKING:
    from typing import Literal

    from outrider.lifecycle.state import State
    from outrider.lifecycle.words import Action, Name, Prepared, WorkerReady


def begin(state: State) -> tuple[State, list[Action]]:
    """Prepare the next generation, one at a time."""
    if state.phase is not Phase.SERVING or state.coming is not None:
        return state, []
    number = state.newest + 1
    state = replace(state, coming=Coming(generation=number), newest=number)
    return state, [Prepare(number)]


def prepared(state: State, event: Prepared, now: float) -> tuple[State, list[Action]]:
    """Start the new apps, as soon as there is room."""
    coming = state.coming
    if coming is None or coming.generation != event.generation or coming.is_prepared:
        return state, []
    coming = replace(
        coming,
        apps=event.apps,
        extras=event.extras,
        drain_timeout_s=event.drain_timeout_s,
        is_front_changed=event.is_front_changed,
    )
    return start_coming(replace(state, coming=coming), now)


def start_coming(state: State, now: float) -> tuple[State, list[Action]]:
    """Start the new apps, unless they run or too many old ones still do."""
    coming = state.coming
    if coming is None or not coming.is_prepared or coming.ready:
        return state, []
    if len({one.generation for one in state.retired.values()}) >= MOST_RETIRED:
        return state, []
    coming = replace(
        coming,
        awaited={name: now + app.boot_timeout_s for name, app in coming.apps.items()},
        ready=dict.fromkeys(coming.apps, frozenset[int]()),
    )
    state = replace(state, coming=coming, alive=state.alive.union(coming.apps))
    return state, [Start(name) for name in coming.apps]


def worker_ready(state: State, event: WorkerReady, now: float) -> tuple[State, list[Action]]:
    """Count; when no more are awaited the front follows, or else the switch is made."""
    coming = state.coming
    assert coming is not None
    workers = coming.ready[event.name] | {event.worker}
    coming = replace(coming, ready={**coming.ready, event.name: workers})
    if event.name in coming.awaited and len(workers) >= coming.apps[event.name].workers:
        awaited = {name: end for name, end in coming.awaited.items() if name != event.name}
        coming = replace(coming, awaited=awaited)
        if not awaited and coming.is_front_changed:
            # Old workers of Nginx may have to finish before their app is asked to leave.
            front_by = now + FRONT_BOOT_S + state.drain_timeout_s + GRACE_S
            coming = replace(coming, front_by=front_by)
            return replace(state, coming=coming), [ReloadFront(coming.generation)]
        if not awaited:
            return _switch(replace(state, coming=coming), now)
    return replace(state, coming=coming), []


def front_reloaded(state: State, generation: int, now: float) -> tuple[State, list[Action]]:
    """Make the switch."""
    coming = state.coming
    if coming is None or coming.generation != generation or coming.front_by is None:
        return state, []
    return _switch(state, now)


def _switch(state: State, now: float) -> tuple[State, list[Action]]:
    coming = state.coming
    assert coming is not None
    until = now + state.drain_timeout_s + GRACE_S
    old = [name for name in state.apps if name in state.alive]
    retired = {name: Retired(generation=state.generation, until=until) for name in old}
    new = {name: Main(started=now, is_ready=True, ready=now) for name in coming.apps}
    state = replace(
        state,
        apps=coming.apps,
        generation=coming.generation,
        drain_timeout_s=coming.drain_timeout_s,
        mains={FRONT: state.mains[FRONT], **new},
        retired={**state.retired, **retired},
        coming=None,
    )
    state, actions = _renew_extras(state, coming.extras, until, now)
    return state, [Switched(coming.generation), *(Drain(name) for name in old), *actions]


def _renew_extras(
    state: State, names: tuple[Name, ...], until: float, now: float
) -> tuple[State, list[Action]]:
    running = [name for name in state.extras if name in state.alive]
    asked = [name for name in running if name not in state.renewed]
    state = replace(
        state,
        extras={name: Extra() for name in names},
        renewed={**state.renewed, **dict.fromkeys(asked, until)},
    )
    state, actions = start_extras(state, [n for n in names if n not in state.alive], now)
    return state, [*(Drain(name) for name in asked), *actions]


def extra_left(state: State, name: Name, now: float) -> tuple[State, list[Action]]:
    """Start an extra process with the new code, if the new settings still have it."""
    renewed = {other: until for other, until in state.renewed.items() if other != name}
    state = replace(state, renewed=renewed)
    return start_extras(state, [name] if name in state.extras else [], now)


def retired_left(state: State, name: Name, now: float) -> tuple[State, list[Action]]:
    """Forget it; there may be room now."""
    retired = {other: one for other, one in state.retired.items() if other != name}
    return start_coming(replace(state, retired=retired), now)


def abandon(
    state: State,
    now: float,
    kind: Literal["not-prepared", "boot-failed", "never-ready", "front"],
    name: Name | None = None,
    code: int | None = None,
) -> tuple[State, list[Action]]:
    """Let the new apps go; those that are ready may have requests already."""
    coming = state.coming
    assert coming is not None
    left = [one for one in coming.apps if one in state.alive]
    has_served = any(coming.ready.values())
    until = now + GRACE_S + (state.drain_timeout_s if has_served else 0)
    gone = {one: Retired(generation=coming.generation, until=until) for one in left}
    state = replace(state, coming=None, retired={**state.retired, **gone})
    if kind == "not-prepared":  # nothing has had its number
        state = replace(state, newest=state.newest - 1)
    told = Abandoned(generation=coming.generation, kind=kind, name=name, code=code)
    return state, [told, *(Drain(one) for one in left)]


def look_after(state: State, now: float) -> tuple[State, list[Action]]:
    """End what had its time: the start of the new ones, the drain of the old ones."""
    actions: list[Action] = []
    coming = state.coming
    if coming is not None:
        late = next((name for name, end in coming.awaited.items() if end <= now), None)
        if late is not None:
            state, actions = abandon(state, now, "never-ready", late)
        elif coming.front_by is not None and coming.front_by <= now:
            state, actions = abandon(state, now, "front", FRONT)
    retired = dict(state.retired)
    for name, one in state.retired.items():
        if one.until <= now:
            actions.append(Kill(name))
            retired[name] = replace(one, until=now + GRACE_S, is_told=True)
        elif one.until - GRACE_S <= now and not one.is_told:
            actions.append(ForetellEnd(name))
            retired[name] = replace(one, is_told=True)
    over = [name for name, until in state.renewed.items() if until <= now]
    renewed = {**state.renewed, **dict.fromkeys(over, now + GRACE_S)}
    actions += [Kill(name) for name in over]
    return replace(state, retired=retired, renewed=renewed), actions
