"""What the results of reloads and deaths are made of, without a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.reliability.load import Request, by_kind, uploads_in_doubt
from benchmarks.reliability.report import filled, table

if TYPE_CHECKING:
    from pathlib import Path


def upload(mark: str, failure: str = "") -> Request:
    return Request("upload", is_kept=True, begun=1, ended=1.5, failure=failure, mark=mark)


def test_each_kind_of_request_has_a_row_for_each_kind_of_connection():
    page = Request("page", is_kept=False, begun=1, ended=1.25)
    [first, second] = by_kind([upload("a"), upload("b", "reset"), page])
    assert list(first.values()) == ["page", "new", 1, 0, 0, 250, 250]
    assert list(second.values()) == ["upload", "kept", 2, 1, 1, 500, 500]


@pytest.mark.parametrize(
    ("written", "doubts"),
    [
        ("a\nb\n", []),  # one that was cut off may have been done
        ("a\n", []),
        ("b\n", ["1 uploads were answered that the app never had"]),
        ("a\nb\nb\n", ["1 uploads came to the app twice"]),
    ],
)
def test_uploads_that_were_lost_or_done_twice_are_found(
    written: str, doubts: list[str], tmp_path: Path
):
    ledger = tmp_path / "uploads"
    ledger.write_text(written)
    assert uploads_in_doubt([upload("a"), upload("b", "reset")], ledger) == doubts


def test_figures_are_aligned_to_the_right():
    assert table([{"killed": "a worker", "times": 1200}]) == (
        "| killed | times |\n|---|---:|\n| a worker | 1,200 |"
    )


def test_the_results_of_one_command_take_the_place_of_older_ones():
    page = "a\n<!-- x -->\nold\n<!-- end -->\nb\n<!-- y -->\n<!-- end -->\n"
    new = filled(page, "x", "new")
    assert new == "a\n<!-- x -->\n\nnew\n\n<!-- end -->\nb\n<!-- y -->\n<!-- end -->\n"
    assert filled(new, "x", "new") == new
    with pytest.raises(ValueError, match="no line"):
        filled(page, "z", "new")
