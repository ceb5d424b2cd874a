"""Compare the workers that can serve an ASGI app under Gunicorn: first what they do, then how fast.

    python benchmarks/asgi_workers/compare.py                   # both tables, about 15 minutes
    python benchmarks/asgi_workers/compare.py correctness --only WebSocket --names own2701,uvicorn
    python benchmarks/asgi_workers/compare.py speed --rounds 3

Needs nginx, wrk and ss on the PATH; packages are installed into --work, one environment a contender.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import contenders
import correctness


def table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def cell(results, name):
    """One cell: both doors when they differ."""
    found = {door: result for (check, door), result in results.items() if check == name}
    if not found:
        return ""
    texts = {}
    for door, (good, seen) in found.items():
        mark = {True: "ok", False: "**FAULT**", None: ""}[good]
        text = f"{mark}: {seen}" if mark != "ok" or len(str(seen)) < 40 else mark
        texts.setdefault(text.replace("|", "/").strip(": "), []).append(door)
    if len(texts) == 1:
        return next(iter(texts))
    return "; ".join(f"{door[0]} {text}" for text, door in texts.items())


def compare_correctness(chosen, only, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {c.name: pool.submit(correctness.run, c, only) for c in chosen}
        results = {name: future.result() for name, future in futures.items()}
    names = list(dict.fromkeys(key[0] for name in results for key in results[name]))
    order = [n for n, *_ in correctness.SHARED] + [n for n, _ in correctness.ALONE]
    names.sort(key=lambda n: order.index(n) if n in order else -1)
    rows = [["", *(c.title for c in chosen)]]
    rows += [[name, *(cell(results[c.name], name) for c in chosen)] for name in names]
    return table(rows), {
        name: [[*key, *value] for key, value in result.items()] for name, result in results.items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["correctness", "speed", "both"], default="both")
    parser.add_argument("--names", default="", help="of contenders.py, separated by commas")
    parser.add_argument("--only", default="", help="checks whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "asgi-workers")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    chosen = contenders.chosen(args.names, args.work)
    kept = {}
    if args.what != "speed":
        text, kept["correctness"] = compare_correctness(chosen, args.only, args.jobs)
        print(text, flush=True)
    if args.what != "correctness":
        import speed

        text, kept["speed"] = speed.run(chosen, args.rounds)
        print(text, flush=True)
    if args.json:
        args.json.write_text(json.dumps(kept, indent=1, default=str))


if __name__ == "__main__":
    main()
