"""Look through middleware and mounts at the apps behind them, and name their framework."""

from __future__ import annotations

import contextlib
import types
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from .frameworks import MODULES
from .layer import Layer, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

Name = TypeVar("Name")

FRAMEWORKS = {
    # Top-level package, which is also the distribution's name.
    "bottle": "Bottle",
    "cherrypy": "CherryPy",
    "dash": "Dash",
    "django": "Django",
    "falcon": "Falcon",
    "fastapi": "FastAPI",
    "flask": "Flask",
    "litestar": "Litestar",
    "pyramid": "Pyramid",
    "quart": "Quart",
    "starlette": "Starlette",
}

WRAPPED = (
    # The attributes under which middleware keeps what it is wrapped around.
    "app",  # ProxyFix and most others
    "application",  # WhiteNoise, Channels
    "wsgi_app",  # Flask(...).wsgi_app when it was replaced, socketio.WSGIApp
    "wsgi_application",  # asgiref
    "other_asgi_app",  # socketio.ASGIApp
    "asgi_app",
    "_app",
    "inner",
)


def layers_of(app: Any) -> list[Layer]:
    """List an app and what it is wrapped around, each with the URL prefix it is mounted at."""
    layers = [Layer("", app)]
    seen = {id(app)}
    for layer in layers:  # it grows
        for mount, one in _inner(layer.app):
            if callable(one) and id(one) not in seen:
                seen.add(id(one))
                layers.append(Layer(layer.prefix + mount, one, (*layer.behind, layer.app)))
    return sorted(layers, key=lambda layer: len(layer.prefix))


def _inner(app: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an app mounts or is wrapped around."""
    members: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # no __dict__, or a proxy
        members = {} if isinstance(app, type) else vars(app)
    if isinstance(app, types.MethodType):
        yield "", app.__self__
    for name in WRAPPED:
        yield "", members.get(name)
    mounts = members.get("mounts")  # werkzeug.middleware.dispatcher
    if isinstance(mounts, dict):
        yield from mounts.items()
    protocols = members.get("application_mapping")  # channels.routing
    if is_a(app, "channels", "ProtocolTypeRouter") and isinstance(protocols, dict):
        yield "", protocols.get("http")
    for module in MODULES:
        if hasattr(module, "inner") and module.is_app(app):
            yield from module.inner(app)


def outermost(values: dict[Name, Any]) -> list[Name]:
    """Return the first name of each object, leaving out those that another is wrapped around."""
    seen = {id(layer.app) for value in values.values() for layer in layers_of(value)[1:]}
    names = []
    for name, value in values.items():
        if id(value) not in seen:
            seen.add(id(value))
            names.append(name)
    return names


def framework_of(layers: list[Layer]) -> str | None:
    """Return `Flask 3.1.0`."""
    for layer in layers:
        for one in type(layer.app).__mro__:
            package = one.__module__.partition(".")[0]
            if package in FRAMEWORKS:
                with contextlib.suppress(metadata.PackageNotFoundError):
                    return f"{FRAMEWORKS[package]} {metadata.version(package)}"
                return FRAMEWORKS[package]
    return None
