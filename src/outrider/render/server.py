"""The configuration of the server that runs the app, whichever it is."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.render import gunicorn
from outrider.render.artifact import Artifact, Comment, environment, stamped
from outrider.render.shim import shim

if TYPE_CHECKING:
    from outrider.site import Site


def render(site: Site) -> list[Artifact]:
    """Return the server's file, the module that it imports the app from, and the shim."""
    if site.process.server.name == "gunicorn":
        return gunicorn.render(site)
    return [
        stamped(site.process.server.config, _fill(site, f"{site.process.server.config}.j2")),
        stamped("outrider_entry.py", _fill(site, "outrider_entry.py.j2")),
        *shim(),
    ]


def _fill(site: Site, template: str) -> str:
    process, user = site.process, site.user
    return (
        environment(gunicorn.quote)
        .get_template(template)
        .render(
            site=site,
            title=Comment(process.server.title),
            options=Comment(process.server.options),
            target=Comment(process.target),
            interface=Comment(process.interface),
            user=Comment("root" if user.is_changed else user.name),
            groups=list(user.groups or (user.gid,)),
            command=Comment(shlex.join([process.python, process.server.config])),
            places=list(dict.fromkeys((process.import_root, process.directory))),
            connections=site.limits.connections,
        )
    )
