"""Collects the decisions while they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outrider.site import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.settings import Settings


@dataclass
class Ledger:
    """What the user said, and every decision with its origin and reason."""

    settings: Settings
    decisions: list[Decision] = field(default_factory=list)

    def pick(
        self,
        name: str,
        default: Any,
        origin: str,
        why: str,
        show: Callable[[Any], str] | None = None,
    ) -> Any:
        """Take what the user gave, else the default with its origin and reason."""
        show = show or _shown
        given = self.settings.get(name)
        if given is not None:
            self.note(name, show(given.value), given.origin)
            return given.value
        self.note(name, show(default), origin, why)
        return default

    def note(
        self, name: str, value: str, origin: str, why: str = "", *, warn: bool = False
    ) -> None:
        """Write a decision down."""
        self.decisions.append(
            Decision(name=name, value=value, origin=origin, why=why, is_warning=warn)
        )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)
