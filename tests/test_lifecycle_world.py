"""Whatever happens to a site, and in whatever order: a world that does what it is told.

The world holds the processes. Hypothesis lets them get ready, fail, die and leave, asks for new
code and for the end, and lets time pass; after each step the site has to be in order.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from outrider.lifecycle import (
    FRONT,
    MOST_STARTS,
    Abandoned,
    Action,
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
    MarkStarting,
    Phase,
    Prepare,
    Prepared,
    PrepareFailed,
    Reload,
    ReloadFront,
    Start,
    State,
    Stop,
    Switched,
    Tick,
    WorkerFailed,
    WorkerReady,
    step,
)

DRAIN_S, BOOT_S, WORKERS = 30, 60, 2
EXTRAS = ("database", "queue")
LONG_S = 400
"""More than any boot, drain or pause takes."""


class Site(RuleBasedStateMachine):
    """A site of one or two apps, with what runs of it."""

    @initialize(
        apps=st.sampled_from([("app",), ("shop", "blog")]),
        extras=st.sampled_from([(), EXTRAS]),
        releases=st.sampled_from([(), ("app/release",)]),
    )
    def begin(self, apps, extras, releases):
        self.names = apps
        self.now = 0.0
        self.running: set[str] = set()
        self.asked: set[str] = set()
        self.serves: set[str] = set()
        self.marked: set[str] = set()
        self.preparing: int | None = None
        self.front_reloading: int | None = None
        self.told: Counter[str] = Counter()
        self.decided: set[int] = set()
        self.starts: list[tuple[float, str]] = []
        self.finished = 0
        self.is_listening = True
        self.workers = 0
        self.state = State(
            apps=self.generation(1),
            drain_timeout_s=DRAIN_S,
            extras={name: Extra() for name in extras},
            releases=releases,
        )
        self.happen(Begin())

    def generation(self, number: int) -> dict[str, App]:
        return {
            f"{name}@{number}": App(boot_timeout_s=BOOT_S, workers=WORKERS) for name in self.names
        }

    # -- the world does what it is told ------------------------------------------------------------

    def happen(self, event) -> None:
        self.state, actions = step(self.state, event, self.now)
        for action in actions:
            self.do(action)

    def do(self, action: Action) -> None:  # noqa: C901 - one line for each
        assert not self.finished
        match action:
            case MarkStarting(name, is_starting):
                assert (name in self.marked) is not is_starting
                self.marked ^= {name}
            case Start(name):
                assert name not in self.running
                self.running.add(name)
                self.asked.discard(name)
                self.serves.discard(name)
                self.starts.append((self.now, name))
            case Drain(name):
                assert name in self.running
                assert name not in self.asked, "it was asked before"
                self.asked.add(name)
            case Kill(name):
                assert name in self.running
                self.asked.add(name)
            case ForetellEnd(name):
                assert name in self.running
            case Prepare(number):
                assert self.preparing is None
                self.decided.discard(number)  # none of that number was ever started
                assert not any(name.endswith(f"@{number}") for name in self.running)
                self.preparing = number
            case CancelPrepare(number):
                self.preparing = None
            case ReloadFront(number):
                self.front_reloading = number
            case Switched(number) | Abandoned(generation=number):
                assert number not in self.decided, "told twice how it ended"
                self.decided.add(number)
                self.front_reloading = None
                if isinstance(action, Abandoned):
                    self.preparing = None
            case CloseListeners():
                self.is_listening = False
            case Finish():
                assert not self.running
                self.finished += 1
            case _:
                pass

    def die(self, name: str, code: int) -> None:
        self.running.discard(name)
        self.serves.discard(name)
        self.happen(Ended(name, code))

    # -- what may happen ---------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.2, 1, 5, 31, 61]))
    def time_passes(self, seconds):
        self.now += seconds
        self.happen(Tick())

    @precondition(lambda self: self.running)
    @rule(data=st.data(), code=st.sampled_from([0, 1, 3, -9]))
    def one_ends(self, data, code):
        self.die(data.draw(st.sampled_from(sorted(self.running))), code)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def a_worker_is_ready(self, data):
        name = data.draw(st.sampled_from(sorted(self.running)))
        self.workers += 1
        if name == FRONT:
            self.serves.add(name)
            self.happen(FrontReady())
        elif "@" in name:
            self.serves.add(name)
            self.happen(WorkerReady(name, self.workers))

    @precondition(lambda self: any("@" in name for name in self.running))
    @rule(data=st.data())
    def a_worker_fails(self, data):
        names = sorted(name for name in self.running if "@" in name)
        self.happen(WorkerFailed(data.draw(st.sampled_from(names)), 3))

    @rule()
    def new_code_is_asked_for(self):
        self.happen(Reload())

    @precondition(lambda self: self.preparing is not None)
    @rule(
        is_good=st.booleans(), is_front_changed=st.booleans(), extras=st.sampled_from([(), EXTRAS])
    )
    def the_new_code_is_tried(self, is_good, is_front_changed, extras):
        assert self.preparing is not None
        number, self.preparing = self.preparing, None
        made = Prepared(
            generation=number,
            apps=self.generation(number),
            extras=extras,
            drain_timeout_s=DRAIN_S,
            is_front_changed=is_front_changed,
        )
        self.happen(made if is_good else PrepareFailed(number))

    @precondition(lambda self: self.front_reloading is not None and FRONT in self.running)
    @rule()
    def the_front_has_reloaded(self):
        assert self.front_reloading is not None
        number, self.front_reloading = self.front_reloading, None
        self.happen(FrontReloaded(number))

    @rule(number=st.integers(1, 5))
    def something_late_is_heard(self, number):
        self.happen(FrontReloaded(number))
        self.happen(PrepareFailed(number + 100))
        self.happen(WorkerReady(f"app@{number + 100}", 1))

    @precondition(lambda self: self.state.phase is not Phase.DONE)
    @rule(is_wanted=st.integers(0, 9))
    def the_end_is_asked_for(self, is_wanted):
        if is_wanted == 0:  # else no history would be long
            self.happen(Stop())

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def the_machine_knows_what_runs(self):
        assert self.state.alive == self.running

    @invariant()
    def it_is_never_half_alive(self):
        """Who serves has a front and apps, or knows when it starts them again."""
        if self.state.phase is Phase.SERVING:
            assert self.is_listening
            for name in (FRONT, *self.state.apps):
                assert name in self.running or self.state.mains[name].again is not None
        if self.state.phase is Phase.DONE:
            assert not self.running
            assert self.finished == 1

    @invariant()
    def nobody_waits_at_the_front_for_an_app_that_still_starts(self):
        if self.state.phase is Phase.SERVING:
            assert not self.marked
        elif FRONT in self.running and self.state.outcome is None:
            assert self.marked == self.state.apps.keys() - self.serves

    @invariant()
    def nothing_runs_that_nobody_will_end(self):
        """Each old or new generation has a time by which it is gone or takes over."""
        coming = self.state.coming
        known = {*self.state.apps, *self.state.retired, *(coming.apps if coming else ())}
        assert {name for name in self.running if "@" in name} <= known
        if self.state.phase is Phase.SERVING:
            assert all(one.until <= self.now + DRAIN_S + 3 for one in self.state.retired.values())
            assert len({one.generation for one in self.state.retired.values()}) <= 3

    @invariant()
    def it_never_starts_things_in_a_loop(self):
        """Apart from what reloads ask for, no process starts more than a few times in a while."""
        since = [name for when, name in self.starts if when > self.now - 10]
        for name, count in Counter(since).items():
            if "@" in name or name == FRONT:
                assert count <= 6, name

    def teardown(self):
        """Leave it alone, with processes that obey, and it gets to rest."""
        if not hasattr(self, "state"):
            return
        before, until = len(self.starts), self.now + LONG_S
        while self.now < until and not self.finished:
            self.all_obey()
            self.now += 5
            self.happen(Tick())
        assert len(self.starts) - before < 30
        if not self.finished:
            assert self.state.phase is Phase.SERVING
            assert {FRONT, *self.state.apps} <= self.running
            assert (self.state.coming, self.state.retired, self.state.renewed) == (None, {}, {})
            assert {n for n in self.running if "@" in n} == set(self.state.apps)
            self.happen(Stop())
        for _ in range(20):  # nobody obeys: everything is killed
            self.now += DRAIN_S + 5
            self.happen(Tick())
            for name in sorted(self.running):
                self.die(name, -9)
        assert self.finished == 1

    def all_obey(self) -> None:
        for name in sorted(self.running):
            if name in self.asked or name.endswith("release"):
                self.die(name, 0)
            elif name in self.running - self.serves:
                self.all_are_ready(name)
        if self.preparing is not None:
            number, self.preparing = self.preparing, None
            self.happen(PrepareFailed(number))
        if self.front_reloading is not None and FRONT in self.running:
            self.the_front_has_reloaded()

    def all_are_ready(self, name: str) -> None:
        self.serves.add(name)
        for _ in range(WORKERS):
            self.workers += 1
            if name in self.running:
                self.happen(FrontReady() if name == FRONT else WorkerReady(name, self.workers))


Site.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, print_blob=True
)
TestWhateverHappens = Site.TestCase


def test_the_pauses_before_it_gives_up_are_bounded():
    state = State(apps={"app": App(boot_timeout_s=BOOT_S)}, drain_timeout_s=DRAIN_S)
    now = 0.0
    for event in (Begin(), WorkerReady("app"), FrontReady()):
        state, _ = step(state, event, now)
    starts = 0
    while state.outcome is None:
        if "app" in state.alive:
            state, actions = step(state, Ended("app", 1), now)
        else:
            now += 0.2
            state, actions = step(state, Tick(), now)
        starts += sum(isinstance(action, Start) for action in actions)
    assert starts == MOST_STARTS
    assert 10 < now < 30
