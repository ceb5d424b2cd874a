"""Facts from Flask: its configuration, and the static folders that it serves as they are."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def flasks_of(layers: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(prefix, layer) for prefix, layer in layers if is_flask(layer)]


def is_flask(app: object) -> bool:
    return any(
        one.__name__ == "Flask" and one.__module__.startswith("flask.") for one in type(app).__mro__
    )


# -- configuration -------------------------------------------------------------------------------


def configuration(layers: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return what is set, of the first app unless all have a say; without Flask, nothing is."""
    apps = [app for _, app in flasks_of(layers)]
    config = apps[0].config if apps else {}
    root = config.get("APPLICATION_ROOT")
    hosts, name = config.get("TRUSTED_HOSTS"), config.get("SERVER_NAME")
    limits = [_whole(app.config.get("MAX_CONTENT_LENGTH")) for app in apps]
    return {
        # Nginx has one limit for all: the widest, and none if one app has none.
        "max_content_length": max(filter(None, limits), default=None) if all(limits) else None,
        "limit_source": "MAX_CONTENT_LENGTH",
        "application_root": None if root == "/" else root,
        "prefix_source": "APPLICATION_ROOT",
        "trusted_hosts": list(hosts or filter(None, [name])),
        "hosts_source": "TRUSTED_HOSTS" if hosts else "SERVER_NAME",
        "static_max_age_s": _whole(config.get("SEND_FILE_MAX_AGE_DEFAULT")),
        "is_debug": any(bool(app.debug) for app in apps),
        "debug_source": "app.debug is True",
    }


def _whole(value: object) -> int | None:
    """Return bytes or seconds; older Flasks have a timedelta."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return int(value) if isinstance(value, (int, float)) else None


# -- static folders ------------------------------------------------------------------------------


def static_folders(layers: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields of outrider.facts.StaticFolder, each URL once."""
    folders: dict[str, dict[str, Any]] = {}
    for prefix, app in flasks_of(layers):
        for rule in app.url_map.iter_rules():
            url = folder_url(rule)
            scope, _, endpoint = rule.endpoint.rpartition(".")
            owner = app.blueprints.get(scope) if scope else app
            if not url or endpoint != "static" or owner is None or not owner.static_folder:
                continue
            view = app.view_functions.get(rule.endpoint)
            directory = os.path.normpath(owner.static_folder)
            if _is_flasks_own(view, type(owner).send_static_file) and Path(directory).is_absolute():
                default = Path(app.root_path, "static")
                folder = {
                    "url": prefix + url,
                    "directory": directory,
                    "source": f"blueprint {scope!r}" if scope else f"Flask app {app.name!r}",
                    "is_default": not scope and Path(directory) == default,
                    "hook": next(hooks(app, rule.endpoint), None),
                    "falls_back": url == "/",
                }
                folders.setdefault(prefix + url, folder)
    return list(folders.values())


def folder_url(rule: Any) -> str | None:
    """Return the prefix of a rule that ends in a file's name, unless it is for one host only."""
    match = re.fullmatch(r"([^<>]*/)<(?:(?:path|string|default):)?\w+>", rule.rule)
    if match and "GET" in (rule.methods or ()) and not rule.host and not rule.subdomain:
        return match[1]
    return None


def _is_flasks_own(*functions: Any) -> bool:
    """Look at the globals, because functools.wraps copies the name of the module."""
    names = [getattr(one, "__globals__", {}).get("__name__", "") for one in functions]
    return all(name.startswith("flask.") for name in names)


# -- what runs before a view --------------------------------------------------------------------


def hooks(app: Any, endpoint: str) -> Iterator[str]:
    """Yield what runs before the view, and might refuse the request."""
    blueprints = endpoint.split(".")[:-1]
    scopes = [None, *(".".join(blueprints[: n + 1]) for n in range(len(blueprints)))]
    for kind, registered in (
        ("before_request", app.before_request_funcs),
        ("url_value_preprocessor", app.url_value_preprocessors),
    ):
        for scope in scopes:
            for hook in registered.get(scope, ()):
                owner = f"blueprint {scope!r}" if scope else "app"
                yield f"{owner}.{kind} runs {getattr(hook, '__name__', type(hook).__name__)}"
