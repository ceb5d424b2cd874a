"""Import an app with the function that the server will use, so that both find the same one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Callable, NamedTuple

SHIM = Path(__file__).parent.parent / "app" / "shim" / "target.py"


class Importer(NamedTuple):
    """A function that takes a target, and what it raises when that names no app."""

    import_app: Callable[[str], Any]
    error: type[Exception]


def importer(server: str) -> Importer:
    """Return Gunicorn's own function for Gunicorn, and the shim's for every other server."""
    if server == "gunicorn":
        from gunicorn.errors import AppImportError  # noqa: PLC0415 - it may not be there
        from gunicorn.util import import_app  # noqa: PLC0415

        return Importer(import_app, AppImportError)
    spec = importlib.util.spec_from_file_location("outrider_probe.shim_target", SHIM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Importer(module.import_app, module.AppError)
