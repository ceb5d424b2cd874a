"""Run Django's collectstatic in the app's interpreter, before the app is started.

    PYTHON collect.py SETTINGS_MODULE IMPORT_ROOT [STATIC_ROOT]

The last is given when the settings name none. What was collected is said on standard output; a
failure ends with the traceback of the user's code.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path


def main(argv: list[str]) -> int:
    """Collect, and return the exit code."""
    # Python puts a script's folder first, where our file names would hide the app's own modules.
    if sys.path[0] == str(Path(__file__).resolve().parent):
        del sys.path[0]
    settings_module, import_root, *static_root = argv
    for place in (os.getcwd(), import_root):
        if place not in sys.path:
            sys.path.insert(0, place)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module)
    try:
        sys.stdout.write(f"{collect(*static_root)}\n")
    except Exception as exc:  # noqa: BLE001 - theirs, whatever it is
        told = traceback.TracebackException.from_exception(exc)
        told.stack[:] = [frame for frame in told.stack if frame.filename != __file__]
        sys.stderr.write("".join(told.format()))
        return 1
    return 0


def collect(static_root: str | None = None) -> str:
    """Return Django's own sentence of what it has done."""
    settings = import_module("django.conf").settings
    if static_root is not None:
        settings.STATIC_ROOT = static_root
    import_module("django").setup()
    said = import_module("django.core.management").call_command(
        "collectstatic", interactive=False, verbosity=1, stdout=io.StringIO()
    )
    return str(said or "").strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
