"""Tables in Markdown: what was measured, and which goals are met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.tables import goals
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.layouts import LAYOUTS, Column, Layout
from benchmarks.tables.records import Record, Records, differences, ratios

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "-"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; its first row is the head, its first column is text."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|" + "---:|" * (len(rows[0]) - 1))
    return "\n".join(lines)


def tables(name: str, records: Records) -> str:
    """Return what was measured under a name; that may be two tables."""
    parts = [_section(layout, records.of(name)) for layout in LAYOUTS if layout.table == name]
    return "\n\n".join(parts)


def _section(layout: Layout, found: Records) -> str:
    rows = [["", *(column.heading for column in layout.columns)]]
    cells = [
        [contender, *(_cell(found, contender, column) for column in layout.columns)]
        for contender in found.contenders()
    ]
    rows += [row for row in cells if set(row[1:]) != {NOTHING}]
    rounds = found.rounds()
    line = f"{layout.what} {rounds} {'round' if rounds == 1 else 'rounds'}."
    return f"## {layout.title}\n\n{line}\n\n{markdown(rows)}"


def _cell(found: Records, contender: str, column: Column) -> str:
    if column.against:
        one = found.series(contender, column.cell, column.figure)
        if column.other_figure:
            compared = differences(one, found.series(contender, column.cell, column.other_figure))
        else:
            other = found.series(column.against, column.cell, column.figure)
            compared = ratios(one, other)
        if compared is None or contender == column.against:
            return NOTHING
        return f"{compared.median:{column.form}}"
    take = found.total if column.is_total else found.median
    value = take(contender, column.cell, column.figure)
    if value is None:
        return NOTHING
    text = f"{value * column.scale:{column.form}}"
    held = found.median(contender, column.cell, "held") if column.clients else None
    # A few are always on their way back.
    return text if held is None or held > 0.98 * column.clients else f"{text} (held {held:,.0f})"


def goal_table(records: Records) -> str:
    """Return which goals are met, of those that were measured."""
    rows = [["goal", "wanted", "measured", "met"]]
    rows += [
        [result.goal, result.wanted, result.measured, result.verdict]
        for result in goals.results(records)
        if result.is_met is not None
    ]
    return markdown(rows).replace("---:|", "---|")


def everything(kept: dict[str, Any]) -> str:
    """Return all of a run: on what, the tables, the goals, who was left out."""
    records = Records(tuple(Record(**one) for one in kept["records"]))
    parts = ["\n".join(f"- {key}: {value}" for key, value in kept["machine"].items())]
    names = dict.fromkeys(layout.table for layout in LAYOUTS)
    parts += [tables(name, records) for name in names if records.of(name).all]
    parts.append("## Goals\n\n" + goal_table(records))
    if kept["absent"]:
        lines = [f"- `{name}` {why}" for name, why in kept["absent"].items()]
        parts.append("## Left out\n\n" + "\n".join(lines))
    lines = [f"- `{one.name}`: {one.note}" for one in CONTENDERS if one.note]
    parts.append("## Contenders\n\n" + "\n".join(lines))
    lines = [f"- {name}: {', '.join(found)}" for name, found in kept["versions"].items()]
    parts.append("## Versions\n\n" + "\n".join(lines))
    return "\n\n".join(parts)
