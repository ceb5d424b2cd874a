"""Look through middleware and mounts at the apps behind them, and name their framework."""

from __future__ import annotations

import contextlib
import types
from importlib import metadata
from typing import Any, TypeVar

Name = TypeVar("Name")

FRAMEWORKS = {
    # Top-level package, which is also the distribution's name.
    "bottle": "Bottle",
    "django": "Django",
    "falcon": "Falcon",
    "fastapi": "FastAPI",
    "flask": "Flask",
    "quart": "Quart",
    "starlette": "Starlette",
}


def layers_of(app: Any) -> list[tuple[str, Any]]:
    """List an app and what it is wrapped around, each with the URL prefix it is mounted at."""
    layers = [("", app)]
    seen = {id(app)}
    for prefix, layer in layers:  # it grows
        members: dict[str, Any] = {}
        with contextlib.suppress(Exception):  # no __dict__, or a proxy
            members = {} if isinstance(layer, type) else vars(layer)
        # ProxyFix and most others; Flask(...).wsgi_app when it was replaced; WhiteNoise; profilers.
        inner = [(prefix, members.get(one)) for one in ("app", "wsgi_app", "application", "_app")]
        if isinstance(layer, types.MethodType):
            inner.append((prefix, layer.__self__))
        mounts = members.get("mounts")  # werkzeug.middleware.dispatcher
        for mount, one in mounts.items() if isinstance(mounts, dict) else ():
            inner.append((f"{prefix}{mount}", one))
        for pair in inner:
            if callable(pair[1]) and id(pair[1]) not in seen:
                seen.add(id(pair[1]))
                layers.append(pair)
    return sorted(layers, key=lambda pair: len(pair[0]))


def outermost(values: dict[Name, Any]) -> list[Name]:
    """Return the first name of each object, leaving out those that another is wrapped around."""
    seen = {id(layer) for value in values.values() for _, layer in layers_of(value)[1:]}
    names = []
    for name, value in values.items():
        if id(value) not in seen:
            seen.add(id(value))
            names.append(name)
    return names


def framework_of(layers: list[tuple[str, Any]]) -> str | None:
    """Return `Flask 3.1.0`."""
    for _, layer in layers:
        for one in type(layer).__mro__:
            package = one.__module__.partition(".")[0]
            if package in FRAMEWORKS:
                with contextlib.suppress(metadata.PackageNotFoundError):
                    return f"{FRAMEWORKS[package]} {metadata.version(package)}"
                return FRAMEWORKS[package]
    return None
