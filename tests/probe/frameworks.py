"""The environment that the apps in tests/apps/framework_* run in, made once for all tests."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tests.integration.environments import made_with

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = (
    *("gunicorn", "flask", "flask-socketio", "python-socketio", "quart", "dash", "whitenoise"),
    *("django", "channels", "starlette", "fastapi", "litestar", "a2wsgi", "aiohttp"),
    *("bottle", "falcon", "cherrypy", "pyramid", "plaster_pastedeploy"),
)


@cache
def python() -> Path:
    """Return the interpreter that has every framework."""
    return made_with(*REQUIREMENTS)
