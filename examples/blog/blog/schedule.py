"""Moments as a writer types them, on the clock of the site."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FORM = "%Y-%m-%dT%H:%M"
"""What <input type="datetime-local"> sends and shows."""
YEARS = range(1970, 3000)
"""Far from the ends of the calendar, where another time zone is an overflow."""


class NoSuchTimeError(ValueError):
    """The text is no moment; the message is a sentence for whoever typed it."""


def typed(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return a moment as the form shows it."""
    return moment.astimezone(zone).strftime(_FORM) if moment else ""


def shown(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as a sentence names it."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M}"


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment that somebody typed, in UTC.

    In the night when clocks are set back an hour comes twice: the first is meant. When they are
    set forward an hour is missing, and nobody can mean it (PEP 495 tells how to notice).

    Raises:
        NoSuchTimeError: no time, or one that the clocks skip.
    """
    try:
        local = datetime.strptime(text[:16], _FORM).replace(tzinfo=zone)  # browsers may add :00
        found = local.astimezone(timezone.utc)
        back = found.astimezone(zone)
    except (ValueError, OverflowError):
        raise NoSuchTimeError("Write the time as 2026-12-31T09:30.") from None
    if back.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise NoSuchTimeError(
            f"In {zone} there is no {local:%H:%M} on {local.day} {local:%B %Y}: the clocks are set "
            f"forward over it. Choose {back:%H:%M}, for instance."
        )
    if found.year not in YEARS:
        raise NoSuchTimeError(f"Choose a year from {YEARS[0]} to {YEARS[-1]}.")
    return found


def comes_twice(moment: datetime, zone: ZoneInfo) -> bool:
    """Say whether the clock of the site shows this moment's time a second time later."""
    local = moment.astimezone(zone)
    return local.fold == 0 and local.utcoffset() != local.replace(fold=1).utcoffset()
