"""Results: tables in Markdown, a file in JSON, and an exit code."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.tables.rig import machine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

Row = dict[str, "str | int | float"]


def table(rows: Sequence[Row]) -> str:
    """Return rows in Markdown; figures are aligned to the right."""
    if not rows:
        return ""
    edges = ["---" if isinstance(cell, str) else "---:" for cell in rows[0].values()]
    lines = [rows[0].keys(), *(map(_shown, row.values()) for row in rows)]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], f"|{'|'.join(edges)}|", *text[1:]])


def _shown(cell: str | float) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def conditions() -> dict[str, str]:
    """Return what the figures depend on: date, machine, versions."""
    known = machine(sys.executable)
    wanted = ("date", "processors", "memory", "system", "kernel", "python", "nginx")
    return {
        **{name: known[name] for name in wanted},
        **{name: version(name) for name in ("outrider", "gunicorn", "flask")},
    }


def conclude(
    tables: dict[str, Sequence[Row]], faults: Sequence[str], to: Path | None, **more: Any
) -> int:
    """Print everything, save it, and return the exit code."""
    known = conditions()
    print(", ".join(f"{name} {value}" for name, value in known.items()))
    for title, rows in tables.items():
        print(f"\n{title}:\n\n{table(rows)}")
    print("\nNothing failed that must not." if not faults else "\nFAILED:")
    for fault in faults:
        print(f"- {fault}")
    if to is not None:
        found = {"conditions": known, "tables": tables, "faults": list(faults), **more}
        to.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if faults else 0
