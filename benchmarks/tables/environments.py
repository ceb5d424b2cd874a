"""An environment for each contender, made once and kept: no two of them share a package."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# What all apps have in them, so that the same page costs the same.
FLASK = ("flask==3.1.3", "werkzeug==3.1.9")


class UnavailableError(Exception):
    """A contender that cannot be had here, and why."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with exact versions."""

    name: str
    packages: tuple[str, ...]

    def installed(self, work: Path) -> Path:
        """Return the folder of its programs; installs what is missing."""
        home = work / "environments" / self.name
        scripts = home / "bin"
        stamp = home / "packages.txt"
        wanted = "\n".join(self.packages)
        if stamp.exists() and stamp.read_text() == wanted:
            return scripts
        if not (scripts / "python").exists():
            _run([sys.executable, "-m", "venv", str(home)])
        _run([str(scripts / "python"), "-m", "pip", "install", "-q", *self.packages])
        stamp.write_text(wanted)
        return scripts

    def versions(self, scripts: Path) -> list[str]:
        """Return `name==version` of what the environment holds, as pip sees it."""
        words = [str(scripts / "python"), "-m", "pip", "freeze", "--exclude-editable"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.stdout.split("\n")[:-1]


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UnavailableError(lines[0] if lines else done.stderr[-300:])
