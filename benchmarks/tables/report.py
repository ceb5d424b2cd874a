"""Tables in Markdown."""

from __future__ import annotations

from benchmarks.tables.records import Records, ratios


def markdown(rows: list[list[str]]) -> str:
    """Return a table; its first row is the head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---|" + "---:|" * (len(rows[0]) - 1))
    return "\n".join(lines)


def table(name: str, records: Records) -> str:
    return throughput(records.of("throughput"))


def throughput(found: Records, first: str = "nginx+sync") -> str:
    """Answers a second, the slowest percent, and ratios to one contender."""
    cells = found.cells()
    rows = [
        [
            "",
            *(
                f"{cell} {what}"
                for cell in cells
                for what in ("answers/s", "p99 ms", f"against {first}", "errors")
            ),
        ]
    ]
    for name in found.contenders():
        row = [name]
        for cell in cells:
            compared = ratios(found.series(name, cell, "rate"), found.series(first, cell, "rate"))
            row += [
                f"{found.median(name, cell, 'rate') or 0:,.0f}",
                f"{found.median(name, cell, 'p99_ms') or 0:.1f}",
                str(compared or ""),
                f"{found.total(name, cell, 'errors') or 0:,.0f}",
            ]
        rows.append(row)
    return markdown(rows)


def everything(kept):
    return ""
