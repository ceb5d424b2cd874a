"""Runs until it is asked to leave; `python helper.py NAME [CODE [STARTS]]`.

With CODE it ends with that code at once, for the first STARTS times.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

name = sys.argv[1]
log = Path(f"{name}-log")


def note(text):
    with log.open("a") as file:
        file.write(text + "\n")


def leave(*_):
    note("left")
    Path(f"{name}-runs").unlink()
    print(name, "says goodbye")
    sys.exit(0)


note("started")
print(f"pid={os.getpid()} greeting={os.environ.get('GREETING')} in {Path.cwd().name}")
if len(sys.argv) > 2:
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    if log.read_text().count("started") <= limit:
        sys.exit(int(sys.argv[2]))
signal.signal(signal.SIGTERM, leave)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(f"{name}-runs").touch()
while True:
    time.sleep(0.05)
