"""The supervisor as a pure state machine: what happened and the time go in, what to do comes out.

    release steps -> apps start -> a worker of each is ready -> front starts, answers -> serving
    where that takes long: front starts, says so -> a worker of each is ready -> serving
    serving: what dies starts again; a reload brings the next generation of the apps
    reload: prepare -> apps start -> all workers are ready -> front reloads, if it must -> switch
    stop: front drains -> the apps drain -> the extra processes drain -> done

A site is never half alive for ever: a main process that dies is replaced, and one that cannot be
replaced ends the site.
"""

from __future__ import annotations

from outrider.lifecycle.machine import step
from outrider.lifecycle.state import (
    FRONT,
    FRONT_BOOT_S,
    GRACE_S,
    MOST_STARTS,
    WAITED_FOR_S,
    App,
    Coming,
    Extra,
    Main,
    Phase,
    State,
)
from outrider.lifecycle.words import (
    Abandoned,
    Action,
    Announce,
    Begin,
    CancelPrepare,
    CloseListeners,
    Drain,
    Ended,
    Event,
    Finish,
    ForetellEnd,
    FrontReady,
    FrontReloaded,
    Kill,
    Lost,
    MarkStarting,
    Name,
    Outcome,
    Prepare,
    Prepared,
    PrepareFailed,
    Reload,
    ReloadFront,
    Repaired,
    Start,
    Stop,
    Switched,
    Tick,
    WorkerFailed,
    WorkerReady,
)

__all__ = [
    "FRONT",
    "FRONT_BOOT_S",
    "GRACE_S",
    "MOST_STARTS",
    "WAITED_FOR_S",
    "Abandoned",
    "Action",
    "Announce",
    "App",
    "Begin",
    "CancelPrepare",
    "CloseListeners",
    "Coming",
    "Drain",
    "Ended",
    "Event",
    "Extra",
    "Finish",
    "ForetellEnd",
    "FrontReady",
    "FrontReloaded",
    "Kill",
    "Lost",
    "Main",
    "MarkStarting",
    "Name",
    "Outcome",
    "Phase",
    "Prepare",
    "PrepareFailed",
    "Prepared",
    "Reload",
    "ReloadFront",
    "Repaired",
    "Start",
    "State",
    "Stop",
    "Switched",
    "Tick",
    "WorkerFailed",
    "WorkerReady",
    "step",
]
