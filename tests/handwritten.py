"""Starting points made from text, without a file."""

from __future__ import annotations

from typing import Any

from outrider.discover import compose_files, dockerfiles, nginx_files
from outrider.handwritten import StartingPoint


def starting(
    compose: str = "", nginx: str = "", docker: str = "", *, project: str = "shop", **more: Any
) -> StartingPoint:
    """Return what files in /srv/before say."""
    return StartingPoint(
        directory="/srv/before",
        compose=compose_files.parse("/srv/before/docker-compose.yml", compose, project, {})
        if compose
        else None,
        nginx=nginx_files.parse("/srv/before/default.conf", nginx),
        dockerfile=dockerfiles.parse("/srv/before/Dockerfile", docker) if docker else None,
        **more,
    )
