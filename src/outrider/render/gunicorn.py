"""gunicorn.conf.py and the shim beside it."""

from __future__ import annotations

import shlex
from importlib import resources
from typing import TYPE_CHECKING

from outrider.render.artifact import Artifact, Comment, environment, stamped

if TYPE_CHECKING:
    from outrider.site import Site


def quote(value: object) -> str:
    """Return a value as a Python literal."""
    if isinstance(value, Comment):
        return str(value)
    if value is None or isinstance(value, (str, int, list, tuple, bool)):
        return repr(value)
    msg = f"no literal is defined for {type(value).__name__}"
    raise TypeError(msg)


def render(site: Site) -> list[Artifact]:
    """Return gunicorn.conf.py and outrider_shim.py."""
    template = environment(quote).get_template("gunicorn.conf.py.j2")
    shim = resources.files("outrider").joinpath("app/shim.py").read_text(encoding="utf-8")
    command = [site.process.python, "-m", "gunicorn", "-c", "gunicorn.conf.py", site.process.target]
    body = template.render(
        site=site,
        target=Comment(site.process.target),
        user=Comment(site.user.name),
        command=Comment(shlex.join(command)),
    )
    return [
        stamped("gunicorn.conf.py", body),
        stamped("outrider_shim.py", shim),
    ]
