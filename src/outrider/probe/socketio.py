"""Facts from Socket.IO, python-socketio's and Flask-SocketIO's.

Until a client has changed to a WebSocket, all its requests must reach the process that knows it,
and Gunicorn gives them to any: https://flask-socketio.readthedocs.io/en/latest/deployment.html
"""

from __future__ import annotations

from typing import Any

from .layer import is_a

THREADS = 100
"""Each WebSocket keeps one: https://flask-socketio.readthedocs.io/en/latest/deployment.html#gunicorn."""


def is_app(value: object) -> bool:
    return is_a(value, "socketio", "WSGIApp", "ASGIApp")


def configuration(app: Any) -> dict[str, Any]:
    server = getattr(app, "engineio_app", None) or getattr(app, "engineio_server", None)
    engine = getattr(server, "eio", server)
    mode = getattr(engine, "async_mode", None)
    return {
        "single_process": "Socket.IO knows a client in one process only",
        "async_mode": mode,
        "wants_threads": THREADS if mode == "threading" else None,
    }
