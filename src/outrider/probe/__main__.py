"""What `discover` runs in the app's interpreter: `PYTHON …/outrider/probe/__main__.py REQUEST`.

Outrider may be installed apart from the app, and here the app's own modules are at home. So the
siblings of this file answer to the name `outrider_probe`, which no app has, and their folder is
never on the path: there, our flask.py would stand before Flask itself.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

PACKAGE = "outrider_probe"


def main() -> None:
    # Python puts a script's folder first, all links resolved; not with PYTHONSAFEPATH.
    if sys.path[0] == str(Path(__file__).resolve().parent):
        del sys.path[0]
    package = ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).absolute().parent)]
    sys.modules[PACKAGE] = package
    import_module(f"{PACKAGE}.answer").main()


if __name__ == "__main__":
    main()
