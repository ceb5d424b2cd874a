"""When a worker has served enough."""

from __future__ import annotations

import pytest

from outrider.app.shim.gunicorn_recycle import Limits, resident_bytes

MB = 2**20


@pytest.mark.parametrize(
    ("limits", "used", "reason"),
    [
        ((100, None, None), (100, 5.0, 50 * MB), "it has answered 100 requests"),
        ((100, None, None), (89, 5.0, 50 * MB), ""),
        ((None, 60, None), (5, 60.0, 50 * MB), "it has served for 60 s"),
        ((None, 60, None), (5, 53.0, 50 * MB), ""),
        ((None, None, 64 * MB), (5, 60.0, 64 * MB), "it takes 64 MiB of memory"),
        ((None, None, 64 * MB), (5, 60.0, 63 * MB), ""),
        # It was not made so large by its requests, and its successor will be as large.
        ((None, None, 64 * MB), (5, 5.0, 640 * MB), ""),
        ((1, None, None), (0, 0.0, 0), ""),
        ((None, None, None), (10**9, 1e9, 10**12), ""),
    ],
)
def test_which_limit_is_reached(limits, used, reason):
    assert Limits(*limits).reached(*used) == reason


def test_workers_with_the_same_limits_are_not_replaced_all_at_once():
    assert len({Limits(1000, None, None).requests for _ in range(50)}) > 1
    assert len({Limits(None, 1000, None).age_s for _ in range(50)}) > 1


def test_the_memory_of_this_process_is_seen():
    assert 5 * MB < resident_bytes() < 4096 * MB
