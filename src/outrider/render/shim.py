"""The shim and the worker, copied beside the configuration of whatever serves the app."""

from __future__ import annotations

from importlib import resources

from outrider.render.artifact import Artifact, stamped


def shim() -> list[Artifact]:
    """Return the files of app/shim, as a package of their own."""
    return _package("shim")


def worker() -> list[Artifact]:
    """Return the files of app/worker, as a package of their own."""
    return _package("worker")


def _package(name: str) -> list[Artifact]:
    folder = resources.files("outrider").joinpath(f"app/{name}")
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    return [
        stamped(f"outrider_{name}/{file}", folder.joinpath(file).read_text(encoding="utf-8"))
        for file in files
    ]
