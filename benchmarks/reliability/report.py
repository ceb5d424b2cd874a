"""Results: tables in Markdown, a file in JSON, and an exit code."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.tables.rig import machine

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence
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


def add_options(arguments: ArgumentParser) -> None:
    """Let whoever runs it say where the results go."""
    arguments.add_argument("--json", type=Path, help="where the results go")
    arguments.add_argument("--page", type=Path, help="a page that has a place for the tables")


def conclude(
    command: str,
    tables: dict[str, Sequence[Row]],
    faults: Sequence[str],
    chosen: Namespace,
    **more: Any,
) -> int:
    """Print everything, save it, and return the exit code."""
    known = conditions()
    text = "\n\n".join(
        [
            f"{', '.join(f'{name} {value}' for name, value in known.items())}.",
            *(f"{title}:\n\n{table(rows)}" for title, rows in tables.items()),
            "**Failed:**" if faults else "Nothing failed that must not.",
            *(["\n".join(f"- {fault}" for fault in faults)] if faults else []),
        ]
    )
    print(text)
    if chosen.json is not None:
        found = {"conditions": known, "tables": tables, "faults": list(faults), **more}
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    if chosen.page is not None:
        chosen.page.write_text(filled(chosen.page.read_text(), command, text))
    return 1 if faults else 0


def filled(page: str, command: str, text: str) -> str:
    """Return the page with other results of a command.

    Raises:
        ValueError: it has no place for them.
    """
    begin = f"<!-- {command} -->\n"
    if begin not in page:
        msg = f"the page has no line {begin}"
        raise ValueError(msg)
    before, _, rest = page.partition(begin)
    after = rest.partition("<!-- end -->")[2]
    return f"{before}{begin}\n{text}\n\n<!-- end -->{after}"
