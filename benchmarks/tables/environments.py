"""An environment for each contender, made once and kept: no two of them share a package."""

from __future__ import annotations

import os
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
    # pip keeps what it has built, for another Python of the same version too.
    is_built: bool = False

    def installed(self, work: Path, python: str) -> Path:
        """Return the folder of its programs; installs what is missing."""
        home = work / "environments" / self.name
        scripts = home / "bin"
        stamp = home / "packages.txt"
        wanted = "\n".join([python, *self.packages])
        if stamp.exists() and stamp.read_text() == wanted:
            return scripts
        _run([python, "-m", "venv", "--clear", str(home)])
        words = ["install", "-q", *(["--no-cache-dir"] if self.is_built else []), *self.packages]
        _run([str(scripts / "python"), "-m", "pip", *words])
        stamp.write_text(wanted)
        return scripts

    def versions(self, scripts: Path) -> list[str]:
        """Return `name==version` of what the environment holds, as pip sees it."""
        words = [str(scripts / "python"), "-m", "pip", "freeze", "--exclude-editable"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.stdout.split("\n")[:-1]


def readable_python() -> str:
    """Return a Python for all contenders: this one, unless another user could not read it.

    Apache lets nobody be root, and root's own Python may lie where only root looks.
    """
    python = Path(sys.executable).resolve()
    is_for_all = all(folder.stat().st_mode & 0o001 for folder in python.parents)
    return sys.executable if is_for_all or os.geteuid() else "/usr/bin/python3"


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UnavailableError(lines[0] if lines else done.stderr[-300:])
