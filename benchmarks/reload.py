"""Reload a site again and again under load, with code that works and code that does not.

python benchmarks/reload.py                      # 50 and 20 reloads, with 1 and 4 threads
python benchmarks/reload.py --reloads 5 --bad 3 --threads 1
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reliability.load import Load, Request, by_kind, uploads_in_doubt
from benchmarks.reliability.report import Row, add_options, conclude
from benchmarks.reliability.site import Project, page_of, project
from benchmarks.tables.rig import say
from tests.integration.running import Running, assert_nothing_is_left, outrider
from tests.ports import reserved

FAULTS = {
    "import": "does not import",
    "factory": "raises in its factory",
    "answer": "answers 500",
}
CALM_S = 5.0


@dataclass
class Trial:
    """One site, its reloads, and what was wrong with them."""

    threads: int
    calm: list[Request] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    reloads: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def run(self, reloads: int, bad: int) -> None:
        """Start the site and the load, reload, and stop both."""
        with reserved() as port, project() as code, code.serving(port, self.threads) as site:
            with Load(port) as load:
                time.sleep(CALM_S)
                self.calm = list(load.done)
                good = self._reload_all(site, code, load, reloads, bad)
                time.sleep(1)
            self.requests = load.done[len(self.calm) :]
            self._judge(load, code, good)
            if (exit_code := site.stop()) != 0:
                self.faults.append(f"the site ended with exit code {exit_code}")
            try:
                assert_nothing_is_left(site)
            except AssertionError as error:
                self.faults.append(f"something is left behind: {error}")

    def _reload_all(self, site: Running, code: Project, load: Load, reloads: int, bad: int) -> int:
        good = 1
        for good in range(2, reloads + 2):
            load.generations = frozenset({good - 1, good})
            code.write(good)
            self._reload(site, code, "works", is_good=True)
            self._expect(load.port, good)
        time.sleep(1)
        load.generations = frozenset({good})
        for number, fault in zip(range(bad), itertools.cycle(FAULTS)):
            code.write(-1 - number, fault)
            self._reload(site, code, FAULTS[fault], is_good=False)
            self._expect(load.port, good)
        return good

    def _reload(self, site: Running, code: Project, what: str, *, is_good: bool) -> None:
        begun = time.monotonic()
        done = outrider("reload", str(site.run_dir), cwd=code.app)
        self.reloads.setdefault(what, []).append(time.monotonic() - begun)
        if (done.returncode == 0) is not is_good:
            told = " / ".join(done.stderr.splitlines()[-3:])
            self.faults.append(f"code that {what}: exit code {done.returncode}: {told}")

    def _expect(self, port: int, generation: int) -> None:
        answered = page_of(port)
        if answered != generation:
            self.faults.append(f"generation {answered} answered where {generation} was to")

    def _judge(self, load: Load, code: Project, good: int) -> None:
        kinds = Counter((one.kind, one.failure) for one in load.done if one.failure)
        self.faults += [f"{count} x {kind}: {why}" for (kind, why), count in kinds.items()]
        self.faults += uploads_in_doubt(load.done, code.ledger)
        if load.reopened:
            self.faults.append(f"{load.reopened} kept connections were closed while idle")
        if missing := set(range(1, good + 1)) - load.answered_by:
            self.faults.append(f"generations that nobody saw: {sorted(missing)}")

    def rows(self) -> list[Row]:
        """Return a row for each kind of request."""
        calm = [row["slowest ms"] for row in by_kind(self.calm)]
        rows = by_kind(self.requests)
        return [
            {"threads": str(self.threads), **row, "slowest ms without reloads": least}
            for row, least in zip(rows, calm, strict=True)
        ]

    def reload_rows(self) -> list[Row]:
        """Return a row for each kind of code."""
        return [
            {
                "threads": str(self.threads),
                "new code": what,
                "reloads": len(taken),
                "median s": round(statistics.median(taken), 2),
                "slowest s": round(max(taken), 2),
            }
            for what, taken in self.reloads.items()
        ]


def main() -> int:
    """Try it, print the tables in Markdown, and return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--reloads", type=int, default=50, help="with code that works")
    arguments.add_argument("--bad", type=int, default=20, help="with code that does not")
    arguments.add_argument("--threads", default="1,4", help="of each worker, one trial for each")
    add_options(arguments)
    chosen = arguments.parse_args()
    trials = [Trial(int(word)) for word in chosen.threads.split(",")]
    for trial in trials:
        say(f"{trial.threads} threads: {chosen.reloads} reloads, and {chosen.bad} that must fail")
        trial.run(chosen.reloads, chosen.bad)
    return conclude(
        "benchmarks/reload.py",
        {
            "Requests during the reloads": [row for trial in trials for row in trial.rows()],
            "Reloads": [row for trial in trials for row in trial.reload_rows()],
        },
        [f"{trial.threads} threads: {fault}" for trial in trials for fault in trial.faults],
        chosen,
    )


if __name__ == "__main__":
    sys.exit(main())
