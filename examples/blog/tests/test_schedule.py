from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from blog import schedule

BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01T09:00", utc(2026, 7, 1, 7)),
        ("2026-01-01T09:00:00", utc(2026, 1, 1, 8)),
        ("2026-03-29T01:59", utc(2026, 3, 29, 0, 59)),
        ("2026-03-29T03:00", utc(2026, 3, 29, 1)),
        ("2026-10-25T02:30", utc(2026, 10, 25, 0, 30)),  # the first of two
    ],
)
def test_a_time_is_read_on_the_clock_of_the_site_and_shown_so(text, moment):
    assert schedule.moment(text, BERLIN) == moment
    assert schedule.typed(moment, BERLIN) == text[:16]


def test_a_time_that_the_clocks_skip_is_refused_with_one_that_exists():
    with pytest.raises(schedule.NoSuchTimeError, match=r"no 02:30 on 29 March.*Choose 03:30"):
        schedule.moment("2026-03-29T02:30", BERLIN)
    assert schedule.moment("2026-03-29T02:30", ZoneInfo("UTC"))


@pytest.mark.parametrize(
    "text", ["soon", "2026-13-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59"]
)
def test_what_is_no_usable_time_is_refused(text):
    with pytest.raises(schedule.NoSuchTimeError):
        schedule.moment(text, BERLIN)


def test_only_the_first_of_two_equal_times_comes_twice():
    assert schedule.comes_twice(utc(2026, 10, 25, 0, 30), BERLIN)
    assert not schedule.comes_twice(utc(2026, 10, 25, 1, 30), BERLIN)
    assert not schedule.comes_twice(utc(2026, 7, 1), BERLIN)


def test_no_time_is_shown_as_nothing():
    assert schedule.typed(None, BERLIN) == ""
