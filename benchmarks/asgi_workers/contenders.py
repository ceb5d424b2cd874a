"""What is compared: a worker class and the exact versions below it, each in its own environment."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWN = "asgi"
UVICORN = "uvicorn_worker.UvicornWorker"
STANDARD = ("httptools==0.9.0", "uvloop==0.23.0")


@dataclass(frozen=True)
class Contender:
    name: str
    title: str
    worker_class: str
    packages: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    python: str = ""

    def installed(self, work: Path) -> Contender:
        """Return it with the path of a Python that has the packages; installs them once."""
        key = "-".join(sorted(self.packages)).replace("=", "").replace("<", "lt").replace(">", "gt")
        home = work / key[:120]
        python = home / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "-qq", "fastapi==0.165.0", *self.packages],
                check=True,
            )
        return Contender(
            self.name, self.title, self.worker_class, self.packages, self.env, str(python)
        )


CONTENDERS = [
    Contender("own262", "own 26.2.0", OWN, ("gunicorn==26.2.0", "uvloop==0.23.0")),
    Contender("own2700", "own 27.0.0", OWN, ("gunicorn==27.0.0", "uvloop==0.23.0")),
    Contender("own2701", "own 27.0.1", OWN, ("gunicorn==27.0.1", "uvloop==0.23.0")),
    Contender(
        "outrider",
        "own 27.0.1 + Outrider",
        OWN,
        ("gunicorn==27.0.1", "uvloop==0.23.0"),
        {"WITH_SHIM": "1"},
    ),
    Contender(
        "outrider-plain",
        "own 27.0.1 + Outrider, no uvloop",
        OWN,
        ("gunicorn==27.0.1",),
        {"WITH_SHIM": "1"},
    ),
    Contender(
        "uvicorn",
        "uvicorn-worker 0.4.0, uvicorn 0.54.0",
        UVICORN,
        (
            "gunicorn==27.0.1",
            "uvicorn-worker==0.4.0",
            "uvicorn==0.54.0",
            "websockets==17.4",
            *STANDARD,
        ),
    ),
    Contender(
        "uvicorn-bare",
        "uvicorn-worker 0.4.0, nothing else",
        UVICORN,
        ("gunicorn==27.0.1", "uvicorn-worker==0.4.0", "uvicorn==0.54.0"),
    ),
    Contender(
        "uvicorn-old",
        "uvicorn-worker 0.3.0, uvicorn 0.35.0",
        UVICORN,
        (
            "gunicorn==23.0.0",
            "uvicorn-worker==0.3.0",
            "uvicorn==0.35.0",
            "websockets==15.0.1",
            *STANDARD,
        ),
    ),
]
BY_NAME = {c.name: c for c in CONTENDERS}


def chosen(names: str, work: Path) -> list[Contender]:
    wanted = (
        names.split(",")
        if names
        else [
            "own262",
            "own2701",
            "outrider",
            "outrider-plain",
            "uvicorn",
            "uvicorn-old",
            "uvicorn-bare",
        ]
    )
    os.makedirs(work, exist_ok=True)
    return [BY_NAME[name].installed(work) for name in wanted]
