"""A small blog on Flask and MongoDB."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from blog import (
    accounts,
    assets,
    caching,
    comments,
    context,
    database,
    examples,
    images,
    posts,
    security,
    settings,
    throttle,
    views,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

STORED = (accounts, comments, images, posts, throttle)
"""What keeps documents, each with the indexes that they need."""


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the site; `config` goes before the environment, for tests."""
    app = Flask(__name__)
    given = dict(config or {})
    environment = {**os.environ, **given}  # noqa: TID251 - the one place that reads it
    app.config.update(settings.read(environment, Path(app.instance_path)))
    app.config.update(given)
    security.init_app(app)
    database.init_app(app, [module.INDEXES for module in STORED])
    context.init_app(app)
    assets.init_app(app)
    caching.init_app(app)
    examples.init_app(app)
    for blueprint in views.BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
