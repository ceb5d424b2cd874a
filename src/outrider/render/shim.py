"""The shim, copied beside the configuration of whatever serves the app."""

from __future__ import annotations

from importlib import resources

from outrider.render.artifact import Artifact, stamped

PACKAGE = "outrider_shim"


def shim() -> list[Artifact]:
    """Return the files of app/shim, as a package of their own."""
    folder = resources.files("outrider").joinpath("app/shim")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    return [
        stamped(f"{PACKAGE}/{name}", folder.joinpath(name).read_text(encoding="utf-8"))
        for name in names
    ]
