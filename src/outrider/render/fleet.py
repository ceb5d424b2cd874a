"""Everything that is laid out for the sites behind one Nginx."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.render import nginx, server

if TYPE_CHECKING:
    from outrider.render.artifact import Artifact
    from outrider.site import Fleet


def lay_out(fleet: Fleet) -> list[Artifact]:
    """Return the files of the front and of each site; one of several has a folder of its own."""
    files = nginx.render(fleet)
    for site in fleet.sites:
        files += [replace(file, path=site.paths.within(file.path)) for file in server.render(site)]
    return files
