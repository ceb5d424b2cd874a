"""A Gunicorn worker for WSGI apps that stand behind Nginx, on a socket that only Nginx reaches.

    gunicorn -k outrider.app.worker.Worker --threads 4 app:app

Nginx sends one complete request over each connection, at the speed of memory. Requests of that one
shape are served on a short way of their own; whatever else arrives is given, unchanged, to
Gunicorn's sync worker, of which this is a subclass. So nothing is parsed here that Gunicorn would
refuse, and its settings and hooks keep their meaning. docs/explanation/worker.md tells the rest.
"""

from __future__ import annotations

from .worker import Worker

__all__ = ["Worker"]
