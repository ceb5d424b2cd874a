"""The command line: which tables, which contenders, and where the results go."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.tables import report
from benchmarks.tables.contenders import BY_NAME, CONTENDERS
from benchmarks.tables.environments import readable_python
from benchmarks.tables.measures import changes, files, mixed, slow, start, throughput
from benchmarks.tables.records import Record, Records, without
from benchmarks.tables.rig import Rig, machine, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MEASURES: dict[str, Callable[[Rig], None]] = {
    "throughput": throughput.measure,
    "start": start.measure,
    "stalled": start.measure_stalled,
    "static": files.measure_static,
    "uploads": files.measure_uploads,
    "mixed": mixed.measure,
    "reload": changes.measure_reloads,
    "max_requests": changes.measure_max_requests,
    "kill": changes.measure_kills,
    "slow": slow.measure,
    "many": slow.measure_many,
}


def main(words: list[str] | None = None) -> int:
    """Measure, and print the tables."""
    asked = parser().parse_args(words)
    if asked.show:
        print(report.everything(load(asked.show)))
        return 0
    # What was started is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    file = asked.json or asked.work / "results.json"
    before = load(file) if file.exists() and asked.only else {}
    tables = names(asked.only, MEASURES)
    rig = Rig(
        work=asked.work.resolve(),
        names=tuple(names(asked.contenders, BY_NAME)),
        rounds=asked.rounds,
        seconds=asked.seconds,
        python=asked.python,
    )
    rig.records += without((Record(**one) for one in before.get("records", [])), set(tables))
    rig.absent |= before.get("absent", {})
    rig.versions |= before.get("versions", {})
    spent = before.get("spent_s", {})
    for table in tables:
        say(table)
        begun = time.monotonic()
        with rig.attempt("all", table):
            MEASURES[table](rig)
        spent[table] = round(time.monotonic() - begun, 1)
        kept = {
            "machine": machine(asked.python),
            "versions": rig.versions,
            "absent": rig.absent,
            "spent_s": spent,
            "records": [record.as_json() for record in rig.records],
        }
        file.write_text(json.dumps(kept, indent=1))  # after each table: a crash loses one
        if asked.only:
            print(report.tables(table, Records(tuple(rig.records))), flush=True)
    if asked.only:
        found = tuple(record for record in rig.records if record.table in tables)
        print("\n" + report.goal_table(Records(found)))
    else:
        print(report.everything(load(file)))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return what is asked of the user."""
    made = argparse.ArgumentParser(description="Compare Outrider and its peers, in turns.")
    made.add_argument("--only", default="", metavar="TABLES", help=", ".join(MEASURES))
    made.add_argument(
        "--contenders",
        default="",
        metavar="NAMES",
        help=", ".join(contender.name for contender in CONTENDERS),
    )
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--seconds", type=int, default=2, help="of each run of wrk")
    made.add_argument("--json", type=Path, metavar="FILE", help="default: results.json in --work")
    made.add_argument(
        "--work",
        type=Path,
        default=Path.home() / ".cache" / "outrider-benchmarks",
        metavar="DIR",
        help="where the environments are kept between runs",
    )
    made.add_argument(
        "--python",
        default=readable_python(),
        metavar="FILE",
        help="what the contenders run on; default: %(default)s",
    )
    made.add_argument("--show", type=Path, metavar="FILE", help="print results, measure nothing")
    return made


def names(text: str, known: Mapping[str, object]) -> list[str]:
    """Return the names of a list with commas in their own order; all when it is empty."""
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [word for word in wanted if word not in known]:
        raise SystemExit(f"There is no {unknown[0]!r}; there are {', '.join(known)}.")
    return [name for name in known if not wanted or name in wanted]


def load(file: Path) -> dict[str, Any]:
    """Read results."""
    kept: dict[str, Any] = json.loads(file.read_text())
    return kept
