"""Tell WSGI from ASGI, and both from what is no app, by looking at the callable."""

from __future__ import annotations

import inspect
import math
import types
from typing import Any, NamedTuple

from .frameworks import is_known
from .layer import is_a


def interface_of(app: Any) -> str | None:
    """Return `wsgi` or `asgi` by what the callable takes, None if it can be neither.

    https://peps.python.org/pep-3333/#the-application-framework-side takes two positional arguments,
    https://asgi.readthedocs.io/en/latest/specs/main.html#applications three.
    """
    if is_a(app, "dash", "Dash"):  # it takes anything, and passes it on
        return interface_of(app.server) if callable(app) else None
    names, accepted = shape_of(app)
    required = len(names)
    if inspect.isclass(app):
        # ASGI 2: the class takes the scope, its instance is what is awaited.
        call = inspect.getattr_static(app, "__call__", None)
        return "asgi" if required == 1 and inspect.iscoroutinefunction(call) else None
    if required == 3 or (_is_async(app) and required <= 3 <= accepted):
        return "asgi"
    if _is_async(app) or not required <= 2 <= accepted:
        return None
    # A function whose parameters have defaults is rather create_app(config=None, testing=False).
    is_vague = is_function(app) and required < 2 and accepted < math.inf
    return None if is_vague else "wsgi"


def why_not(app: Any, module: str, expression: str) -> str:
    """Say why what can be called is no app."""
    if inspect.isclass(app):
        return "an app is an instance of a class, not the class"
    required, accepted = shape_of(app)
    if is_function(app) and "(" not in expression and len(required) < 2 and not _is_async(app):
        words = ", ".join(map(repr, required))
        return f"it looks like a factory; to have it called, type  {module}:{expression}({words})"
    wanted = "an ASGI app 3" if _is_async(app) else "a WSGI app 2"
    return f"it takes {accepted} positional argument{'s' * (accepted != 1)}, {wanted}"


def is_function(value: object) -> bool:
    return isinstance(value, (types.FunctionType, types.MethodType))


def is_instance(value: object) -> bool:
    """Tell whether a value is certainly an app, touching nothing of it but its class.

    `flask.request` raises when it is touched outside a request; Typer and its like take anything.
    """
    if is_known(value):
        return interface_of(value) is not None
    call = inspect.getattr_static(type(value), "__call__", None)
    if isinstance(value, type) or is_function(value) or not isinstance(call, types.FunctionType):
        return False
    return shape_of(call).accepted < math.inf and interface_of(value) is not None


class Shape(NamedTuple):
    """The positional parameters of a callable."""

    required: list[str]
    accepted: float


def shape_of(value: Any) -> Shape:
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except Exception:  # a callable written in C has none, and a proxy raises what it likes
        return Shape([], math.inf)
    positional = [
        one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    is_open = any(one.kind == one.VAR_POSITIONAL for one in parameters)
    required = [one.name for one in positional if one.default is one.empty]
    return Shape(required, math.inf if is_open else len(positional))


def _is_async(app: Any) -> bool:
    calls = (app, type(app).__call__)
    # Cython marks its own, as asyncio.coroutine once did.
    return any(inspect.iscoroutinefunction(one) or hasattr(one, "_is_coroutine") for one in calls)
