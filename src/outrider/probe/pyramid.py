"""Facts from Pyramid: its static views, as the introspector of the registry lists them.

https://docs.pylonsproject.org/projects/pyramid/en/latest/narr/assets.html#serving-static-assets
https://docs.pylonsproject.org/projects/pyramid/en/latest/narr/introspector.html
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = ("pyramid.", "pyramid_tm.", "pyramid_retry.")
OPEN = "__no_permission_required__"


def is_app(value: object) -> bool:
    return is_a(value, "pyramid", "Router") and hasattr(value, "registry")


def configuration(app: Any) -> dict[str, Any]:
    ages = [view.cache_max_age for _, _, view in _static_views(app)]
    shows_errors = "pyramid_debugtoolbar.toolbar_tween_factory" in _tweens(app)
    return {
        # Pyramid limits nothing.
        "max_content_length": None,
        "limit_source": "",
        "static_max_age_s": min(filter(None, ages), default=None),
        # It runs code from the browser, like Werkzeug's debugger.
        "is_debug": shows_errors,
        "debug_source": "pyramid_debugtoolbar is included",
    }


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        if not is_app(layer.app):
            continue
        for url, told, view in _static_views(layer.app):
            directory = _directory(view)
            if directory is not None:
                yield folder(
                    layer.prefix + url,
                    directory,
                    f"static view {told['route_name'].lstrip('_')!r}",
                    guard=next(_guards(layer.app, told, view), None),
                    hook=next(_hooks(layer.app), None),
                    falls_back=url == "/",
                )


def _static_views(app: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the URL, the introspectable and the view of each."""
    mapper = app.registry.queryUtility(sys.modules["pyramid.interfaces"].IRoutesMapper)
    routes = {one.name: one for one in mapper.get_routes()} if mapper else {}
    for entry in app.registry.introspector.get_category("views") or ():
        told = entry["introspectable"]
        route, view = routes.get(told.get("route_name")), told.get("callable")
        pattern = getattr(route, "pattern", "")
        is_plain = pattern.endswith("*subpath") and not set("{:") & set(pattern)
        if is_plain and type(view).__module__ == "pyramid.static" and view.use_subpath:
            yield "/" + pattern[: -len("*subpath")].lstrip("/"), told, view


def _directory(view: Any) -> str | None:
    if not view.package_name:
        return str(view.docroot)
    package = sys.modules.get(view.package_name)
    file = getattr(package, "__file__", None)
    return str(Path(file).parent / view.docroot) if file else None


def _guards(app: Any, told: Any, view: Any) -> Iterator[str]:
    permission = told.get("permission")
    for one in app.registry.introspector.get_category("permissions") or ():
        if told in one["related"]:
            permission = one["introspectable"].get("value")
    if permission not in (None, OPEN):
        yield f"its permission is {permission!r}"
    interface = sys.modules["pyramid.interfaces"].IPackageOverrides
    overrides = app.registry.queryUtility(interface, name=view.package_name or "")
    for one in getattr(overrides, "overrides", ()):
        root = f"{view.docroot.strip('/')}/"
        if one.path.startswith(root) or root.startswith(one.path):
            yield f"{view.package_name}:{one.path} is overridden"


def _hooks(app: Any) -> Iterator[str]:
    for name in _tweens(app):
        if not name.startswith((*HARMLESS, "pyramid_debugtoolbar.")):
            yield f"the tween {name} runs"


def _tweens(app: Any) -> list[str]:
    category = app.registry.introspector.get_category("tweens") or ()
    return [entry["introspectable"]["name"] for entry in category]
