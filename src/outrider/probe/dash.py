"""Dash keeps a Flask app, or another's, in `server`: that one has the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .layer import is_a

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_app(value: object) -> bool:
    return is_a(value, "dash", "Dash") and not isinstance(value, type)


def inner(app: Any) -> Iterator[tuple[str, Any]]:
    yield "", app.server
