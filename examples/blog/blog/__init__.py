"""A small blog on Flask and MongoDB."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from blog import database, security, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

STORED = ("accounts", "comments", "images", "posts", "throttle")
"""Modules that keep documents; each says in INDEXES which indexes they need."""
VIEWS = (
    "accounts",
    "desk",
    "errors",
    "feeds",
    "images",
    "moderation",
    "reader",
    "transfer",
)
PARTS = ("context", "assets", "examples")
"""Modules with an init_app of their own."""


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the site; `config` goes before the environment, for tests."""
    app = Flask(__name__)
    given = dict(config or {})
    environment = {**os.environ, **given}  # noqa: TID251 - the one place that reads it
    app.config.update(settings.read(environment, Path(app.instance_path)))
    app.config.update(given)
    security.init_app(app)
    database.init_app(app, [module.INDEXES for module in _existing(STORED)])
    for module in _existing(PARTS):
        module.init_app(app)
    for module in _existing(VIEWS, "blog.views"):
        app.register_blueprint(module.blueprint)
    return app


def _existing(names: tuple[str, ...], package: str = "blog") -> Iterator[ModuleType]:
    # Until all of them are written.
    for name in names:
        found = find_spec(f"{package}.{name}")
        if found and found.origin:
            yield import_module(f"{package}.{name}")
