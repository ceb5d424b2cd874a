"""What samples come to: phases, the table, the verdict, JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from outrider.bench.measurement import Reading, as_json, notes, shown, table, verdict
from outrider.bench.slow import Counts
from tests.bench.measurements import FINE, LATE, STANDSTILL, good, late, measurement


def test_requests_belong_to_the_phase_in_which_they_were_due():
    assert [phase.requests for phase in FINE.phases] == [2, 2, 2]
    assert [phase.held for phase in FINE.phases] == [0, 50, 100]
    assert [phase.worst_s for phase in FINE.phases] == [0.003, 0.003, 0.02]


def test_a_site_that_stands_still():
    assert [phase.failed for phase in STANDSTILL.phases] == [0, 1, 3]
    assert STANDSTILL.phases[2].median_s == math.inf
    assert STANDSTILL.phases[2].failures == {LATE: 3}
    assert not STANDSTILL.is_overloaded


def test_the_table_shows_each_site_and_ends_with_a_sentence_on_each():
    lines = table([FINE, STANDSTILL]).splitlines()
    assert lines[0] == "Outrider: Nginx before Gunicorn"
    assert lines[1].split("  ")[-1].strip() == "with all of them"
    rows = {line[:19].strip(): line[19:].split() for line in lines if line.startswith("  ")}
    assert rows["slow clients held"] == ["0", "50", "100"]
    assert rows["failed"] == ["0", "1", "3"]  # the second site's
    assert rows["median"] == ["3.0", "ms", "3.0", "ms", "never"]
    assert lines[-1] == "Bare Gunicorn: with 100 slow clients, 3 of 3 requests failed."
    assert lines[-2] == (
        "Outrider: with 100 slow clients no request failed; 99 % were answered within 20 ms "
        "(3.0 ms without them)."
    )


def test_one_slow_client_is_not_many():
    one = measurement([good(7)], readings=[Reading(7, 1, 0, 0)])
    assert verdict(one).startswith("Outrider: with 1 slow client no request failed")


def test_a_reader_learns_why_requests_failed_and_what_became_of_slow_clients():
    counts = {
        "headers": Counts(held=40, connecting=10, dropped=50, answers={"408": 50}),
        "body": Counts(held=50, refused=2, answers={"ECONNREFUSED": 2}),
    }
    one = measurement([late(7), late(8), good(9)], counts=counts, left_out="no slow readers: why")
    became = "slow clients that the site closed: 50; that could not connect: 2"
    assert notes(one) == [
        f"failed: 2 x {LATE}",
        "slow clients: 50 never end their headers, 50 never end their body",
        f"{became} (50 x 408, 2 x ECONNREFUSED); each came again",
        "slow clients that were still waiting to be connected: 10",
        "no slow readers: why",
    ]


@pytest.mark.parametrize("samples", [[late(1), good(7)], [good(1, 0.9), good(7, 0.9)]])
def test_a_stream_that_is_too_much_without_any_slow_client_is_said_to_be(samples):
    assert "choose a lower --rate" in notes(measurement(samples))[-1]


def test_visitors_who_were_sent_late_by_this_machine_are_said_to_be():
    late_ones = [replace(good(n), late_s=0.2) for n in range(5)]
    assert "sent up to 200 ms late" in notes(measurement(late_ones))[-1]


def test_a_phase_in_which_nobody_came_says_nothing():
    one = measurement([])
    assert not one.is_overloaded
    assert " - " in table([one])


def test_json_has_every_sample_and_null_for_what_never_came():
    found = json.loads(json.dumps(as_json([STANDSTILL], {"visitors": "50"}), allow_nan=False))
    assert found["conditions"] == {"visitors": "50"}
    [site] = found["sites"]
    assert site["verdict"] == verdict(STANDSTILL)
    assert [phase["median_s"] for phase in site["phases"]] == [0.003, 0.003, None]
    assert len(site["samples"]) == 7
    assert site["samples"][-1] == {
        "due_s": 9, "latency_s": None, "status": 0, "failure": LATE, "late_s": 0.0,
    }  # fmt: skip
    assert site["slow_clients"]["body"]["held"] == 50


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00312, "3.1 ms"), (0.0456, "46 ms"), (1.26, "1.3 s"), (math.inf, "never"), (math.nan, "-")],
)
def test_latencies_for_people(seconds, text):
    assert shown(seconds) == text
