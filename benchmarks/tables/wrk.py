"""Fast clients: wrk, and what its output says."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace

LIMIT_S = 5
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Speed:
    """One run of wrk."""

    rate: float  # answers a second
    p50_ms: float
    p99_ms: float
    bytes_s: float
    errors: int  # of sockets, and answers that are neither 2xx nor 3xx


# Nobody was answered, and everybody has waited as long as it was waited for.
NOTHING = Speed(rate=0.0, p50_ms=LIMIT_S * 1000.0, p99_ms=LIMIT_S * 1000.0, bytes_s=0.0, errors=0)


def parse(text: str) -> Speed:
    """Read what `wrk --latency` prints."""
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", text, re.MULTILINE)
    if rate is None:
        raise ValueError(f"this is no result of wrk: {text[-300:]!r}")
    errors = 0
    if found := re.search(r"Socket errors: (.*)", text):
        errors += sum(int(number) for number in re.findall(r"\d+", found[1]))
    if found := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
        errors += int(found[1])
    if not float(rate[1]):
        return replace(NOTHING, errors=errors)
    return Speed(
        rate=float(rate[1]),
        p50_ms=_percentile(text, 50),
        p99_ms=_percentile(text, 99),
        bytes_s=_transfer(text),
        errors=errors,
    )


def _percentile(text: str, percent: int) -> float:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return float(found[1]) * _UNITS_MS[found[2]] if found else 0.0


def _transfer(text: str) -> float:
    found = re.search(r"^Transfer/sec:\s+([\d.]+)([KMGT]?)B", text, re.MULTILINE)
    if found is None:
        return 0.0
    return float(found[1]) * 1024.0 ** " KMGT".index(found[2] or " ")


def run(url: str, connections: int, seconds: int, *, script: str = "") -> Speed:
    """Ask as fast as answers come, over so many kept connections."""
    words = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    words += ["--timeout", f"{LIMIT_S}s", *(["-s", script] if script else [])]
    try:
        done = subprocess.run(
            [*words, url],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + 4 * LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return NOTHING  # its first connection waits in a queue that is full
    if "unable to connect" in done.stdout + done.stderr:
        return NOTHING
    return parse(done.stdout)
