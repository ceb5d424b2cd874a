"""What was measured, and the one way in which two contenders are compared.

The machine may be busier in one round than in the next, and then it is so for both. So a ratio is
taken of two figures of the same round, and the median of these ratios is what a table says.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Record:
    """The figures of one contender in one cell of a table, in one round."""

    table: str
    round: int
    contender: str
    cell: str
    figures: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return what `Record(**...)` makes again."""
        return asdict(self)


@dataclass(frozen=True)
class Compared:
    """The ratios of all rounds in which both were measured, in ascending order."""

    ratios: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the one in the middle."""
        return statistics.median(self.ratios)

    def __str__(self) -> str:
        """Return the median, and from where to where the rounds go."""
        return f"{self.median:.2f} ({self.ratios[0]:.2f} to {self.ratios[-1]:.2f})"


@dataclass(frozen=True)
class Records:
    """All that was measured."""

    all: tuple[Record, ...]

    def of(self, table: str) -> Records:
        """Return those of one table."""
        return Records(tuple(record for record in self.all if record.table == table))

    def contenders(self) -> list[str]:
        """Return the names, in the order of their first record."""
        return list(dict.fromkeys(record.contender for record in self.all))

    def cells(self) -> list[str]:
        """Return the cells, in the order of their first record."""
        return list(dict.fromkeys(record.cell for record in self.all))

    def series(self, contender: str, cell: str, figure: str) -> dict[int, float]:
        """Return the figure by round."""
        return {
            record.round: record.figures[figure]
            for record in self.all
            if record.contender == contender and record.cell == cell and figure in record.figures
        }

    def median(self, contender: str, cell: str, figure: str) -> float | None:
        """Return the median of all rounds, None when there is none."""
        values = self.series(contender, cell, figure).values()
        return statistics.median(values) if values else None

    def total(self, contender: str, cell: str, figure: str) -> float | None:
        """Return the sum of all rounds, None when there is none."""
        values = self.series(contender, cell, figure).values()
        return sum(values) if values else None

    def rounds(self) -> int:
        """Return how many there were."""
        return len({record.round for record in self.all})


def ratios(one: dict[int, float], other: dict[int, float]) -> Compared | None:
    """Compare round by round; a round that lacks one of the two, or has 0 below, does not count."""
    found = [value / other[number] for number, value in one.items() if other.get(number)]
    return Compared(tuple(sorted(found))) if found else None


def differences(one: dict[int, float], other: dict[int, float]) -> Compared | None:
    """Compare round by round by what one has more than the other."""
    found = [value - other[number] for number, value in one.items() if number in other]
    return Compared(tuple(sorted(found))) if found else None


def without(records: Iterable[Record], tables: set[str]) -> list[Record]:
    """Leave out what is measured again."""
    return [record for record in records if record.table not in tables]
