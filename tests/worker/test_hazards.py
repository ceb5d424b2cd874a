"""The table of hazards is whole: each row has a test, and each difference a reason."""

from __future__ import annotations

import re
from pathlib import Path

from tests.worker.hazards import HAZARDS, differences, table

BY_ANOTHER_FIXTURE = {"line_limit", "fields_limit", "field_limit"}
"""They ask for their row by its name."""


def test_each_row_has_a_test_and_each_test_a_row():
    sources = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    tested = re.findall(
        r"^def test_(\w+)\([^)]*\bexpected\b[^)]*\):", "\n".join(sources), re.MULTILINE
    )
    assert sorted({*tested, *BY_ANOTHER_FIXTURE}) == sorted(HAZARDS)
    assert len(tested) == len(set(tested))


def test_each_difference_from_sync_has_a_reason_and_nothing_else_has():
    for name, hazard in HAZARDS.items():
        # With threads, Gunicorn's own threaded worker is what to compare with.
        differs = hazard.ours not in (None, hazard.sync) or (
            hazard.threaded is not None and hazard.threaded != (hazard.gthread or hazard.sync)
        )
        assert differs == bool(hazard.why), name
        assert hazard.ours != hazard.sync, f"{name}: as on sync is said by None"


def test_the_tables_are_markdown():
    for text in (table(), differences()):
        widths = {line.count("|") for line in text.splitlines()}
        assert len(widths) == 1
    assert len(table().splitlines()) == len(HAZARDS) + 2
