"""The linter of Dockerfiles, from the package index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("hadolint")


def complaints(dockerfile: Path) -> list[str]:
    """Return what hadolint says, without its own or anybody's configuration file."""
    done = subprocess.run(
        [PROGRAM, "--no-color", dockerfile.resolve()],
        # It looks for a configuration in these and in the folder where it runs.
        env={"HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr, done.stderr
    assert (done.returncode != 0) == bool(done.stdout)
    return done.stdout.splitlines()
