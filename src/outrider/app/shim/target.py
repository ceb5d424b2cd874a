"""Import the app that a target names, for the servers that do not have Gunicorn's way of naming it.

It is `gunicorn.util.import_app` in what it takes; a test holds the two against each other.
"""

from __future__ import annotations

import ast
import importlib
from typing import Any


class AppError(Exception):
    """A target that names no app."""


def import_app(target: str) -> Any:
    """Return the app of `module:attribute` or `module:factory(...)` with literal arguments.

    Raises:
        AppError: it is neither, or no app.
        Exception: whatever importing or calling it raises.
    """
    name, _, expression = target.partition(":")
    module = importlib.import_module(name)
    try:
        body = ast.parse(expression or "application", mode="eval").body
    except SyntaxError:
        body = ast.Constant(None)
    if isinstance(body, ast.Name):
        app = getattr(module, body.id)
    elif isinstance(body, ast.Call) and isinstance(body.func, ast.Name):
        try:
            arguments = [ast.literal_eval(argument) for argument in body.args]
            keywords = {str(word.arg): ast.literal_eval(word.value) for word in body.keywords}
        except ValueError:
            msg = f"{expression!r} has arguments that are no literals"
            raise AppError(msg) from None
        app = getattr(module, body.func.id)(*arguments, **keywords)
    else:
        msg = f"{expression!r} is neither a name nor a call of one"
        raise AppError(msg)
    if not callable(app):
        msg = f"{target} is not callable"
        raise AppError(msg)
    return app
