"""How two contenders are compared."""

import pytest
from benchmarks.tables.records import Record, Records, differences, ratios, without


def test_a_busy_round_falls_on_both_and_leaves_the_median_alone():
    ours = {0: 200.0, 1: 20.0, 2: 210.0}
    theirs = {0: 100.0, 1: 10.0, 2: 100.0}
    found = ratios(ours, theirs)
    assert found is not None
    assert found.median == 2.0  # the ratio of the medians would be the same, of the means not
    assert found.ratios == (2.0, 2.0, 2.1)
    assert str(found) == "2.00 (2.00 to 2.10)"


def test_the_median_is_of_the_ratios_not_the_ratio_of_the_medians():
    found = ratios({0: 10.0, 1: 30.0, 2: 50.0}, {0: 50.0, 1: 10.0, 2: 25.0})
    assert found is not None
    assert found.median == 2.0  # the medians are 30 and 25


def test_an_even_number_of_rounds_has_its_median_between_two():
    found = ratios({0: 1.0, 1: 3.0}, {0: 1.0, 1: 1.0})
    assert found is not None
    assert found.median == 2.0


def test_a_round_that_only_one_has_does_not_count():
    found = ratios({0: 10.0, 1: 99.0}, {0: 10.0, 2: 1.0})
    assert found is not None
    assert found.ratios == (1.0,)


def test_who_stands_still_is_no_measure_for_others():
    assert ratios({0: 10.0}, {0: 0.0}) is None


def test_nothing_measured_is_nothing_compared():
    assert ratios({}, {0: 1.0}) is None
    assert differences({}, {0: 1.0}) is None


def test_differences_are_of_one_round_each():
    found = differences({0: 30.0, 1: 130.0}, {0: 10.0, 1: 120.0})
    assert found is not None
    assert found.ratios == (10.0, 20.0)


def records() -> Records:
    return Records(
        (
            Record("throughput", 0, "ours", "c16", {"rate": 3.0, "errors": 1}),
            Record("throughput", 0, "theirs", "c16", {"rate": 2.0}),
            Record("throughput", 1, "ours", "c16", {"rate": 5.0, "errors": 2}),
            Record("slow", 0, "ours", "none", {"rate": 100.0}),
        )
    )


def test_figures_are_found_by_table_contender_cell_and_round():
    found = records().of("throughput")
    assert found.series("ours", "c16", "rate") == {0: 3.0, 1: 5.0}
    assert found.median("ours", "c16", "rate") == 4.0
    assert found.total("ours", "c16", "errors") == 3
    assert found.contenders() == ["ours", "theirs"]
    assert found.rounds() == 2


def test_what_was_not_measured_has_no_median_and_no_total():
    found = records()
    assert found.median("theirs", "c16", "errors") is None
    assert found.total("nobody", "c16", "rate") is None


def test_a_table_that_is_measured_again_replaces_its_own_records_only():
    kept = without(records().all, {"throughput"})
    assert [record.table for record in kept] == ["slow"]


def test_a_record_survives_json():
    [*_, last] = records().all
    assert Record(**last.as_json()) == last


@pytest.mark.parametrize("figure", ["p99_ms", "errors"])
def test_a_figure_that_a_record_lacks_is_left_out(figure):
    assert records().series("theirs", "c16", figure) == {}
