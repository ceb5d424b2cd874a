"""What holds for every answer and every form."""

from __future__ import annotations

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf import CSRFProtect

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; "
        "base-uri 'self'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    # CSRFProtect compares the referrer on https, so the site itself must be told.
    "Referrer-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    """Protect forms, set the headers, and let the session cookie be read by nobody else."""
    app.config["SESSION_COOKIE_NAME"] = "blog"  # ports share cookies: other sites use `session`
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    # A form lives as long as the session: who writes for an hour can still save.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.session_interface = _SessionCookie()
    CSRFProtect(app)
    app.after_request(_with_headers)


class _SessionCookie(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """Keep the cookie to https when this request came so; http on localhost works too."""
        return request.is_secure


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
