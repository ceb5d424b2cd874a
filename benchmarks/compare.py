"""Make the tables of docs/explanation/performance.md again: Outrider and its peers, in turns.

    python benchmarks/compare.py                                    # all of it, about 40 minutes
    python benchmarks/compare.py --only throughput --rounds 3 \\
        --contenders nginx+worker,nginx+uwsgi,nginx+granian,nginx+sync
    python benchmarks/compare.py --show results.json                # measures nothing

Needs nginx and wrk; benchmarks/README.md says what the peers need besides.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from benchmarks.tables.command import main

if __name__ == "__main__":
    sys.exit(main())
