"""Facts from Flask: the folders of uploads, who hands them out, and what may guard them.

Nginx may take over only a view that gives every file of the folder to everyone.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .flask import folder_url, hooks, others_below
from .layer import Layer, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = ("UPLOAD_FOLDER", "MEDIA_ROOT", "MEDIA_FOLDER", "UPLOADS_DEFAULT_DEST")

PLAIN_NAMES = {
    *("app", "config", "current_app", "flask", "get", "join", "os", "path", "root_path"),
    "send_from_directory",
}
"""What a view may use that does nothing but hand out a file of a folder."""

PLAIN_KEYWORDS = {"directory", "filename", "path"}

REQUEST_METHODS = (
    "__call__",
    "wsgi_app",
    "full_dispatch_request",
    "preprocess_request",
    "dispatch_request",
)
"""What a request goes through before the view; a subclass may ask for a password there."""

HARMLESS_WRAPPERS = ("flask_socketio", "werkzeug", "whitenoise")


def media_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    """Yield the fields of outrider.facts.MediaFolder."""
    for layer in layers:
        app = layer.app
        for setting in SETTINGS if is_a(app, "flask", "Flask") else ():
            directory = _folder(app, app.config.get(setting))
            if directory is None:
                continue
            # A route that is open to all stands for the others.
            routes = _routes(app, setting, directory)
            url, guard = min(routes, key=lambda route: bool(route[1]), default=(None, None))
            if url is not None:
                url, guard = (
                    layer.prefix + url,
                    guard or next(_wrappers(layer.prefix, layers), None),
                )
            yield {
                "directory": directory,
                "source": setting,
                "url": url,
                "guard": guard,
                "ignores_prefix": False,
            }


def _folder(app: Any, value: object) -> str | None:
    """Resolve a folder as send_from_directory does, from where the app's module lies.

    https://flask.palletsprojects.com/en/stable/api/#flask.send_from_directory
    """
    if isinstance(value, (str, os.PathLike)) and str(value):
        return os.path.normpath(Path(app.root_path, value))
    return None


def _routes(app: Any, setting: str, directory: str) -> Iterator[tuple[str | None, str | None]]:
    """Yield the URL of each route that serves the folder, and what may guard it."""
    for rule in app.url_map.iter_rules():
        url = folder_url(rule)
        view = inspect.unwrap(app.view_functions.get(rule.endpoint))
        code = getattr(view, "__code__", None)
        if url and code and "send_from_directory" in code.co_names:
            constant = _folder(app, view.__globals__.get(setting)) or directory
            if setting in code.co_consts or (setting in code.co_names and constant == directory):
                yield url, next(_guards(app, rule, url, setting), None)


# -- what may guard a route ----------------------------------------------------------------------


def _guards(app: Any, rule: Any, url: str, setting: str) -> Iterator[str]:
    """Yield what may keep someone from a file that Nginx would give to everyone."""
    view = app.view_functions[rule.endpoint]
    if hasattr(view, "__wrapped__"):
        code = getattr(view, "__code__", None)
        # `login_required.<locals>.wrapper`; before Python 3.11 there is only the `wrapper`.
        name = getattr(code, "co_qualname", getattr(code, "co_name", type(view).__name__))
        yield f"decorated with {name.partition('.')[0]}"
    code = inspect.unwrap(view).__code__
    plain = {*PLAIN_NAMES, setting}
    used = [name for name in (*code.co_names, *code.co_freevars) if name not in plain]
    if used:
        yield f"the view uses {', '.join(used)}"
    for constant in code.co_consts:
        is_keywords = isinstance(constant, tuple) and PLAIN_KEYWORDS.issuperset(constant)
        if constant not in (None, setting, view.__doc__) and not is_keywords:
            yield "the view does more than send the file"
    for other in others_below(app, rule, url):
        yield f"the app also routes {other}"
    flask = next(one for one in type(app).__mro__ if one.__module__.startswith("flask."))
    for name in REQUEST_METHODS:
        if getattr(type(app), name) is not getattr(flask, name):
            yield f"{type(app).__name__} has a {name} of its own"
    yield from hooks(app, rule.endpoint)


def _wrappers(prefix: str, layers: list[Layer]) -> Iterator[str]:
    """Yield what stands before the app at a prefix, and might answer in its place."""
    for layer in layers:
        app = getattr(layer.app, "__self__", layer.app)
        is_before = prefix.startswith(layer.prefix) and not is_a(app, "flask", "Flask")
        if is_before and type(layer.app).__module__.partition(".")[0] not in HARMLESS_WRAPPERS:
            yield f"wrapped in {getattr(layer.app, '__qualname__', type(layer.app).__name__)}"
