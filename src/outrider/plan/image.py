"""What the image of a site is made of: which Python, which system packages, how it is installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outrider import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

Minor = tuple[int, int]

PYTHONS: tuple[Minor, ...] = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
"""Which have an official image that still gets security fixes: https://devguide.python.org/versions/"""


def choose_python(asked: str, source: str, running: Minor) -> tuple[Minor, str]:
    """Return the Python of the image, and why.

    Args:
        asked: what the project asks for: `3.12`, `3.12.4`, `>=3.10,<4`, `^3.11`; empty: any.
        source: where it says so.
        running: the one that runs the app here, which is taken where the project leaves a choice.

    Raises:
        OutriderError: no image has what it asks for.
    """
    if not asked:
        if running in PYTHONS:
            return running, "the one that runs it here"
        return _nearest(running, PYTHONS), f"{_dotted(running)}, which runs it here, has no image"
    able = [minor for minor in PYTHONS if allows(asked, minor)]
    if not able:
        raise errors.no_python_image(asked, source, [_dotted(minor) for minor in PYTHONS])
    if running in able:
        return running, f"{source} allows {asked}; the one that runs it here"
    return _nearest(running, able), f"{source} asks for {asked}"


def _nearest(running: Minor, able: Iterable[Minor]) -> Minor:
    return min(able, key=lambda minor: (abs(minor[1] - running[1]), -minor[1]))


def _dotted(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"


def allows(asked: str, minor: Minor) -> bool:
    """Tell whether some release of a minor version is one that is asked for.

    https://packaging.python.org/en/latest/specifications/version-specifiers/, and Poetry's `^`, `~`.
    """
    return all(
        any(_holds(clause.strip(), (*minor, patch)) for patch in (0, 99))
        for clause in re.split(r",|\s+(?=[<>=!~^])", asked)
        if clause.strip()
    )


def _holds(clause: str, release: tuple[int, int, int]) -> bool:
    match = re.fullmatch(r"(~=|===?|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+)*)(\.\*)?.*", clause)
    if match is None:
        return False
    sign, numbers = match[1] or "==", tuple(map(int, match[2].split(".")))
    same = release[: len(numbers)] == numbers[:3]
    if sign in ("==", "==="):
        # An exact patch release is met by the image of its minor version.
        return release[:2] == numbers[:2] if len(numbers) > 1 else same
    if sign == "!=":
        return not same if match[3] or len(numbers) < 3 else True
    if sign in ("~=", "^", "~"):
        kept = 1 if sign == "^" or (sign == "~=" and len(numbers) == 2) else 2
        kept = min(kept, len(numbers))
        return release >= _padded(numbers) and release[:kept] == numbers[:kept]
    return {
        "<": release < _padded(numbers),
        "<=": release <= _padded(numbers) or same,
        ">": release > _padded(numbers) and not same,
        ">=": release >= _padded(numbers),
    }[sign]


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0)[:3]
