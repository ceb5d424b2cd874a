"""Files of the project that tell of it: read as a whole, broken ones told in a sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outrider import errors

if TYPE_CHECKING:
    from pathlib import Path


def read_text(project: Path, name: str) -> str:
    """Return a file of the project.

    Raises:
        OutriderError: it is not there, may not be read, or is no text.
    """
    try:
        return (project / name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise errors.bad_dependencies(name, error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        raise errors.bad_dependencies(name, f"it is not UTF-8: {error.reason}") from None


def read_toml(project: Path, name: str) -> Mapping[str, Any]:
    """Return the table of a TOML file, an empty one where there is no file.

    Raises:
        OutriderError: it is not TOML.
    """
    if not (project / name).is_file():
        return {}
    try:
        return tomllib.loads(read_text(project, name))
    except tomllib.TOMLDecodeError as error:
        raise errors.bad_dependencies(name, str(error)) from None


def table(of: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return a table, an empty one where there is none."""
    for key in keys:
        found = of.get(key)
        of = found if isinstance(found, Mapping) else {}
    return of


def tables(of: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    """Return a list of tables, less what in it is none."""
    return [one for one in items(of, *keys) if isinstance(one, Mapping)]


def items(of: Mapping[str, Any], *keys: str) -> list[Any]:
    """Return a list, an empty one where there is none."""
    found = table(of, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else []
