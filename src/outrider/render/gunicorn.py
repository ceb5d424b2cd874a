"""gunicorn.conf.py and the shim beside it."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from outrider.render.artifact import Artifact, environment, stamped

if TYPE_CHECKING:
    from outrider.site import Site


def quote(value: object) -> str:
    """Return a value as a Python literal."""
    if value is None or isinstance(value, (str, int, list, tuple, bool)):
        return repr(value)
    msg = f"no literal is defined for {type(value).__name__}"
    raise TypeError(msg)


def render(site: Site) -> list[Artifact]:
    """Return gunicorn.conf.py and outrider_shim.py."""
    template = environment(quote).get_template("gunicorn.conf.py.j2")
    shim = resources.files("outrider").joinpath("app/shim.py").read_text(encoding="utf-8")
    return [
        stamped("gunicorn.conf.py", template.render(site=site)),
        stamped("outrider_shim.py", shim),
    ]
