"""Facts from CherryPy: https://docs.cherrypy.dev/en/latest/basics.html#serving-a-static-directory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

GUARDS = ("auth", "auth_basic", "auth_digest", "session_auth")


def is_app(value: object) -> bool:
    return is_a(value, "cherrypy", "Application", "Tree")


def inner(app: Any) -> Iterator[tuple[str, Any]]:
    if is_a(app, "cherrypy", "Tree"):
        # Each knows its own prefix.
        yield from (("", one) for one in app.apps.values())


def configuration(app: Any) -> dict[str, Any]:
    if is_a(app, "cherrypy", "Tree"):
        return {}
    # CherryPy's own server enforces it, which does not run here.
    limit = sys.modules["cherrypy"].server.max_request_body_size
    return {
        "max_content_length": int(limit) if limit else None,
        "limit_source": "server.max_request_body_size",
    }


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        if is_a(layer.app, "cherrypy", "Application"):
            # https://docs.cherrypy.dev/en/latest/config.html#multiple-applications
            shared = dict(sys.modules["cherrypy"].config)
            for path in layer.app.config:
                if path.startswith("/"):
                    yield from _at(layer, path, _inherited(layer.app.config, path, shared))


def _inherited(config: dict[str, Any], path: str, shared: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a path, which includes those of the paths above it."""
    known = dict(shared)
    for other in sorted(config, key=len):
        above = other.rstrip("/")
        if other.startswith("/") and (path == other or path.startswith(f"{above}/")):
            known.update(config[other])
    return known


def _at(layer: Layer, path: str, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    own = layer.app.config[path]
    name = own.get("tools.staticdir.dir")
    if not name or not known.get("tools.staticdir.on"):
        return
    directory = Path(known.get("tools.staticdir.root") or "", Path(name).expanduser())
    if not directory.is_absolute():
        return  # CherryPy refuses it as well
    asked = [one for one in GUARDS if known.get(f"tools.{one}.on")]
    special = [one for one in ("match", "content_types") if known.get(f"tools.staticdir.{one}")]
    guard = f"tools.staticdir.{special[0]} is set" if special else None
    url = f"{layer.prefix}{layer.app.script_name}{path.rstrip('/')}/"
    yield folder(
        url,
        directory,
        f"tools.staticdir at {path}",
        guard=f"tools.{asked[0]} is on" if asked else guard,
        # What is not in the folder, a handler may answer.
        falls_back=True,
    )
