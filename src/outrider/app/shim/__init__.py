"""Stand between the application server and the app, so that the app sees the client, not the proxy.

The server listens on a Unix socket that only Nginx can reach, and Nginx sets every header read here
or clears it, so nothing here comes from outside. A copy of this package lies beside each
configuration file, because the app's environment need not have Outrider in it.
"""

from __future__ import annotations

from .asgi import AsgiFront
from .lines import REQUEST_ID, TaggedStream, tag_lines
from .ready import NOTIFY_VARIABLE, tell_ready
from .wsgi import WsgiFront

__all__ = [
    "NOTIFY_VARIABLE",
    "REQUEST_ID",
    "AsgiFront",
    "TaggedStream",
    "WsgiFront",
    "tag_lines",
    "tell_ready",
]
