"""Everything that is laid out for the sites behind one Nginx."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.render import gunicorn, nginx, server
from outrider.render.artifact import environment

if TYPE_CHECKING:
    from outrider.render.artifact import Artifact
    from outrider.site import Fleet


def prepare() -> None:
    """Make the usual templates into code, for when they are needed."""
    for name in ("nginx_parts.j2", "nginx.conf.j2"):
        nginx.templates().get_template(name)
    environment(gunicorn.quote).get_template("gunicorn.conf.py.j2")


def lay_out(fleet: Fleet) -> list[Artifact]:
    """Return the files of the front and of each site; one of several has a folder of its own."""
    return [*lay_out_front(fleet), *lay_out_apps(fleet)]


def lay_out_apps(fleet: Fleet) -> list[Artifact]:
    """Return the files of the sites without the front's: a generation of them may start again."""
    return [
        replace(file, path=site.paths.within(file.path))
        for site in fleet.sites
        for file in server.render(site)
    ]


def lay_out_front(fleet: Fleet) -> list[Artifact]:
    """Return the files of the front."""
    return nginx.render(fleet)
