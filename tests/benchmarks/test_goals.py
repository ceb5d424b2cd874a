"""When a goal is met."""

import pytest
from benchmarks.tables import goals
from benchmarks.tables.records import Compared, Record, Records


def of(*figures: tuple[str, int, str, str, dict[str, float]]) -> Records:
    return Records(tuple(Record(*one) for one in figures))


def verdict(records: Records, words: str) -> goals.Result:
    [found] = [result for result in goals.results(records) if words in result.goal]
    return found


def test_nothing_measured_is_neither_met_nor_missed():
    assert {result.verdict for result in goals.results(Records(()))} == {"not measured"}


@pytest.mark.parametrize(("rate", "is_met"), [(2.5, True), (2.49, False)])
def test_a_ratio_on_the_line_is_met_and_one_below_is_not(rate, is_met):
    found = of(
        ("throughput", 0, "nginx+worker", "c64", {"rate": 100 * rate}),
        ("throughput", 0, "nginx+sync", "c64", {"rate": 100.0}),
    )
    assert verdict(found, "worker class: requests/s against nginx+sync, c64").is_met is is_met


def test_a_goal_is_judged_as_it_is_printed():
    almost = goals.at_least("", 1.0, Compared((0.996,)))
    assert almost.measured.startswith("1.00")
    assert almost.is_met


def test_a_latency_must_be_low():
    found = of(
        ("throughput", 0, "nginx+worker", "c64", {"p99_ms": 30.0}),
        ("throughput", 0, "nginx+granian", "c64", {"p99_ms": 60.0}),
    )
    assert verdict(found, "worker class: p99 against nginx+granian, c64").is_met is False


def test_a_third_is_a_third_although_it_has_no_two_digits():
    assert goals.at_most("", 1 / 3, Compared((0.333,))).is_met


def test_one_lost_post_in_any_round_misses_the_goal():
    found = of(
        ("reload", 0, "outrider", "POST", {"sent": 500, "failed": 0, "reloads": 25}),
        ("reload", 1, "outrider", "POST", {"sent": 500, "failed": 1, "reloads": 25}),
    )
    result = verdict(found, "`outrider`: POSTs lost under 50 reloads")
    assert result.measured == "1 of 1,000"
    assert result.is_met is False


def test_a_killed_worker_may_take_along_what_it_was_serving():
    figures: dict[str, float] = {"sent": 500, "failed": 2, "kills": 2}
    assert verdict(
        of(("kill", 0, "outrider", "POST", figures)), "`outrider`: POSTs lost with 2"
    ).is_met
    figures = figures | {"failed": 3}
    assert not verdict(
        of(("kill", 0, "outrider", "POST", figures)), "`outrider`: POSTs lost with 2"
    ).is_met


def test_a_reload_is_measured_by_what_it_adds_to_the_worst_request():
    found = of(
        ("reload", 0, "outrider", "POST", {"worst_ms": 60.0, "calm_ms": 50.0}),
        ("reload", 1, "outrider", "POST", {"worst_ms": 35.0, "calm_ms": 5.0}),
        ("reload", 2, "outrider", "POST", {"worst_ms": 25.0, "calm_ms": 6.0}),
    )
    result = verdict(found, "`outrider`: worst request under reloads")
    assert result.measured.startswith("19.00")
    assert result.is_met


def test_a_site_that_stands_still_misses_both_goals():
    found = of(
        ("slow", 0, "outrider", "none before 5000", {"rate": 900.0, "p99_ms": 5.0}),
        ("slow", 0, "outrider", "body 5000", {"rate": 0.0, "p99_ms": 5000.0}),
    )
    assert verdict(found, "requests/s beside 5,000 slow clients (body)").is_met is False
    assert verdict(found, "p99 beside 5,000 slow clients (body)").is_met is False


@pytest.mark.parametrize(("held", "is_met"), [(29_950, True), (16_000, False)])
def test_as_many_as_wanted_must_be_held(held, is_met):
    found = of(("many", 0, "outrider", "headers 30000", {"rate": 1.0, "held": held}))
    assert verdict(found, "of 30,000 slow clients held").is_met is is_met


def test_memory_is_compared_with_bare_gunicorn_and_the_supervisor_is_judged_alone():
    found = of(
        ("start", 0, "outrider", "start", {"besides_mb": 24.0, "supervisor_mb": 31.0}),
        ("start", 0, "sync", "start", {"besides_mb": 13.0}),
    )
    assert verdict(found, "memory of all but").is_met
    assert verdict(found, "memory of the supervisor").is_met is False
