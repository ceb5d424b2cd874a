"""The frameworks that are known, a module each, and what they say put together.

A module has some of these functions; what it lacks it has nothing to say about:

    is_app(value)            whether it is an app of that framework
    inner(app)               (URL prefix, app) of each app that it mounts
    configuration(app)       fields of outrider.facts.App, those that are set
    static_folders(layers)   fields of outrider.facts.StaticFolder, one after another
    media_folders(layers)    fields of outrider.facts.MediaFolder, one after another

None of them imports a framework: what the user's app has not imported is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import (
    bottle,
    cherrypy,
    dash,
    django,
    falcon,
    flask,
    litestar,
    media,
    pyramid,
    socketio,
    starlette,
    whitenoise,
)

if TYPE_CHECKING:
    from .layer import Layer

MODULES: tuple[Any, ...] = (
    flask,
    media,
    django,
    starlette,
    litestar,
    falcon,
    pyramid,
    cherrypy,
    bottle,
    dash,
    socketio,
    whitenoise,
)

UNKNOWN: dict[str, Any] = {
    "max_content_length": None,
    "limit_source": "",
    "limit_note": None,
    "application_root": None,
    "prefix_source": "",
    "trusted_hosts": [],
    "hosts_source": "",
    "static_max_age_s": None,
    "is_debug": False,
    "debug_source": "",
    "single_process": None,
    "wants_threads": None,
    "async_mode": None,
    "settings_module": None,
    "collect": None,
}


def is_known(value: object) -> bool:
    """Tell whether a value is an app of a framework that is known here."""
    return any(module.is_app(value) for module in MODULES if hasattr(module, "is_app"))


OF_THE_FIRST = {
    *("application_root", "prefix_source", "trusted_hosts", "hosts_source", "static_max_age_s"),
}
"""What an app says of itself alone; the rest is true of all when it is true of one."""


def configuration(layers: list[Layer]) -> dict[str, Any]:
    """Return what the outermost app says, what any of them says, and the limit of all together."""
    known: dict[str, Any] = {}
    limits = []
    for layer in layers:
        for module in MODULES:
            if not hasattr(module, "configuration") or not module.is_app(layer.app):
                continue
            told = module.configuration(layer.app)
            if "max_content_length" in told:
                limit = told.pop("max_content_length"), told.pop("limit_source")
                limits.append((*limit, told.pop("limit_note", None)))
            if not told.get("is_debug"):
                told.pop("debug_source", None)
            for name, value in told.items():
                if name not in known if name in OF_THE_FIRST else not known.get(name):
                    known[name] = value
    return {**UNKNOWN, **known, **_widest(limits)}


def _widest(limits: list[tuple[int | None, str, str | None]]) -> dict[str, Any]:
    """Return the limit for all: Nginx has one, so the widest, and none if one app has none."""
    note = next((note for _, _, note in limits if note), None)
    given = [(size, source) for size, source, _ in limits if size]
    if not given or len(given) < len(limits):
        return {"limit_note": note}
    size, source = max(given, key=lambda one: one[0])
    return {"max_content_length": size, "limit_source": source}


def static_folders(layers: list[Layer]) -> list[dict[str, Any]]:
    """Return the fields of outrider.facts.StaticFolder, each URL once."""
    return _each_once("static_folders", "url", layers)


def media_folders(layers: list[Layer]) -> list[dict[str, Any]]:
    """Return the fields of outrider.facts.MediaFolder, each directory once."""
    return _each_once("media_folders", "directory", layers)


def _each_once(function: str, key: str, layers: list[Layer]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for module in MODULES:
        if hasattr(module, function):
            for one in getattr(module, function)(layers):
                found.setdefault(one[key], one)
    return list(found.values())
