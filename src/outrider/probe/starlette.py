"""Facts from Starlette and FastAPI: their configuration, and what `StaticFiles` serves.

https://www.starlette.io/staticfiles/ https://fastapi.tiangolo.com/tutorial/static-files/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = {
    # They let every request for a file through, or refuse what Nginx refuses as well.
    *("CORSMiddleware", "GZipMiddleware", "HTTPSRedirectMiddleware", "ProxyHeadersMiddleware"),
    *("RequestBodyLimitMiddleware", "SessionMiddleware", "TrustedHostMiddleware"),
    *("CorrelationIdMiddleware", "OpenTelemetryMiddleware", "SentryAsgiMiddleware"),
}
DECIDES = ("__call__", "get_path", "get_response", "lookup_path", "file_response")
"""Methods of StaticFiles in which a subclass may refuse a file, or send another."""


def is_app(value: object) -> bool:
    return is_a(value, "starlette", "Starlette", "Router")


def inner(app: Any) -> Iterator[tuple[str, Any]]:
    """Yield the apps of all `Mount`s; one for a host of its own is not taken.

    What needs a parameter of the URL has no prefix that Nginx could know.
    """
    yield from _mounted(getattr(app, "router", app), "")


def _mounted(router: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for route in getattr(router, "routes", ()):
        if is_a(route, "starlette", "Mount") and "{" not in route.path:
            yield prefix + route.path, route.app
        elif hasattr(route, "original_router"):  # of FastAPI.include_router
            place = route.include_context.prefix
            if "{" not in place:
                yield from _mounted(route.original_router, prefix + place)
    # FastAPI's own: https://fastapi.tiangolo.com/reference/fastapi/#fastapi.FastAPI.frontend
    for group in getattr(router, "_low_priority_routes", ()):
        for route in getattr(group, "routes", ()):
            if not getattr(group, "dependencies", None):
                yield prefix + route.path.rstrip("/"), route.app


# -- configuration -------------------------------------------------------------------------------


def configuration(app: Any) -> dict[str, Any]:
    if not is_a(app, "starlette", "Starlette"):
        return {}
    hosts: list[str] = []
    for one in app.user_middleware:
        if one.cls.__name__ == "TrustedHostMiddleware":
            hosts = list(_keywords(one).get("allowed_hosts") or [*_arguments(one), []][0])
    root = getattr(app, "root_path", "")
    return {
        "max_content_length": getattr(app, "max_body_size", None),
        "limit_source": "max_body_size",
        "application_root": root,
        "prefix_source": root and "root_path",
        "trusted_hosts": hosts,
        "hosts_source": hosts and "TrustedHostMiddleware",
        "is_debug": bool(app.debug),
        "debug_source": "app.debug is True",
    }


def _keywords(middleware: Any) -> dict[str, Any]:
    return getattr(middleware, "kwargs", None) or getattr(middleware, "options", None) or {}


def _arguments(middleware: Any) -> tuple[Any, ...]:
    return tuple(getattr(middleware, "args", ()))


# -- static folders ------------------------------------------------------------------------------


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    routes = [f"{layer.prefix}{path}" for layer in layers for path in _paths(layer.app)]
    for layer in layers:
        files = layer.app
        directories = getattr(files, "all_directories", ())
        if not is_a(files, "starlette", "StaticFiles") or not directories or _is_special(files):
            continue
        url = f"{layer.prefix}/"
        yield folder(
            url,
            directories[0],
            f"StaticFiles at {url}",
            guard=next(_guards(layer), None),
            hook=next(_hooks(layer), None),
            # A second folder, `index.html` for a folder, another route below the same prefix.
            falls_back=url == "/"
            or files.html
            or len(directories) > 1
            or any(path.startswith(url) for path in routes),
        )


def _paths(app: Any) -> Iterator[str]:
    if is_app(app):
        yield from (getattr(one, "path", "") for one in getattr(app, "routes", ()))


def _is_special(files: Any) -> bool:
    """Tell whether a subclass of the user's decides what is sent to whom."""
    owners = [
        next(one for one in type(files).__mro__ if name in vars(one))
        for name in DECIDES
        if hasattr(type(files), name)
    ]
    return any(not one.__module__.startswith(("starlette.", "fastapi.")) for one in owners)


def _guards(layer: Layer) -> Iterator[str]:
    """Yield what stands between the mount and its files, and nothing else."""
    for one in reversed(layer.behind):
        if is_app(one):
            return
        if type(one).__name__ not in HARMLESS:
            yield f"wrapped in {type(one).__name__}"


def _hooks(layer: Layer) -> Iterator[str]:
    """Yield what runs before every request of an app, and may refuse it."""
    for app in layer.behind:
        if not is_app(app) and type(app).__name__ not in HARMLESS:
            yield f"the middleware {type(app).__name__} runs"
        for one in getattr(app, "user_middleware", ()):
            if one.cls.__name__ not in HARMLESS:
                dispatch = _keywords(one).get("dispatch")
                name = getattr(dispatch, "__name__", one.cls.__name__)
                yield f"the middleware {name} runs"
