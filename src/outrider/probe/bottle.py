"""Facts from Bottle: routes that do nothing but `static_file`.

https://bottlepy.org/docs/dev/tutorial.html#routing-static-files
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from .layer import Layer, absolute, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = re.compile(r"(/[^<>]*/|/)<\w+:path>")


def is_app(value: object) -> bool:
    return is_a(value, "bottle", "Bottle")


def inner(app: Any) -> Iterator[tuple[str, Any]]:
    for route in app.routes:
        mount = route.config.get("mountpoint.prefix")
        if mount:
            yield "/" + mount.strip("/"), route.config.get("mountpoint.target")


def configuration(_app: Any) -> dict[str, Any]:
    # MEMFILE_MAX bounds memory, not the body.
    return {
        "max_content_length": None,
        "limit_source": "",
        "is_debug": bool(sys.modules["bottle"].DEBUG),
        "debug_source": "bottle.debug(True)",
    }


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        for route in layer.app.routes if is_app(layer.app) else ():
            match = RULE.fullmatch(route.rule)
            root = _root(route.callback)
            if match and root and route.method == "GET" and not route.plugins:
                yield folder(
                    layer.prefix + match[1],
                    root,
                    f"route {route.rule}",
                    hook=next(_hooks(layer.app), None),
                    falls_back=match[1] == "/" or _has_others(layer.app, route, match[1]),
                )


def _root(callback: Any) -> str | None:
    """Return the folder when a callback is certain to send any file of it to anyone."""
    code = getattr(callback, "__code__", None)
    if code is None or hasattr(callback, "__wrapped__") or code.co_freevars:
        return None
    if code.co_argcount != 1 or code.co_varnames != code.co_varnames[:1]:
        return None
    sends, *others = code.co_names or ("",)
    given = [one for one in code.co_consts if one not in (None, inspect.getdoc(callback))]
    given = [one for one in given if one not in (("root",), callback.__doc__)]
    given += [callback.__globals__.get(name) for name in others]
    sender = callback.__globals__.get(sends)
    is_theirs = getattr(sender, "__module__", None) == "bottle" and sends == "static_file"
    if is_theirs and len(given) == 1 and isinstance(given[0], (str, os.PathLike)):
        return absolute(given[0])
    return None


def _has_others(app: Any, route: Any, url: str) -> bool:
    return any(one is not route and one.rule.startswith(url) for one in app.routes)


def _hooks(app: Any) -> Iterator[str]:
    hooks = getattr(app, "_hooks", {})
    for one in hooks.get("before_request", ()) if isinstance(hooks, dict) else ():
        yield f"the hook {getattr(one, '__name__', type(one).__name__)} runs"
