"""How often a password may be tried, with a clock of the test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from blog import throttle

HERE = "203.0.113.7"
NOW = datetime(2126, 7, 1, 12, tzinfo=timezone.utc)
"""Not in the past: the database removes old attempts by itself, also in the middle of a test."""


def test_the_time_to_try_again_is_when_the_oldest_attempt_no_longer_counts(db):
    for minute in range(5):
        assert throttle.attempt(db, "a", HERE, NOW + timedelta(minutes=minute)) is None
    later = NOW + timedelta(minutes=5)
    free_at = NOW + timedelta(minutes=15)
    assert throttle.attempt(db, "a", HERE, later) == free_at
    assert throttle.attempt(db, "a", HERE, free_at - timedelta(milliseconds=1)) == free_at
    assert throttle.attempt(db, "a", HERE, free_at) is None
    assert throttle.attempt(db, "a", HERE, free_at) == free_at + timedelta(minutes=1)


def test_what_was_refused_leaves_no_trace(db):
    for _ in range(5):
        throttle.attempt(db, "a", HERE, NOW)
    before = db.attempts.count_documents({})
    assert throttle.attempt(db, "a", HERE, NOW)
    assert db.attempts.count_documents({}) == before


def test_an_account_attacked_from_many_addresses_is_limited(db):
    for number in range(100):
        assert throttle.attempt(db, "a", f"10.0.{number}.1", NOW) is None
    assert throttle.attempt(db, "a", "10.1.0.1", NOW) == NOW + timedelta(hours=1)
    assert throttle.attempt(db, "b", "10.1.0.1", NOW) is None


def test_attempts_at_the_same_moment_get_no_more_through(db):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: throttle.attempt(db, "a", HERE, NOW), range(24)))
    assert answers.count(None) <= 5


def test_the_database_forgets_attempts_by_itself(db):
    assert any(
        index.get("expireAfterSeconds") == 3600
        for index in db.attempts.index_information().values()
    )
