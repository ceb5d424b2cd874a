"""Histories of a site: what happened and when, and what the supervisor did about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lifecycle import (
    Announce,
    Begin,
    CloseListeners,
    Drain,
    Ended,
    Extra,
    Finish,
    FrontReady,
    Kill,
    Lost,
    Outcome,
    Phase,
    Start,
    State,
    Stop,
    Tick,
    WorkerFailed,
    WorkerReady,
    step,
)

ALONE = {"app": 60.0}


def live(history, *, boot_timeouts_s=ALONE, drain_timeout_s=30.0, extras=(), releases=()):
    """Feed (time, event) pairs and return the last state and every action."""
    state = State(
        boot_timeouts_s=boot_timeouts_s,
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


@pytest.mark.parametrize(("dead", "other"), [("app", "front"), ("front", "app")])
def test_the_two_die_together(dead, other):
    _, done = live([*UP, (10, Ended(dead, -9)), (11, Ended(other, 0))])
    assert Drain(other) in done
    assert done[-1] == Finish(Outcome(kind="died", name=dead, code=-9))


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


@pytest.mark.parametrize("dead", ["shop", "blog", "front"])
def test_one_that_dies_ends_all_and_is_named(dead):
    others = [name for name in ("front", "shop", "blog") if name != dead]
    ends = [(11 + number, Ended(name, 0)) for number, name in enumerate(others)]
    _, done = live_both([*BOTH_UP, (10, Ended(dead, -9)), *ends])
    assert [action.name for action in done if isinstance(action, Drain)] == others
    assert done[-1] == Finish(Outcome(kind="died", name=dead, code=-9))


def test_each_app_has_its_own_time_to_become_ready():
    _, done = live_both([(0, Begin()), (1, WorkerReady("blog")), (20, Tick())])
    assert done == [Start("shop"), Start("blog")]
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
    state, done = live([(0, Begin()), (9000, Tick()), (9001, Stop())], releases=STEPS)
    assert done[1:] == [CloseListeners(), Drain("shop/release")]
    state, done = step(state, Tick(), 9003.0)
    assert done == [Kill("shop/release")]
    _, done = step(state, Ended("shop/release", -9), 9003.1)
    assert [type(one) for one in done] == [Finish]


def test_an_extra_process_that_dies_during_a_release_step_starts_again():
    history = [(0, Begin()), (1, Ended("database", 1)), (2, Tick())]
    _, done = live(history, extras=("database",), releases=STEPS)
    assert done[2:] == [Lost("database", 1, 1), Start("database")]


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
        boot_timeouts_s=apps,
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
    state = State(boot_timeouts_s=apps, drain_timeout_s=30, extras=waiting, releases=releases)
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
