"""How the site stands: what the lifecycle remembers, what runs, and how it is called and shown."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider import lifecycle
from outrider.observe import Main
from outrider.serve.words import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.lifecycle import Name
    from outrider.process import Child
    from outrider.serve.generation import App, Generation


@dataclass
class Life:
    """A process that runs."""

    child: Child
    since: float
    is_ready: bool = False
    is_asked: bool = False
    """To leave."""
    is_killed: bool = False


@dataclass(kw_only=True)
class Standing:
    """All that is known of the sites while they run; the runner changes it."""

    machine: lifecycle.State
    generations: dict[int, Generation]
    lives: dict[Name, Life] = field(default_factory=dict)
    buried: set[Child] = field(default_factory=set)
    """Those that have ended, while others of their group finish."""
    maintenance: tuple[str, ...] | None = None
    """While it is on, whom it lets through."""
    started: float = field(default_factory=time.time)

    @classmethod
    def at_first(cls, generation: Generation) -> Standing:
        """Return how it stands before anything is started."""
        fleet = generation.fleet
        machine = lifecycle.State(
            apps=generation.awaited(),
            drain_timeout_s=fleet.first.limits.drain_timeout_s,
            extras={name: lifecycle.Extra() for name in fleet.extras},
            releases=tuple(fleet.releases),
        )
        return cls(machine=machine, generations={generation.number: generation})

    @property
    def current(self) -> Generation:
        """The generation that counts."""
        return self.generations[self.machine.generation]

    @property
    def nginx(self) -> Child | None:
        """Nginx's process, while there is one."""
        life = self.lives.get(lifecycle.FRONT)
        return None if life is None else life.child

    def generation_of(self, name: Name) -> Generation | None:
        """Return the generation of an app's process; None: it is no app's, or long gone."""
        return next((one for one in self.generations.values() if name in one.apps), None)

    def app_of(self, name: Name) -> App | None:
        """Return what belongs to an app's process."""
        generation = self.generation_of(name)
        return None if generation is None else generation.apps[name]

    def called(self, name: Name) -> str:
        """Return how a process is called in messages, with its age where there are two."""
        generation = self.generation_of(name)
        said = called(name, (generation or self.current).fleet)
        if generation is None or generation is self.current:
            return said
        return f"the {'new' if generation.number > self.current.number else 'old'} {said}"

    def children(self) -> list[Child]:
        """Return all that may have processes left."""
        return [*(life.child for life in self.lives.values()), *self.buried]

    def unneeded(self) -> list[int]:
        """Return the generations of which nothing runs, or is to run again."""
        machine = self.machine
        counts = {machine.generation, machine.coming.generation if machine.coming else None}
        return [
            number
            for number, one in self.generations.items()
            if number not in counts and one.apps.keys().isdisjoint(self.lives)
        ]

    # -- for whoever asks --------------------------------------------------------------------------

    def mains(self) -> Iterator[Main]:
        """Return the processes that run, for the figures."""
        for name, life in self.lives.items():
            generation = self.generation_of(name)
            site = generation.apps[name].site if generation else None
            yield Main(
                pid=life.child.pid,
                title=site.process.server.title if site else self.called(name),
                site=site.name_among_others if site else "",
                generation=generation.number if generation else None,
                has_workers=name == lifecycle.FRONT,
            )

    def told(self, run_dir: Path, *, is_reloading: bool) -> dict[str, Any]:
        """Return it as JSON can hold it, as control.Running says; the figures are others' to tell.

        Args:
            run_dir: the run directory.
            is_reloading: somebody waits for the end of a reload.
        """
        machine, fleet = self.machine, self.current.fleet
        return {
            "pid": os.getpid(),
            "started": self.started,
            "names": [site.name for site in fleet.sites],
            "url": fleet.first.url,
            "run_dir": str(run_dir),
            "directories": sorted({str(Path.cwd()), *(s.process.directory for s in fleet.sites)}),
            "folders": [mount.directory for site in fleet.sites for mount in site.mounts],
            "generation": machine.generation,
            "phase": machine.phase.value,
            "is_reloading": is_reloading,
            "is_stopping": machine.outcome is not None,
            "maintenance": self.maintenance is not None,
            "allow": list(self.maintenance or ()),
            "processes": [self._running(name, life) for name, life in self.lives.items()]
            + [self._missing(name) for name in machine.mains if name not in self.lives],
        }

    def _running(self, name: Name, life: Life) -> dict[str, Any]:
        generation = self.generation_of(name)
        state = "serving" if life.is_ready else "starting"
        if life.is_asked or life.is_killed:
            state = "draining"
        elif name != lifecycle.FRONT and generation is None:
            state = "running"
        return {
            "name": name,
            "title": self.called(name),
            "pid": life.child.pid,
            "generation": generation.number if generation else None,
            "state": state,
            "since": life.since,
            "workers": life.child.workers() or [],
        }

    def _missing(self, name: Name) -> dict[str, Any]:
        """Return what is shown of a process that died and waits for its next start."""
        return {
            "name": name,
            "title": self.called(name),
            "pid": None,
            "generation": None if name == lifecycle.FRONT else self.current.number,
            "state": "waits to start again",
            "since": None,
            "workers": [],
        }
