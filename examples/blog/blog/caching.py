"""What browsers and proxies may keep of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request, session

if TYPE_CHECKING:
    from flask import Flask, Response


def init_app(app: Flask) -> None:
    """Apply to every answer that says nothing about it itself."""
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    """Let a browser ask whether a page has changed; nobody else keeps one of a session.

    https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.4
    """
    if "Cache-Control" in response.headers:
        return response
    response.headers["Cache-Control"] = "private, no-cache" if session else "no-cache"
    response.vary.add("Cookie")
    if response.status_code == 200 and not response.is_streamed:
        response.add_etag()
        response.make_conditional(request)
    return response
