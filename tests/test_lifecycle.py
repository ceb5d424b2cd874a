"""Histories of a site: what happened and when, and what the supervisor did about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lifecycle import (
    MOST_STARTS,
    WAITED_FOR_S,
    Abandoned,
    Announce,
    App,
    Begin,
    CancelPrepare,
    CloseListeners,
    Drain,
    Ended,
    Extra,
    Finish,
    ForetellEnd,
    FrontReady,
    FrontReloaded,
    Kill,
    Lost,
    MarkStarting,
    Outcome,
    Phase,
    Prepare,
    Prepared,
    PrepareFailed,
    Reload,
    ReloadFront,
    Repaired,
    Start,
    State,
    Stop,
    Switched,
    Tick,
    WorkerFailed,
    WorkerReady,
    step,
)

ALONE = {"app": 60.0}


def booting(boot_timeouts_s):
    return {name: App(boot_timeout_s=time_s) for name, time_s in boot_timeouts_s.items()}


def live(history, *, boot_timeouts_s=ALONE, drain_timeout_s=30.0, extras=(), releases=()):
    """Feed (time, event) pairs and return the last state and every action."""
    state = State(
        apps=booting(boot_timeouts_s),
        drain_timeout_s=drain_timeout_s,
        extras={name: Extra() for name in extras},
        releases=releases,
    )
    done = []
    for now, event in history:
        state, actions = step(state, event, now)
        done += actions
    return state, done


UP = [(0, Begin()), (1, WorkerReady("app")), (2, FrontReady())]


def test_the_front_starts_only_when_a_worker_is_ready():
    state, done = live(UP)
    assert done == [Start("app"), Start("front"), Announce()]
    assert state.phase is Phase.SERVING


def test_more_workers_becoming_ready_change_nothing():
    _, done = live([*UP, (3, WorkerReady("app")), (4, WorkerReady("app"))])
    assert done == [Start("app"), Start("front"), Announce()]


def test_a_stop_drains_the_front_before_the_app():
    _, done = live([*UP, (10, Stop()), (11, Ended("front", 0)), (12, Ended("app", 0))])
    assert done[3:] == [
        CloseListeners(),
        Drain("front"),
        Drain("app"),
        Finish(Outcome(kind="drained")),
    ]


def test_a_front_that_does_not_leave_is_killed_when_the_time_is_over():
    state, done = live([*UP, (10, Stop()), (41, Tick())])
    assert not [a for a in done if isinstance(a, Kill)]
    state, done = step(state, Tick(), 42.0)
    assert done == [Kill("front"), Kill("app")]
    state, _ = step(state, Ended("front", -9), 42.1)
    _, done = step(state, Ended("app", -9), 42.2)
    assert done == [Finish(Outcome(kind="drained", killed=("front", "app")))]


def test_the_app_may_use_what_is_left_of_the_drain_time():
    history = [*UP, (10, Stop()), (15, Ended("front", 0)), (41, Tick())]
    state, done = live(history)
    assert done[-1] == Drain("app")
    _, done = step(state, Tick(), 42.0)
    assert done == [Kill("app")]


def test_the_app_gets_a_moment_even_when_the_front_took_all_the_time():
    state, _ = live([*UP, (10, Stop()), (41.9, Ended("front", 0)), (42.5, Tick())])
    assert state.phase is Phase.DRAINING_APPS
    _, done = step(state, Tick(), 44.0)
    assert done == [Kill("app")]


def test_a_second_stop_is_an_order():
    _, done = live([*UP, (10, Stop()), (10.5, Stop())])
    assert done[-2:] == [Kill("front"), Kill("app")]


def test_a_stop_before_the_first_worker_is_ready_stops_the_app_alone():
    _, done = live([(0, Begin()), (1, Stop()), (2, Ended("app", 0))])
    assert done == [Start("app"), CloseListeners(), Drain("app"), Finish(Outcome(kind="drained"))]


def test_a_stop_before_anything_started_ends_at_once():
    _, done = live([(0, Stop())])
    assert done == [CloseListeners(), Finish(Outcome(kind="drained"))]


def test_an_app_that_ends_while_booting_has_failed_to_boot():
    _, done = live([(0, Begin()), (1, Ended("app", 3))])
    assert done[-1] == Finish(Outcome(kind="boot-failed", name="app", code=3))


def test_an_app_that_is_never_ready_is_stopped_and_then_killed():
    state, done = live([(0, Begin()), (60, Tick())])
    assert done[1:] == [CloseListeners(), Drain("app")]
    state, done = step(state, Tick(), 62.0)
    assert done == [Kill("app")]
    _, done = step(state, Ended("app", -9), 62.1)
    assert done == [Finish(Outcome(kind="never-ready", name="app", killed=("app",)))]


def test_a_front_that_ends_while_booting_takes_the_app_with_it():
    history = [(0, Begin()), (1, WorkerReady("app")), (2, Ended("front", 1)), (3, Ended("app", 0))]
    _, done = live(history)
    assert done[2:] == [
        CloseListeners(),
        Drain("app"),
        Finish(Outcome(kind="boot-failed", name="front", code=1)),
    ]


def test_a_front_that_never_answers_is_named():
    state, _ = live([(0, Begin()), (1, WorkerReady("app")), (16, Tick())])
    assert state.outcome == Outcome(kind="never-ready", name="front")


def test_an_app_that_ends_during_the_drain_of_the_front_is_not_drained_again():
    history = [*UP, (10, Stop()), (11, Ended("app", 0)), (12, Ended("front", 0))]
    _, done = live(history)
    assert Drain("app") not in done
    assert done[-1] == Finish(Outcome(kind="drained"))


# -- several apps ----------------------------------------------------------------------------------

BOTH = {"shop": 60.0, "blog": 20.0}
BOTH_UP = [(0, Begin()), (1, WorkerReady("blog")), (2, WorkerReady("shop")), (3, FrontReady())]


def live_both(history):
    return live(history, boot_timeouts_s=BOTH)


def test_the_front_starts_only_when_every_app_is_ready():
    state, done = live_both([(0, Begin()), (1, WorkerReady("blog")), (2, WorkerReady("blog"))])
    assert done == [Start("shop"), Start("blog")]
    assert state.phase is Phase.BOOTING_APPS
    state, done = live_both(BOTH_UP)
    assert done == [Start("shop"), Start("blog"), Start("front"), Announce()]


def test_a_stop_drains_the_front_and_then_all_apps_together():
    history = [*BOTH_UP, (10, Stop()), (11, Ended("front", 0)), (12, Ended("shop", 0))]
    state, done = live_both(history)
    assert done[4:] == [CloseListeners(), Drain("front"), Drain("shop"), Drain("blog")]
    assert state.phase is Phase.DRAINING_APPS
    assert step(state, Ended("blog", 0), 13.0)[1] == [Finish(Outcome(kind="drained"))]


def test_each_app_has_its_own_time_to_become_ready():
    state, _ = live_both([(0, Begin()), (1, WorkerReady("blog")), (20, Tick())])
    assert state.outcome is None
    state, done = live_both([(0, Begin()), (1, WorkerReady("shop")), (20, Tick())])
    assert done[2:] == [CloseListeners(), Drain("shop"), Drain("blog")]
    assert state.outcome == Outcome(kind="never-ready", name="blog")


def test_an_app_that_does_not_boot_takes_the_others_with_it():
    history = [(0, Begin()), (1, Ended("blog", 3)), (2, Ended("shop", 0))]
    _, done = live_both(history)
    assert done[2:] == [
        CloseListeners(),
        Drain("shop"),
        Finish(Outcome(kind="boot-failed", name="blog", code=3)),
    ]


def test_only_what_does_not_leave_in_time_is_killed():
    history = [*BOTH_UP, (10, Stop()), (11, Ended("front", 0)), (12, Ended("shop", 0))]
    _, done = live_both([*history, (42, Tick())])
    assert [action for action in done if isinstance(action, Kill)] == [Kill("blog")]


# -- a start that takes long -----------------------------------------------------------------------

LATE = [(0, Begin()), (WAITED_FOR_S, Tick())]


def test_the_front_starts_without_an_app_that_takes_long_and_answers_for_it():
    state, done = live([(0, Begin()), (WAITED_FOR_S - 0.1, Tick())])
    assert done == [Start("app")]
    state, done = step(state, Tick(), WAITED_FOR_S)
    assert done == [MarkStarting("app", is_starting=True), Start("front")]
    state, done = step(state, FrontReady(), 5.1)
    assert done == []
    state, done = step(state, Tick(), 30.0)
    assert done == []
    _, done = step(state, WorkerReady("app"), 31.0)
    assert done == [MarkStarting("app", is_starting=False), Announce()]


def test_an_app_that_is_ready_before_the_front_answers_waits_for_it():
    state, done = live([*LATE, (5.1, WorkerReady("app"))])
    assert done[-1] == MarkStarting("app", is_starting=False)
    assert state.phase is Phase.BOOTING_FRONT
    assert step(state, FrontReady(), 5.2)[1] == [Announce()]


def test_the_front_answers_for_those_apps_alone_that_are_not_ready():
    state, done = live_both([(0, Begin()), (1, WorkerReady("shop")), (WAITED_FOR_S, Tick())])
    assert done[2:] == [MarkStarting("blog", is_starting=True), Start("front")]
    state, done = step(state, FrontReady(), 5.1)
    assert done == []
    _, done = step(state, WorkerReady("blog"), 5.2)
    assert done == [MarkStarting("blog", is_starting=False), Announce()]


def test_the_front_does_not_wait_for_long_release_steps_either():
    state, done = live(LATE, releases=("app/release",))
    assert done[1:] == [MarkStarting("app", is_starting=True), Start("front")]
    state, _ = step(state, FrontReady(), 5.1)
    state, done = step(state, Ended("app/release", 0), 100.0)
    assert done == [Start("app")]
    state, done = step(state, Tick(), 159.0)  # the app's own time began only with it
    assert done == []
    _, done = step(state, WorkerReady("app"), 159.5)
    assert done == [MarkStarting("app", is_starting=False), Announce()]


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (WorkerFailed("app", 4), Outcome(kind="boot-failed", name="app", code=4)),
        (Tick(), Outcome(kind="never-ready", name="app")),
        (Stop(), Outcome(kind="drained")),
    ],
)
def test_a_late_start_that_fails_ends_front_and_app_without_the_drain_time(event, outcome):
    state, done = live([*LATE, (5.1, FrontReady()), (60, event)])
    assert state.outcome == outcome
    assert done[3:] == [CloseListeners(), Drain("front")]
    assert step(state, Tick(), 62.0)[1] == [Kill("front"), Kill("app")]
    state, done = step(state, Ended("front", 0), 60.1)
    assert done == [Drain("app")]
    _, done = step(state, Tick(), 62.1)
    assert done == [Kill("app")]


def test_an_app_that_was_served_while_another_did_not_start_may_finish_what_it_has():
    history = [(0, Begin()), (1, WorkerReady("shop")), (5, Tick()), (5.1, FrontReady())]
    state, done = live_both([*history, (8, Ended("blog", 3)), (39.9, Tick())])
    assert done[-2:] == [CloseListeners(), Drain("front")]
    assert step(state, Tick(), 40.0)[1] == [Kill("front"), Kill("shop")]


def test_a_front_that_dies_or_does_not_answer_during_a_late_start_is_named():
    state, _ = live([*LATE, (6, Ended("front", 1))])
    assert state.outcome == Outcome(kind="boot-failed", name="front", code=1)
    state, _ = live([*LATE, (20, Tick())])
    assert state.outcome == Outcome(kind="never-ready", name="front")
    state, done = live([*LATE, (6, Ended("front", 0))], releases=("app/release",))
    assert state.outcome == Outcome(kind="boot-failed", name="front", code=0)
    assert done[-1] == Drain("app/release")


# -- extra processes -------------------------------------------------------------------------------

EXTRAS = ("database", "queue")


def test_extra_processes_start_in_their_order_before_the_app_that_may_need_them():
    _, done = live(UP, extras=EXTRAS)
    assert done == [Start("database"), Start("queue"), Start("app"), Start("front"), Announce()]


def test_extra_processes_leave_after_the_app_the_last_one_first():
    history = [(10, Stop()), (11, Ended("front", 0)), (12, Ended("app", 0))]
    state, done = live([*UP, *history], extras=EXTRAS)
    assert done[5:] == [CloseListeners(), Drain("front"), Drain("app"), Drain("queue")]
    state, done = step(state, Ended("queue", 0), 13.0)
    assert done == [Drain("database")]
    state, done = step(state, Ended("database", 0), 14.0)
    assert done == [Finish(Outcome(kind="drained"))]


def test_one_that_dies_on_the_way_out_is_not_started_and_the_other_not_asked_twice():
    history = [(10, Stop()), (11, Ended("front", 0)), (12, Ended("app", 0))]
    state, _ = live([*UP, *history], extras=EXTRAS)
    state, done = step(state, Ended("database", 1), 13.0)
    assert done == []
    _, done = step(state, Ended("queue", 0), 14.0)
    assert done == [Finish(Outcome(kind="drained"))]


def test_one_that_died_starts_again_and_the_site_goes_on():
    state, done = live([*UP, (10, Ended("queue", 1))], extras=EXTRAS)
    assert done[5:] == [Lost("queue", 1, 1)]
    state, done = step(state, Tick(), 10.9)
    assert done == []
    state, done = step(state, Tick(), 11.0)
    assert done == [Start("queue")]
    _, done = step(state, Tick(), 12.0)
    assert done == []


def test_one_that_dies_again_and_again_waits_longer_each_time_but_at_most_a_minute():
    state, _ = live(UP, extras=EXTRAS)
    now, pauses = 10.0, list[float]()
    for _ in range(9):
        state, (lost,) = step(state, Ended("queue", 1), now)
        assert isinstance(lost, Lost)
        pauses.append(lost.again_in_s or 0)
        now += pauses[-1]
        state, done = step(state, Tick(), now)
        assert done == [Start("queue")]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    # Then it holds for a minute, and what happens next is a new story.
    _, done = step(state, Ended("queue", 1), now + 60)
    assert done == [Lost("queue", 1, 1)]


def test_one_that_ends_well_is_done():
    state, done = live([*UP, (10, Ended("queue", 0))], extras=EXTRAS)
    assert done[5:] == [Lost("queue", 0, None)]
    _, done = step(state, Tick(), 100.0)
    assert done == []


def test_one_that_dies_while_the_app_boots_does_not_end_the_start():
    history = [(0, Begin()), (0.5, Ended("database", 1)), (1, WorkerReady("app"))]
    state, done = live(history, extras=EXTRAS)
    assert done[3:] == [Lost("database", 1, 1), Start("front")]
    _, done = step(state, Tick(), 1.5)
    assert done == [Start("database")]


def test_extra_processes_have_a_drain_time_of_their_own():
    history = [(10, Stop()), (11, Ended("front", 0)), (40, Ended("app", 0)), (71.9, Tick())]
    state, done = live([*UP, *history], extras=EXTRAS)
    assert done[-1] == Drain("queue")
    state, done = step(state, Tick(), 72.0)
    assert done == [Kill("queue"), Kill("database")]
    state, _ = step(state, Ended("database", -9), 72.1)
    _, done = step(state, Ended("queue", -9), 72.2)
    assert done == [Finish(Outcome(kind="drained", killed=("queue", "database")))]


def test_an_app_that_does_not_boot_gives_its_extra_processes_time_to_leave():
    history = [(0, Begin()), (1, Ended("app", 3)), (5, Tick())]
    _, done = live(history, extras=EXTRAS)
    assert done[3:] == [CloseListeners(), Drain("queue")]


def test_a_second_stop_kills_extra_processes_too():
    _, done = live([*UP, (10, Stop()), (10.5, Stop())], extras=EXTRAS)
    assert done[-4:] == [Kill("front"), Kill("app"), Kill("queue"), Kill("database")]


def test_what_is_still_waiting_to_start_again_does_not_hold_up_the_end():
    history = [(9, Ended("queue", 1)), (9.5, Stop()), (10, Ended("front", 0))]
    state, _ = live([*UP, *history, (11, Ended("app", 0)), (20, Tick())], extras=("queue",))
    assert state.phase is Phase.DONE


# -- release steps ---------------------------------------------------------------------------------

STEPS = ("shop/release", "blog/release")


def test_release_steps_run_one_after_the_other_before_the_app_and_after_what_they_may_need():
    state, done = live([(0, Begin())], extras=("database",), releases=STEPS)
    assert done == [Start("database"), Start("shop/release")]
    state, done = step(state, Ended("shop/release", 0), 5.0)
    assert done == [Start("blog/release")]
    state, done = step(state, Ended("blog/release", 0), 100.0)
    assert done == [Start("app")]
    # The app's own time begins now.
    assert state.deadline == 160.0


def test_a_release_step_that_fails_keeps_the_app_from_starting():
    state, done = live([(0, Begin()), (5, Ended("shop/release", 1))], releases=STEPS)
    assert done[1:] == [
        CloseListeners(),
        Finish(Outcome(kind="boot-failed", name="shop/release", code=1)),
    ]
    assert state.phase is Phase.DONE


def test_a_release_step_may_take_its_time_and_can_be_stopped():
    history = [(0, Begin()), (8000, Tick()), (8001, FrontReady()), (9000, Tick()), (9001, Stop())]
    state, done = live(history, releases=STEPS)
    assert done[-2:] == [CloseListeners(), Drain("front")]
    state, done = step(state, Ended("front", 0), 9001.0)
    assert done == [Drain("shop/release")]
    state, done = step(state, Tick(), 9003.0)
    assert done == [Kill("shop/release")]
    _, done = step(state, Ended("shop/release", -9), 9003.1)
    assert [type(one) for one in done] == [Finish]


def test_an_extra_process_that_dies_during_a_release_step_starts_again():
    history = [(0, Begin()), (1, Ended("database", 1)), (2, Tick())]
    _, done = live(history, extras=("database",), releases=STEPS)
    assert done[2:] == [Lost("database", 1, 1), Start("database")]


# -- what dies while the site serves ---------------------------------------------------------------


@pytest.mark.parametrize(("dead", "ready"), [("app", WorkerReady("app")), ("front", FrontReady())])
def test_one_that_dies_starts_again_at_once_and_the_other_does_not_notice(dead, ready):
    state, done = live([*UP, (10, Ended(dead, -9))])
    assert done[3:] == [Lost(dead, -9, 0), Start(dead)]
    state, done = step(state, ready, 10.5)
    assert done == [Repaired(dead)]
    assert step(state, ready, 10.6)[1] == []
    assert state.phase is Phase.SERVING


def test_one_that_dies_again_and_again_starts_less_often_each_time_but_every_half_minute():
    state, _ = live(UP)
    now, pauses = 12.0, list[float]()
    for _ in range(8):
        state, (lost, *_) = step(state, Ended("app", -9), now)
        assert isinstance(lost, Lost)
        pauses.append(lost.again_in_s or 0)
        now += pauses[-1]
        state, _ = step(state, Tick(), now)
        state, done = step(state, WorkerReady("app"), now)
        assert done == [Repaired("app")]
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]
    # What it has served counts: the time is between two starts.
    state, done = step(state, Ended("app", -9), now + 6)
    assert done[0] == Lost("app", -9, 24)
    now += 30
    state, _ = step(state, Tick(), now)
    state, _ = step(state, WorkerReady("app"), now)
    # Then it serves for ten seconds, and what happens next is a new story.
    _, done = step(state, Ended("app", -9), now + 10)
    assert done[0] == Lost("app", -9, 0)


def test_one_that_never_gets_ready_again_ends_the_site_and_is_named():
    state, _ = live(UP)
    now = 10.0
    for _ in range(MOST_STARTS):
        state, _ = step(state, Ended("app", 3), now)
        assert state.outcome is None
        now += 30
        state, done = step(state, Tick(), now)
        assert done in ([Start("app")], [])  # the first starts at once
    state, done = step(state, Ended("app", 3), now)
    assert done == [CloseListeners(), Drain("front")]
    _, done = step(state, Ended("front", 0), now + 1)
    assert done == [Finish(Outcome(kind="died", name="app", code=3))]


def test_one_that_starts_again_and_hangs_is_killed_and_counts_as_one_that_did_not_start():
    state, _ = live([*UP, (10, Ended("app", -9))])
    state, done = step(state, Tick(), 69.0)
    assert done == []
    state, done = step(state, Tick(), 70.0)
    assert done == [Kill("app")]
    state, done = step(state, Tick(), 70.2)
    assert done == []
    _, done = step(state, Ended("app", -9), 70.3)
    assert done == [Lost("app", -9, 0), Start("app")]  # it took its time already


def test_one_that_cannot_load_its_app_again_is_ended_instead_of_trying_for_ever():
    _, done = live([*UP, (10, Ended("app", -9)), (11, WorkerFailed("app", 4))])
    assert done[-1] == Kill("app")


def test_what_waits_to_start_again_does_not_hold_up_the_end():
    history = [(10, Ended("app", -9)), (10.1, Ended("app", 3)), (10.2, Stop()), (30, Tick())]
    state, done = live([*UP, *history, (31, Ended("front", 0))])
    assert done[-1] == Finish(Outcome(kind="drained"))
    assert Start("app") not in done[5:]
    assert state.phase is Phase.DONE


def test_what_was_killed_because_it_did_not_start_again_is_not_asked_to_leave():
    history = [(10, Ended("app", -9)), (11, WorkerFailed("app", 4)), (11.1, Stop())]
    state, done = live([*UP, *history, (11.2, Ended("front", 0))])
    assert done[-3:] == [Kill("app"), CloseListeners(), Drain("front")]
    _, done = step(state, Ended("app", -9), 11.3)
    assert done == [Finish(Outcome(kind="drained"))]


# -- new code --------------------------------------------------------------------------------------


def prepared(number, *, workers=2, extras=(), is_front_changed=False):
    app = App(boot_timeout_s=60, workers=workers)
    return Prepared(
        generation=number,
        apps={f"app@{number}": app},
        extras=extras,
        is_front_changed=is_front_changed,
    )


ASKED = [*UP, (10, Reload()), (12, prepared(2))]


def test_the_new_code_takes_over_when_all_of_its_workers_are_ready():
    state, done = live(ASKED)
    assert done[3:] == [Prepare(2), Start("app@2")]
    for _ in range(3):  # the same one again
        state, done = step(state, WorkerReady("app@2", 71), 13.0)
        assert done == []
    state, done = step(state, WorkerReady("app@2", 72), 14.0)
    assert done == [Switched(2), Drain("app")]
    state, done = step(state, Ended("app", 0), 15.0)
    assert done == []
    assert (state.generation, state.retired, state.coming) == (2, {}, None)
    # From now on it is the new one that is replaced.
    _, done = step(state, Ended("app@2", -9), 16.0)
    assert done == [Lost("app@2", -9, 0), Start("app@2")]


TAKEN_OVER = [*ASKED, (13, WorkerReady("app@2", 71)), (14, WorkerReady("app@2", 72))]


@pytest.mark.parametrize(
    "event",
    [prepared(2), prepared(3), FrontReloaded(2), FrontReloaded(3), PrepareFailed(3)],
    ids=str,
)
@pytest.mark.parametrize("history", [UP, ASKED, TAKEN_OVER], ids=len)
def test_what_is_heard_too_late_or_twice_changes_nothing(history, event):
    state, _ = live(history)
    assert step(state, event, 20.0) == (state, [])


def test_old_ones_have_the_drain_time_and_hear_before_it_is_over():
    state, _ = live(TAKEN_OVER)
    state, done = step(state, Tick(), 43.9)
    assert done == []
    state, done = step(state, Tick(), 44.0)
    assert done == [ForetellEnd("app")]
    state, done = step(state, Tick(), 45.0)
    assert done == []
    _, done = step(state, Tick(), 46.0)
    assert done == [Kill("app")]


def test_code_that_is_of_no_use_changes_nothing():
    state, done = live([*UP, (10, Reload()), (12, PrepareFailed(2))])
    assert done[3:] == [Prepare(2), Abandoned(generation=2, kind="not-prepared")]
    assert (state.generation, state.coming, state.retired) == (1, None, {})
    # Nothing of it was ever started, so that its number is free.
    assert step(state, Reload(), 13.0)[1] == [Prepare(2)]


@pytest.mark.parametrize("event", [Ended("app@2", 3), WorkerFailed("app@2", 3)])
def test_new_workers_that_do_not_start_leave_and_the_old_ones_serve_on(event):
    state, done = live([*ASKED, (13, event)])
    failed = Abandoned(generation=2, kind="boot-failed", name="app@2", code=3)
    assert failed in done
    assert Drain("app") not in done
    if isinstance(event, WorkerFailed):
        assert done[-1] == Drain("app@2")
        state, done = step(state, Tick(), 15.0)
        assert Kill("app@2") in done
        state, _ = step(state, Ended("app@2", -9), 15.1)
    assert (state.generation, state.coming, state.retired) == (1, None, {})


def test_new_workers_that_are_never_ready_leave_but_finish_what_they_have():
    state, done = live([*ASKED, (13, WorkerReady("app@2", 71)), (72, Tick())])
    assert done[-2:] == [
        Abandoned(generation=2, kind="never-ready", name="app@2"),
        Drain("app@2"),
    ]
    assert state.retired["app@2"].until == 104  # one served already


def test_nginx_follows_when_its_configuration_has_changed_and_before_the_old_app_leaves():
    history = [(10, Reload()), (12, prepared(2, workers=1, is_front_changed=True))]
    state, done = live([*UP, *history, (13, WorkerReady("app@2", 71))])
    assert done[-1] == ReloadFront(2)
    _, done = step(state, FrontReloaded(2), 14.0)
    assert done == [Switched(2), Drain("app")]
    _, done = step(state, Tick(), 61.0)  # it does not
    assert done == [Abandoned(generation=2, kind="front", name="front"), Drain("app@2")]


def test_one_reload_at_a_time():
    _, done = live([*ASKED, (13, Reload())])
    assert done.count(Prepare(2)) == 1
    assert Prepare(3) not in done


def test_a_third_generation_waits_until_one_of_the_old_ones_has_left():
    history = [(15, Reload()), (16, prepared(3, workers=1)), (17, WorkerReady("app@3", 81))]
    state, done = live([*TAKEN_OVER, *history, (18, Reload()), (19, prepared(4))])
    assert done[-2:] == [Drain("app@2"), Prepare(4)]
    state, done = step(state, Ended("app", 0), 20.0)
    assert done == [Start("app@4")]


def test_an_app_that_dies_while_its_successor_boots_starts_again():
    state, done = live([*ASKED, (13, Ended("app", -9))])
    assert done[-2:] == [Lost("app", -9, 0), Start("app")]
    state, done = step(state, WorkerReady("app", 61), 13.5)
    assert done == [Repaired("app")]


def test_one_that_cannot_start_any_more_waits_for_the_new_code_that_is_coming():
    state, _ = live([*UP, (10, Reload())])
    now = 10.0
    for _ in range(2 * MOST_STARTS):
        now += 30
        state, _ = step(state, Tick(), now)
        state, _ = step(state, Ended("app", 3), now)
    assert state.outcome is None
    state, done = step(state, prepared(2, workers=1), now)
    assert done == [Start("app@2")]
    _, done = step(state, WorkerReady("app@2", 71), now)
    assert done[0] == Switched(2)


def test_extra_processes_start_again_with_the_new_code():
    change = prepared(2, workers=1, extras=("queue", "mailer"))
    history = [(10, Reload()), (12, change), (13, WorkerReady("app@2", 71))]
    state, done = live([*UP, *history], extras=EXTRAS)
    assert done[-4:] == [Drain("app"), Drain("database"), Drain("queue"), Start("mailer")]
    state, done = step(state, Ended("queue", -15), 14.0)
    assert done == [Start("queue")]
    state, done = step(state, Ended("database", 0), 15.0)
    assert done == []
    _, done = step(state, Tick(), 60.0)
    assert Kill("queue") not in done


def test_a_stop_in_the_middle_of_a_reload_stops_all_of_them():
    state, done = live([*TAKEN_OVER, (15, Reload()), (16, prepared(3)), (17, Stop())])
    assert done[-4:] == [
        CancelPrepare(3),
        Abandoned(generation=3, kind="stopped"),
        CloseListeners(),
        Drain("front"),
    ]
    state, done = step(state, Ended("front", 0), 18.0)
    assert done == [Drain("app@2"), Drain("app@3")]  # the oldest one has been asked
    for name in ("app", "app@2", "app@3"):
        state, done = step(state, Ended(name, 0), 19.0)
    assert done == [Finish(Outcome(kind="drained"))]


@pytest.mark.parametrize("history", [[], [(0, Begin())], [*UP, (10, Stop())]])
def test_a_reload_of_a_site_that_does_not_serve_is_nothing(history):
    state, _ = live(history)
    assert step(state, Reload(), 20.0) == (state, [])


# -- whatever happens ------------------------------------------------------------------------------

APPS = st.sampled_from([ALONE, BOTH])
EVENTS = st.sampled_from(
    [
        Begin(),
        WorkerReady("app"),
        WorkerReady("shop"),
        WorkerReady("blog"),
        FrontReady(),
        Stop(),
        Tick(),
        Ended("app", 0),
        Ended("app", 3),
        Ended("shop", 0),
        Ended("blog", 3),
        Ended("front", -9),
        Ended("queue", 0),
        Ended("queue", 1),
        Ended("database", -9),
        Ended("shop/release", 0),
        Ended("shop/release", 1),
        Ended("blog/release", 0),
    ]
)
SOME = st.sampled_from([(), ("queue",), EXTRAS])
BEFORE = st.sampled_from([(), STEPS])


@given(APPS, SOME, BEFORE, st.lists(st.tuples(st.floats(0, 50), EVENTS), max_size=30))
def test_whatever_happens_everything_started_is_gone_when_it_finishes(
    apps, extras, releases, steps
):
    """Only a process that runs can end; time only goes forward."""
    state = State(
        apps=booting(apps),
        drain_timeout_s=30,
        extras={name: Extra() for name in extras},
        releases=releases,
    )
    now, running, finished = 0.0, set(), 0
    for passed, event in steps:
        now += passed
        if isinstance(event, Ended):
            if event.name not in running:
                continue
            running.discard(event.name)
        state, actions = step(state, event, now)
        for action in actions:
            if isinstance(action, Start):
                assert not finished
                assert action.name not in running
                running.add(action.name)
            elif isinstance(action, (Drain, Kill)):
                assert action.name in running
            elif isinstance(action, Finish):
                finished += 1
                assert not running
    assert finished <= 1


@given(APPS, SOME, BEFORE, st.lists(EVENTS, max_size=12))
def test_from_every_state_a_stop_leads_to_the_end(apps, extras, releases, events):
    waiting = {name: Extra() for name in extras}
    state = State(apps=booting(apps), drain_timeout_s=30, extras=waiting, releases=releases)
    now, running = 0.0, set()
    todo = [*events, Stop()]
    for _ in range(40):
        event = todo.pop(0) if todo else Tick()
        if isinstance(event, Ended) and event.name not in running:
            continue
        if isinstance(event, Ended):
            running.discard(event.name)
        now += 5
        state, actions = step(state, event, now)
        for action in actions:
            if isinstance(action, Start):
                running.add(action.name)
            elif isinstance(action, Kill):  # what is killed ends
                todo.append(Ended(action.name, -9))
        if state.phase is Phase.DONE:
            return
    pytest.fail(f"still {state}")


def test_an_app_that_cannot_be_loaded_ends_the_start_without_waiting():
    history = [(0, Begin()), (1, WorkerFailed("app", 4)), (2, WorkerFailed("app", 4))]
    _, done = live([*history, (2, Ended("app", 0))])
    expected = Outcome(kind="boot-failed", name="app", code=4)
    assert done == [Start("app"), CloseListeners(), Drain("app"), Finish(expected)]


def test_a_worker_that_fails_later_is_the_servers_to_replace():
    _, done = live([*UP, (9, WorkerFailed("app", 4))])
    assert done == [Start("app"), Start("front"), Announce()]
