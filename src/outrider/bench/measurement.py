"""What a measurement has found, as values; and what it comes to, as numbers, words and a table."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from outrider.bench.slow import KINDS, Counts
from outrider.bench.stream import Sample, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from outrider.bench.options import Schedule

PHASES = ("without slow clients", "while they come", "with all of them")
OVERLOADED_S = 0.5
"""A median above this without slow clients says that the stream alone is too much."""

LATE_S = 0.05
"""One in a hundred requests may be sent so late without a word: the processors are shared."""


@dataclass(frozen=True)
class Reading:
    """How many slow clients there were at a moment."""

    at_s: float
    held: int
    dropped: int
    refused: int


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One site, measured.

    Attributes:
        name: as a heading.
        detail: what it consists of.
        clients: how many slow clients were wanted.
        kinds: how many of each kind.
        left_out: why there is a kind less; empty: all are there.
        schedule: when what happened.
        samples: all ordinary requests, in the order of being due.
        readings: slow clients, several times a second.
        counts: what has become of them in the end, by kind.
    """

    name: str
    detail: str
    clients: int
    kinds: Mapping[str, int]
    left_out: str
    schedule: Schedule
    samples: Sequence[Sample]
    readings: Sequence[Reading]
    counts: Mapping[str, Counts]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What visitors saw without slow clients, while they came, and with all of them."""
        edges = (0.0, self.schedule.come_s, self.schedule.all_s, math.inf)
        return tuple(
            Phase.of(
                title,
                [sample for sample in self.samples if edges[n] <= sample.due_s < edges[n + 1]],
                max(
                    (r.held for r in self.readings if edges[n] <= r.at_s < edges[n + 1]), default=0
                ),
            )
            for n, title in enumerate(PHASES)
        )

    @property
    def is_overloaded(self) -> bool:
        """The stream alone was too much, so that the rest says nothing of slow clients."""
        alone = self.phases[0]
        return alone.requests > 0 and (alone.failed > 0 or alone.median_s > OVERLOADED_S)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What visitors saw for some time; failed requests count as infinitely late."""

    title: str
    held: int
    """The most slow clients at once."""
    requests: int
    failed: int
    failures: Mapping[str, int]
    median_s: float
    p95_s: float
    p99_s: float
    worst_s: float

    @classmethod
    def of(cls, title: str, samples: Sequence[Sample], held: int) -> Phase:
        """Return what some requests come to."""
        latencies = [sample.latency_s for sample in samples]
        failures = Counter(sample.failure for sample in samples if sample.failure)
        return cls(
            title=title,
            held=held,
            requests=len(samples),
            failed=failures.total(),
            failures=dict(failures),
            median_s=percentile(latencies, 50),
            p95_s=percentile(latencies, 95),
            p99_s=percentile(latencies, 99),
            worst_s=percentile(latencies, 100),
        )


def shown(seconds: float) -> str:
    """Return a latency for people: `3 ms`, `1.2 s`; `never` if the request has failed."""
    if math.isnan(seconds):
        return "-"
    if math.isinf(seconds):
        return "never"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


ROWS: tuple[tuple[str, Callable[[Phase], str]], ...] = (
    ("slow clients held", lambda phase: str(phase.held)),
    ("requests", lambda phase: str(phase.requests)),
    ("failed", lambda phase: str(phase.failed)),
    ("median", lambda phase: shown(phase.median_s)),
    ("95 % within", lambda phase: shown(phase.p95_s)),
    ("99 % within", lambda phase: shown(phase.p99_s)),
    ("worst", lambda phase: shown(phase.worst_s)),
)
"""What the table has of each phase."""


def table(measurements: Sequence[Measurement]) -> str:
    """Return all of it for a terminal."""
    width = max(len(title) for title, _ in ROWS)
    lines = []
    for one in measurements:
        lines.append(f"{one.name}: {one.detail}")
        lines.append("  " + " " * width + "".join(f"  {title:>20}" for title in PHASES))
        for title, cell in ROWS:
            cells = "".join(f"  {cell(phase):>20}" for phase in one.phases)
            lines.append(f"  {title:<{width}}{cells}")
        lines += [f"  {note}" for note in notes(one)]
        lines.append("")
    lines += [verdict(one) for one in measurements]
    return "\n".join(lines) + "\n"


def verdict(one: Measurement) -> str:
    """Return in a sentence what visitors saw."""
    before, _, after = one.phases
    slow = f"{after.held} slow client{'s' * (after.held != 1)}"
    if after.failed:
        return f"{one.name}: with {slow}, {after.failed} of {after.requests} requests failed."
    return (
        f"{one.name}: with {slow} no request failed; "
        f"99 % were answered within {shown(after.p99_s)} ({shown(before.p99_s)} without them)."
    )


def notes(one: Measurement) -> list[str]:
    """Return what a reader has to know beside the numbers."""
    said = []
    reasons = Counter[str]()
    for phase in one.phases:
        reasons.update(phase.failures)
    said += [f"failed: {count} x {reason}" for reason, count in reasons.most_common()]
    said += _of_slow_clients(one)
    if one.left_out:
        said.append(one.left_out)
    if one.is_overloaded:
        said.append(
            "the site does not keep up with the ordinary requests alone: choose a lower --rate"
        )
    late_s = percentile([sample.late_s for sample in one.samples], 99)
    if late_s > LATE_S:
        said.append(
            f"requests were sent up to {shown(late_s)} late, because this machine was busy, and "
            "that time counts: choose a lower --rate"
        )
    return said


def _of_slow_clients(one: Measurement) -> list[str]:
    """Say what has become of them, beyond being held."""
    total = sum(one.counts.values(), Counts())
    shares = ", ".join(f"{count} {KINDS[kind]}" for kind, count in one.kinds.items())
    said = [f"slow clients: {shares}"]
    names = Counter(total.answers).most_common(4)
    kinds = f" ({', '.join(f'{count} x {name}' for name, count in names)})" if names else ""
    if total.dropped or total.refused:
        said.append(
            f"slow clients that the site closed: {total.dropped}; that could not connect: "
            f"{total.refused}{kinds}; each came again"
        )
    if total.connecting:
        said.append(f"slow clients that were still waiting to be connected: {total.connecting}")
    return said


def as_json(measurements: Sequence[Measurement], conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of it for a script; what is infinite or unknown is null."""
    return {
        "conditions": dict(conditions),
        "sites": [
            {
                "name": one.name,
                "detail": one.detail,
                "clients": one.clients,
                "kinds": dict(one.kinds),
                "notes": notes(one),
                "verdict": verdict(one),
                "schedule": asdict(one.schedule),
                "phases": [_finite(asdict(phase)) for phase in one.phases],
                "slow_clients": {kind: asdict(counts) for kind, counts in one.counts.items()},
                "samples": [_finite(asdict(sample)) for sample in one.samples],
                "readings": [asdict(reading) for reading in one.readings],
            }
            for one in measurements
        ],
    }


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (round(value, 6) if math.isfinite(value) else None)
        if isinstance(value, float)
        else value
        for name, value in fields.items()
    }
