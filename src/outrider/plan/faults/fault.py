"""What is wrong with a file that somebody wrote by hand, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: where, what stands there, what comes of it, and what Outrider writes instead."""

    id: str
    where: str
    """`default.conf:11`, or the name of the file."""
    found: str
    consequence: str
    instead: str
    is_corrected: bool = True
    """What Outrider writes has it no longer."""
