"""The same app for Uvicorn, whose own WSGI mode is deprecated in favour of this package."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware

from app import app as wsgi

app = WSGIMiddleware(wsgi)
