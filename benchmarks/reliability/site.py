"""The site that is tried: a project of its own, its code in generations, and `outrider run`."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.reliability.load import WrongError, ask_page
from tests.integration.running import NOT_NAMED, environment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.running import Running

WORKERS = 2
_CODE = Path(__file__).parent / "app"


@dataclass(frozen=True)
class Project:
    """A folder with the app, and with all that a site of it leaves anywhere."""

    place: Path
    _changes: Iterator[int] = field(default_factory=lambda: itertools.count(1_000_000_000, 10))

    @property
    def ledger(self) -> Path:
        """Where the app writes down which uploads it had."""
        return self.place / "uploads"

    @property
    def temp(self) -> Path:
        """What the site takes for the system's folder of temporary files."""
        return self.place / "temp"

    @property
    def app(self) -> Path:
        """Where the app is."""
        return self.place / "app"

    def write(self, generation: int, fault: str = "") -> None:
        """Change the code."""
        text = (
            (_CODE / "app.py").read_text().replace("GENERATION = 1", f"GENERATION = {generation}")
        )
        new = self.place / "app.new"
        new.write_text(text.replace('FAULT = ""', f'FAULT = "{fault}"'))
        # Python takes a compiled copy for the new code when size and second are the same.
        os.utime(new, (0, next(self._changes)))
        new.replace(self.app / "app.py")

    @contextlib.contextmanager
    def serving(self, port: int, threads: int) -> Iterator[Running]:
        """Start the site; its log goes to a file."""
        env = environment(TMPDIR=str(self.temp), LEDGER=str(self.ledger))
        words = ("app:create_app()", "--workers", str(WORKERS), "--threads", str(threads))
        with (
            (self.place / "log").open("ab") as log,
            serving(
                *words, cwd=self.app, port=port, env=env, run_dir=NOT_NAMED, stdout=log
            ) as site,
        ):
            yield site


@contextlib.contextmanager
def project() -> Iterator[Project]:
    """Make one that any user may read, as the site steps down from root."""
    place = Path(tempfile.mkdtemp(prefix="reliability-"))
    try:
        made = Project(place)
        place.chmod(0o755)
        shutil.copytree(_CODE, made.app, ignore=shutil.ignore_patterns("__pycache__"))
        made.temp.mkdir()
        made.temp.chmod(0o777)
        made.ledger.touch()
        made.ledger.chmod(0o666)
        made.write(1)
        yield made
    finally:
        shutil.rmtree(place, ignore_errors=True)


def page_of(port: int, timeout_s: float = 60) -> int:
    """Return which generation answers a new connection; 0 when it is not answered well."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    expected = OSError, http.client.HTTPException, WrongError
    with contextlib.closing(client), contextlib.suppress(*expected):
        return ask_page(client)
    return 0


def seconds_until_answered(port: int, since: float, most_s: float = 60) -> float:
    """Return how long it takes until a new connection is answered well again.

    Raises:
        TimeoutError: it is not.
    """
    while not page_of(port, most_s):
        if time.monotonic() - since > most_s:
            msg = f"no page for {most_s} s"
            raise TimeoutError(msg)
    return time.monotonic() - since
