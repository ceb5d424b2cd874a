"""gunicorn.conf.py."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.render.artifact import Artifact, Comment, environment, stamped
from outrider.render.shim import shim, worker
from outrider.servers import OUTRIDER

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
    """Return gunicorn.conf.py, the shim and the worker beside it."""
    template = environment(quote).get_template("gunicorn.conf.py.j2")
    user = site.user
    # Not in the file: under a supervisor Gunicorn is this user from the start.
    who = ["--user", str(user.uid), "--group", str(user.gid)] if user.is_changed else []
    command = [site.process.python, "-m", "gunicorn", "-c", "gunicorn.conf.py", *who]
    body = template.render(
        site=site,
        target=Comment(site.process.target),
        groups=list(user.groups or (user.gid,)),
        user=Comment("root" if user.is_changed else user.name),
        command=Comment(shlex.join([*command, site.process.target])),
    )
    own = worker() if site.workers.kind == OUTRIDER else []
    return [stamped("gunicorn.conf.py", body), *shim(), *own]
