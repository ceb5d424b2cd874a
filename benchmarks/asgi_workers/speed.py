"""Requests a second, as ratios to the first contender: interleaved rounds, medians."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import tempfile

from rig import Site

SECONDS = 1  # short, so that what else the machine does falls on all alike
LOADS = [
    ("plain hello", "/hello", "nginx", 16),
    ("plain hello", "/hello", "nginx", 64),
    ("plain hello", "/hello", "direct", 64),
    ("FastAPI JSON", "/json", "nginx", 16),
    ("FastAPI JSON", "/json", "nginx", 64),
    ("FastAPI JSON", "/json", "direct", 64),
    ("1 MB stream", "/megabyte", "nginx", 16),
    ("1 MB file", "/file", "nginx", 16),
]


def wrk(url, connections, seconds=SECONDS):
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    errors = re.search(r"Socket errors: (.*)|Non-2xx or 3xx responses: (.*)", out)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return rate, errors and errors[0]


def run(chosen, rounds):
    """Return the table of ratios, and the raw rates with the load average of each round."""
    from compare import table

    rates, loads, problems = {}, [], []
    with tempfile.NamedTemporaryFile(suffix=".bin") as file, contextlib.ExitStack() as stack:
        file.write(b"f" * (1 << 20))
        file.flush()
        ports = {}
        for contender in chosen:  # all run at once; only one is asked at a time
            for door in ("nginx", "direct"):
                site = stack.enter_context(
                    Site(
                        contender,
                        "app:both",
                        nginx=door == "nginx",
                        tcp=door == "direct",
                        WORKERS=2,
                        FILE=file.name,
                        WITH_FASTAPI=1,
                    )
                )
                if not site.ready():
                    raise SystemExit(site.text())
                ports[contender.name, door] = site.port if door == "nginx" else site.tcp_port
        for number in range(rounds):
            loads.append(" ".join(f"{x:.1f}" for x in os.getloadavg()))
            for _, path, door, connections in LOADS:
                for contender in chosen:
                    url = f"http://127.0.0.1:{ports[contender.name, door]}{path}"
                    rate, errors = wrk(url, connections)
                    key = (path, door, connections)
                    rates.setdefault(key, {}).setdefault(contender.name, []).append(rate)
                    if errors:
                        problems.append((number, contender.name, *key, errors))
    rows = [["", *(c.title for c in chosen)]]
    for title, path, door, connections in LOADS:
        found = rates[path, door, connections]
        cells = []
        for contender in chosen:
            # Of the same moment each, then the median: the machine may be busier in one round.
            pairs = zip(found[contender.name], found[chosen[0].name], strict=True)
            ratios = sorted(rate / base for rate, base in pairs)
            cells.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        rows.append([f"{title}, {door}, {connections} connections", *cells])
    return table(rows), {
        "loads": loads,
        "problems": problems,
        "rates": [[*key, value] for key, value in rates.items()],
    }
