"""What clients lose while a Compose project gets a new release, in two ways.

Needs what the container tests need: an engine, or root and Debian's docker.io to start one.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.containers import compose
from tests.containers.engine import running_engine
from tests.containers.load import Load
from tests.containers.released import Site, exported
from tests.ports import reserved


def main() -> None:
    """Print a table in Markdown."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--releases", type=int, default=4, help="of each kind")
    releases = arguments.parse_args().releases
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(running_engine())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(reserved())
        project = compose.Compose(engine, compose.program(), exported(place, port))
        stack.callback(project.away)
        project.up()
        site = Site(project, place / "programs")
        print("| new | by | answered | lost | longest gap | takes |")
        print("|---|---|---|---|---|---|")
        number = 1
        for what in ("code", "code and style sheets", "code and Nginx's configuration"):
            for is_plain in (True, False):
                results = []
                for _ in range(releases):
                    number += 1
                    change(site, what, number)
                    results.append(measured(site, is_plain=is_plain))
                say(what, results, is_plain=is_plain)


def change(site: Site, what: str, number: int) -> None:
    """Make a new release out of the last."""
    folder = site.project.folder
    if what == "code":
        text = (folder / "app.py").read_text()
        (folder / "app.py").write_text(f"{text}\n# {number}\n")
        return
    site.write(number)
    if "Nginx" in what:
        conf = folder / "deploy" / "proxy" / "nginx.conf"
        conf.write_text(f"{conf.read_text()}\n# {number}\n")


def measured(site: Site, *, is_plain: bool) -> tuple[int, int, float, float]:
    """Return what was answered, what was lost, the longest gap, and how long it took."""
    with Load(site.address) as load:
        time.sleep(1)
        begun = time.monotonic()
        if is_plain:
            site.project("up", "--detach", "--build")
        else:
            done = site.deploy()
            if done.returncode != 0:
                sys.exit(done.stderr)
        took = time.monotonic() - begun
        time.sleep(3)
    print(load.describe(), file=sys.stderr)
    return sum(load.answered.values()), len(load.lost), max([0.0, *load.gaps]), took


def say(what: str, results: list[tuple[int, int, float, float]], *, is_plain: bool) -> None:
    """Print one row."""
    answered, lost, gaps, times = zip(*results, strict=True)
    by = "`docker compose up -d --build`" if is_plain else "`outrider deploy compose`"
    longest = f"{max(gaps):.1f} s" if sum(lost) else "none"
    print(
        f"| {what} | {by} | {sum(answered):,} | {sum(lost):,} | {longest} "
        f"| {statistics.median(times):.0f} s |",
        flush=True,
    )


if __name__ == "__main__":
    main()
