"""The faults of files that somebody wrote by hand, one pure function each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.plan.faults import compose, image, nginx

if TYPE_CHECKING:
    from outrider.handwritten import StartingPoint
    from outrider.plan.faults.fault import Fault
    from outrider.plan.roles import Roles

FAULTS = (*image.FAULTS, *nginx.FAULTS, *compose.FAULTS)


def find_faults(start: StartingPoint, roles: Roles) -> list[Fault]:
    """Return what is wrong with the files, in the order in which they are read.

    Args:
        start: what they say.
        roles: which service is what.
    """
    return [fault for find in FAULTS for fault in find(start, roles)]
