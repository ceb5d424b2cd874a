"""What every table needs: the contenders that can be had, their sites, and the records."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.tables.contenders import BY_NAME, CADDY, Contender
from benchmarks.tables.environments import Environment, UnavailableError
from benchmarks.tables.records import Record
from benchmarks.tables.site import Programs, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {"20k.bin": 20 * 1024, "1m.bin": 1 << 20, "100m.bin": 100 << 20}
_APP = Path(__file__).parent / "app"


@dataclass
class Rig:
    """The measurements go through here, so that a contender that fails is one row less."""

    work: Path
    names: tuple[str, ...]
    rounds: int
    seconds: int
    python: str
    records: list[Record] = field(default_factory=list)
    versions: dict[str, list[str]] = field(default_factory=dict)
    # Who was left out, by table and contender, and why.
    absent: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        self.app = self.work / "app"
        shutil.copytree(_APP, self.app, dirs_exist_ok=True)
        (self.app / "static").mkdir(exist_ok=True)
        for name, size in FILES.items():
            path = self.app / "static" / name
            if not path.exists() or path.stat().st_size != size:
                path.write_bytes(os.urandom(size))

    def chosen(self, names: tuple[str, ...]) -> list[Contender]:
        """Return those of a table that were asked for and can be had."""
        found = []
        for name in names:
            if name not in self.names:
                continue
            try:
                self.programs(BY_NAME[name])
            except UnavailableError as error:
                self.leave_out(name, f"cannot be had: {error}")
                continue
            found.append(BY_NAME[name])
        return found

    def programs(self, contender: Contender) -> Programs:
        """Return where its programs lie; installs them at the first time."""
        nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if nginx is None:
            sys.exit("There is no nginx on this machine. On Debian: apt-get install nginx-light")
        caddy = ""
        if contender.front == "caddy":
            caddy = str(self._installed(CADDY) / "caddy")
        return Programs(self._installed(contender.environment), self.app, nginx, caddy)

    def _installed(self, environment: Environment) -> Path:
        scripts: Path = environment.installed(self.work, self.python)
        if environment.name not in self.versions:
            self.versions[environment.name] = environment.versions(scripts)
        return scripts

    @contextlib.contextmanager
    def sites(self, names: tuple[str, ...], *, extra: str = "") -> Iterator[dict[str, Site]]:
        """Start all at once; only one is asked at a time."""
        with contextlib.ExitStack() as stack:
            found: dict[str, Site] = {}
            for contender in self.chosen(names):
                site = self._started(contender, extra)
                if site is not None:
                    stack.callback(site.stop)
                    found[contender.name] = site
            yield found

    def _started(self, contender: Contender, extra: str) -> Site | None:
        why = ""
        for _ in range(2):  # another program may have taken the port in between
            site = Site(contender, self.programs(contender), extra)
            try:
                return site.start()
            except UnavailableError as error:
                why = str(error)
        self.leave_out(contender.name, f"did not start: {why}")
        return None

    @contextlib.contextmanager
    def attempt(self, table: str, name: str) -> Iterator[None]:
        """Let a contender fail in the middle of a table, and the others go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the other figures are good
            self.leave_out(f"{name} ({table})", f"failed: {type(error).__name__}: {error}")

    def leave_out(self, name: str, why: str) -> None:
        """Keep the reason for the results, and say it now."""
        self.absent[name] = why
        say(f"  {name} is left out: {why}")

    def add(self, table: str, number: int, contender: str, cell: str, **figures: float) -> None:
        """Keep figures."""
        self.records.append(Record(table, number, contender, cell, figures))


def say(text: str) -> None:
    """Tell what is going on, on the side; results go to standard output."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def machine(python: str) -> dict[str, str]:
    """Return what the figures depend on besides the contenders."""
    cpu = "unknown"
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        )
    memory = next(
        int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal")
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processors": f"{len(os.sched_getaffinity(0))} x {cpu}",
        "memory": f"{memory / (1 << 20):.0f} GB",
        "system": _system(),
        "kernel": platform.release(),
        "python": _first([python, "--version"]).removeprefix("Python "),
        "nginx": _first(["nginx", "-v"]).rpartition("/")[2],
        "wrk": _first(["wrk", "-v"]).split(" [")[0],
        "apache": _first(["apache2", "-v"]).rpartition("/")[2],
    }


def _system() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    return "unknown"


def _first(words: list[str]) -> str:
    path = shutil.which(words[0], path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        return "none"
    done = subprocess.run([path, *words[1:]], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).split("\n")[0]
