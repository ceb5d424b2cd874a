"""What the client saw: the host and port that it typed, and where the app is mounted for it."""

from __future__ import annotations

import functools
import re

_DEFAULT_PORTS = {"http": "80", "https": "443"}
# Nginx 1.22 chooses by the name alone and passes `name:80@evil.example` on: a link to elsewhere.
_SOUND = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:[0-9]{0,5})?")


@functools.lru_cache(maxsize=256)  # a site has few names
def host_and_port(host: str, typed: str, forwarded_port: str, scheme: str) -> tuple[str, str, str]:
    """Return the Host that the app is to see, its name and its port.

    Nginx's $host is checked but has no port; its $http_host has the port (perhaps of a mapping that
    Nginx does not know) but is whatever was sent. The second is taken when the names agree.

    Args:
        host: the header Host, from Nginx's $host.
        typed: the header X-Forwarded-Host, from $http_host.
        forwarded_port: the header X-Forwarded-Port, a trusted proxy's; Nginx clears it from others.
        scheme: `http` or `https`.
    """
    # Several proxies of ours make a list of it; the first is what the client typed.
    host, typed = (one.partition(",")[0].strip() for one in (host, typed))
    if typed and _name(typed) == _name(host):
        host = typed
    name, port = split_host(host)
    if not _SOUND.fullmatch(host):
        host, port = name, ""
    usual = _DEFAULT_PORTS.get(scheme, "80")
    if not port:
        port = forwarded_port or usual
        host = name if port == usual else name + ":" + port
    return host, name, port


def outer_prefix(forwarded: str) -> str:
    """Return the prefix that a trusted proxy has cut off, from the header X-Forwarded-Prefix."""
    # With one slash: two would make a link to another host of it.
    outer = forwarded.strip("/\\")
    return "/" + outer if outer else ""


def _name(host: str) -> str:
    return split_host(host)[0].lower().rstrip(".")


def split_host(host: str) -> tuple[str, str]:
    """Return the name and the port (perhaps empty) of a Host header, IPv6 literals included."""
    if host.startswith("["):
        name, _, rest = host.partition("]")
        return name + "]", rest[1:]
    name, _, port = host.partition(":")
    return name, port
