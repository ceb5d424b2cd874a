"""Facts from Litestar: https://docs.litestar.dev/latest/usage/static-files.html."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_app(value: object) -> bool:
    return is_a(value, "litestar", "Litestar")


def configuration(app: Any) -> dict[str, Any]:
    hosts = getattr(app.allowed_hosts, "allowed_hosts", None) or []
    return {
        **_limit(app),
        "trusted_hosts": list(hosts),
        "hosts_source": hosts and "allowed_hosts",
        "is_debug": bool(app.debug),
        "debug_source": "app.debug is True",
    }


def _limit(app: Any) -> dict[str, Any]:
    """Return the widest limit, because a handler may have another than the app."""
    limits = [getattr(app, "request_max_body_size", None)]
    handlers = [one for route in app.routes for one in getattr(route, "route_handlers", ())]
    limits += [
        one.resolve_request_max_body_size()
        for one in handlers
        if hasattr(one, "resolve_request_max_body_size")
    ]
    sizes = [one if isinstance(one, int) else None for one in limits]
    size = None if None in sizes else max(filter(None, sizes), default=None)
    return {"max_content_length": size, "limit_source": "request_max_body_size"}


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        if not is_app(layer.app):
            continue
        for route in layer.app.routes:
            handlers = [
                *getattr(route, "route_handlers", ()),
                getattr(route, "route_handler", None),
            ]
            for handler in handlers:
                files = _files_of(handler)
                path = route.path.partition("{")[0]
                if files is not None and path.startswith("/"):
                    yield _folder(layer, handler, files, path.rstrip("/") + "/")


def _files_of(handler: Any) -> Any:
    """Return the StaticFiles that a handler is or closes over."""
    function = getattr(handler, "fn", None)
    function = getattr(function, "value", function)  # before Litestar 2.3
    found = [function]
    if inspect.isfunction(function):
        found = list(inspect.getclosurevars(function).nonlocals.values())
    return next((one for one in found if is_a(one, "litestar", "StaticFiles")), None)


def _folder(layer: Layer, handler: Any, files: Any, url: str) -> dict[str, Any]:
    local = is_a(files.adapter.file_system, "litestar", "BaseLocalFileSystem")
    guard = None if local else "the files are not in a folder of this machine"
    if files.send_as_attachment:
        guard = "its files are sent as attachments"
    for one in handler.resolve_guards():
        guard = f"guarded by {_name(one)}"
    app = layer.app
    hooks = [*map(_name, app.middleware or ())]
    hooks += [_name(one) for one in (app.before_request,) if one]
    return folder(
        layer.prefix + url,
        files.directories[0],
        f"static files at {url}",
        guard=guard,
        hook=f"{hooks[0]} runs" if hooks else None,
        falls_back=url == "/" or files.is_html_mode or len(files.directories) > 1,
    )


def _name(value: Any) -> str:
    value = getattr(value, "middleware", value)  # DefineMiddleware
    value = getattr(value, "func", value)
    return getattr(value, "__name__", type(value).__name__)
