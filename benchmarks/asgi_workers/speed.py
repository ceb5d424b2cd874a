"""Requests a second, as ratios to the first contender: interleaved rounds, medians."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile

from rig import Site

SECONDS = 3
ROUTES = [("plain hello", "/hello"), ("FastAPI JSON", "/json"), ("1 MB stream", "/megabyte"), ("1 MB file", "/file")]
LOADS = [("nginx", 16), ("nginx", 64), ("direct", 64)]


def wrk(url, connections, seconds=SECONDS):
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url], capture_output=True, text=True, check=True
    ).stdout
    errors = re.search(r"Socket errors: (.*)|Non-2xx or 3xx responses: (.*)", out)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return rate, errors and errors[0]


def run(chosen, rounds):
    """Return the table of ratios, and the raw rates with the load average of each round."""
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(b"f" * (1 << 20))
        file.flush()
        rates, loads, problems = {}, [], []
        for number in range(rounds):
            loads.append(" ".join(f"{x:.1f}" for x in os.getloadavg()))
            for contender in chosen:
                for door in ("nginx", "direct"):
                    common = {"WORKERS": 2, "FILE": file.name, "WITH_FASTAPI": 1}
                    with Site(contender, "app:both", nginx=door == "nginx", tcp=door == "direct", **common) as site:
                        site.ready()
                        port = site.port if door == "nginx" else site.tcp_port
                        for _, path in ROUTES:
                            wrk(f"http://127.0.0.1:{port}{path}", 4, 1)  # warm
                            for where, connections in LOADS:
                                if where != door:
                                    continue
                                rate, errors = wrk(f"http://127.0.0.1:{port}{path}", connections)
                                rates.setdefault((path, door, connections), {}).setdefault(contender.name, []).append(rate)
                                if errors:
                                    problems.append((number, contender.name, path, door, connections, errors))
                            print(number, contender.name, door, path, flush=True)
    from compare import table

    rows = [["", *(c.title for c in chosen)]]
    for title, path in ROUTES:
        for door, connections in LOADS:
            medians = {name: statistics.median(r) for name, r in rates[path, door, connections].items()}
            base = medians[chosen[0].name]
            rows.append([f"{title}, {door}, {connections} connections", *(f"{medians[c.name] / base:.2f}" for c in chosen)])
    return table(rows), {
        "loads": loads, "problems": problems, "rates": [[*key, value] for key, value in rates.items()]
    }
