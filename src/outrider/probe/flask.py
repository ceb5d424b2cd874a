"""Facts from Flask and Quart: their configuration, and the static folders that they serve."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_app(app: object) -> bool:
    return is_a(app, "flask", "Flask") or is_a(app, "quart", "Quart")


# -- configuration -------------------------------------------------------------------------------


def configuration(app: Any) -> dict[str, Any]:
    config = app.config
    root, name = config.get("APPLICATION_ROOT"), config.get("SERVER_NAME")
    hosts = config.get("TRUSTED_HOSTS")
    return {
        "max_content_length": _whole(config.get("MAX_CONTENT_LENGTH")),
        "limit_source": "MAX_CONTENT_LENGTH",
        "application_root": None if root == "/" else root,
        "prefix_source": "APPLICATION_ROOT",
        "trusted_hosts": list(hosts or filter(None, [name])),
        "hosts_source": "TRUSTED_HOSTS" if hosts else "SERVER_NAME",
        "static_max_age_s": _whole(config.get("SEND_FILE_MAX_AGE_DEFAULT")),
        "is_debug": bool(app.debug),
        "debug_source": "app.debug is True",
    }


def _whole(value: object) -> int | None:
    """Return bytes or seconds; older Flasks have a timedelta."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    return int(value) if isinstance(value, (int, float)) else None


# -- static folders ------------------------------------------------------------------------------


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for prefix, app, _ in layers:
        for rule in app.url_map.iter_rules() if is_app(app) else ():
            url = folder_url(rule)
            scope, _, endpoint = rule.endpoint.rpartition(".")
            owner = app.blueprints.get(scope) if scope else app
            if not url or endpoint != "static" or owner is None or not owner.static_folder:
                continue
            view = app.view_functions.get(rule.endpoint)
            directory = os.path.normpath(owner.static_folder)
            if _is_flasks_own(view, type(owner).send_static_file) and Path(directory).is_absolute():
                default = Path(app.root_path, "static")
                kind = "Quart" if is_a(app, "quart", "Quart") else "Flask"
                yield folder(
                    prefix + url,
                    directory,
                    f"blueprint {scope!r}" if scope else f"{kind} app {app.name!r}",
                    is_default=not scope and Path(directory) == default,
                    hook=next(hooks(app, rule.endpoint), None),
                    falls_back=url == "/" or any(map(_is_page, others_below(app, rule, url))),
                )


def others_below(app: Any, rule: Any, url: str) -> Iterator[Any]:
    """Yield the rules that the app has below the URL of one."""
    for other in app.url_map.iter_rules():
        if other.rule.startswith(url) and other.endpoint != rule.endpoint:
            yield other


def _is_page(rule: Any) -> bool:
    """Tell a page from another static folder, which is served like the first."""
    return rule.endpoint.rpartition(".")[2] != "static" or not folder_url(rule)


def folder_url(rule: Any) -> str | None:
    """Return the prefix of a rule that ends in a file's name, unless it is for one host only."""
    match = re.fullmatch(r"([^<>]*/)<(?:(?:path|string|default):)?\w+>", rule.rule)
    if match and "GET" in (rule.methods or ()) and not rule.host and not rule.subdomain:
        return match[1]
    return None


def _is_flasks_own(*functions: Any) -> bool:
    """Look at the globals, because functools.wraps copies the name of the module."""
    names = [getattr(one, "__globals__", {}).get("__name__", "") for one in functions]
    return all(name.startswith(("flask.", "quart.")) for name in names)


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
                if _is_harmless(app, hook):
                    continue
                owner = f"blueprint {scope!r}" if scope else "app"
                yield f"{owner}.{kind} runs {getattr(hook, '__name__', type(hook).__name__)}"


def _is_harmless(app: Any, hook: Any) -> bool:
    """Tell whether a hook can keep nobody from a file: it looks at what changes something only.

    Dash's sets the app up at the first request. Flask-WTF's asks forms for their token:
    https://flask-wtf.readthedocs.io/en/stable/config/ (WTF_CSRF_METHODS)
    """
    # The globals, because functools.wraps copies the name of the module.
    module = getattr(hook, "__globals__", {}).get("__name__", "")
    if module == "flask_wtf.csrf":
        return "GET" not in app.config.get("WTF_CSRF_METHODS", ("GET",))
    return bool(module.startswith("dash."))
