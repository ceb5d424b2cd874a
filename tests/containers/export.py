"""Runs `outrider export` as a user of a project would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.environments import made_with
from tests.integration.running import outrider

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def exported(
    folder: Path, port: int, *words: str, requirements: Sequence[str] = (), code: int = 0
) -> str:
    """Write the Compose project of a site into its own folder, and return what was said.

    Args:
        folder: the project's.
        port: where the proxy is published.
        words: of the command line.
        requirements: of the environment that the app has here; none: the tests' own.
        code: how it is to end.
    """
    python = ("--python", str(made_with(*requirements))) if requirements else ()
    bind = ("--bind", f"127.0.0.1:{port}")
    done = outrider("export", "compose", *bind, *python, *words, cwd=folder)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr
