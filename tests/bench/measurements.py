"""Measurements that tests of the table and of the report show."""

from __future__ import annotations

import math

from outrider.bench.measurement import Measurement, Reading
from outrider.bench.options import Schedule
from outrider.bench.slow import Counts
from outrider.bench.stream import Sample

LATE = "no answer within 5 s"


def measurement(samples, **different):
    """Ten seconds with 100 slow clients, who come from second 2 to second 6."""
    fields = {
        "name": "Outrider",
        "detail": "Nginx before Gunicorn",
        "clients": 100,
        "kinds": {"headers": 50, "body": 50},
        "left_out": "",
        "schedule": Schedule(2, 6, 10),
        "samples": samples,
        "readings": [Reading(1, 0, 0, 0), Reading(4, 50, 0, 0), Reading(7, 100, 0, 0)],
        "counts": {"headers": Counts(held=50), "body": Counts(held=50)},
    }
    return Measurement(**{**fields, **different})


def good(due_s, latency_s=0.003):
    return Sample(due_s, latency_s, 200)


def late(due_s):
    return Sample(due_s, math.inf, 0, LATE)


FINE = measurement([good(0.5), good(1.999), good(2), good(5), good(6), good(9, 0.02)])
STANDSTILL = measurement(
    [good(0.5), good(1), good(3), late(3.5), late(7), late(8), late(9)], name="Bare Gunicorn"
)
