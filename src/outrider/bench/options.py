"""What is to be measured, and for how long: decided before anything starts."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider import errors
from outrider.values import Address, BadValueError, parse_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.site import Site

DEFAULT_CLIENTS = 1000
MODEST = {"--clients": 200, "--rate": 20, "--seconds": 60}
"""What another machine is asked at most, even if it is the user's own."""
_VISITORS = 64
"""Places that are left for ordinary visitors."""
_PROCESSES = 6
"""How many processes of each measurement may hold slow clients."""
_ALONE, _COMING = 0.2, 0.4
"""The shares of time without slow clients, and of their coming; for the rest all are there."""


@dataclass(frozen=True)
class Schedule:
    """When what happens, in seconds from the beginning of the stream.

    Attributes:
        come_s: the first slow clients come.
        all_s: the last of them has come.
        end_s: the last request is due.
    """

    come_s: float
    all_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user wants.

    Attributes:
        clients: how many slow clients at the end; None: the usual number, or what fits.
        rate: ordinary requests per second.
        seconds: how long each site is measured.
        path: what ordinary visitors, and those with slow headers, ask for.
        upload_path: where slow bodies are sent; None: `path`.
        large_path: what slow readers ask for; None: a large static file, if there is one.
    """

    clients: int | None
    rate: float
    seconds: float
    path: str | None
    upload_path: str | None
    large_path: str | None

    @property
    def schedule(self) -> Schedule:
        """Return it."""
        come_s = self.seconds * _ALONE
        return Schedule(come_s, come_s + self.seconds * _COMING, self.seconds)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A running site that a URL names."""

    url: str
    address: Address
    host: str
    path: str
    is_here: bool
    """On this machine."""


def parse_request_path(raw: object) -> str:
    """Return a path with its query, as it stands in the first line of a request."""
    text = parse_text(raw)
    if not text.startswith("/") or not text.isascii() or re.search(r"[\s#]", text):
        msg = (
            "a path that begins with '/', as /shop/?page=2, percent-encoded and without a fragment"
        )
        raise BadValueError(msg)
    return text


def is_url(target: str | None) -> bool:
    """Tell whether a target is the URL of a running site."""
    return target is not None and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", target) is not None


def place_of(
    url: str, mine: str | None, options: Options, resolve: Callable[[str, int], str]
) -> Place:
    """Return where the site is that a URL names.

    Args:
        url: as it was typed.
        mine: the host of which the user says that it is his own.
        options: what he wants.
        resolve: returns the numeric address of a host name.

    Raises:
        OutriderError: it is none, or another machine that is not confirmed or asked too much.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        query = f"?{parts.query}" if parts.query else ""
        path = parse_request_path((parts.path or "/") + query)
    except BadValueError as error:
        raise errors.bench_bad_url(url, f"its path is not {error}") from None
    except ValueError as error:
        raise errors.bench_bad_url(url, str(error)) from None
    if parts.scheme.lower() != "http" or not host:
        raise errors.bench_bad_url(
            url, "only http:// is spoken; whatever ends TLS passes on to such an address"
        )
    try:
        number = resolve(host, port)
    except OSError as error:
        raise errors.bench_bad_url(url, f"{host}: {error.strerror or error}") from None
    is_here = ipaddress.ip_address(number).is_loopback
    if not is_here:
        _confirm(host, mine, options)
    shown = f"[{host}]" if ":" in host else host
    return Place(
        url=url,
        address=Address(host=number, port=port),
        host=shown if port == 80 else f"{shown}:{port}",
        path=path,
        is_here=is_here,
    )


def _confirm(host: str, mine: str | None, options: Options) -> None:
    if mine is None or mine.lower().strip("[]") != host:
        raise errors.bench_host_not_confirmed(host, mine)
    asked = {
        "--clients": options.clients or 0,
        "--rate": options.rate,
        "--seconds": options.seconds,
    }
    for option, most in MODEST.items():
        if asked[option] > most:
            raise errors.bench_immodest(option, asked[option], most)


@dataclass(frozen=True)
class Room:
    """How many slow clients there is room for.

    Attributes:
        most: so many.
        why: what says so.
        more: how there could be more; empty: not at all.
    """

    most: int
    why: str
    more: str = ""


def clients_of(asked: int | None, room: Room) -> int:
    """Return how many slow clients there will be.

    Raises:
        OutriderError: more were asked for than fit.
    """
    if asked is not None and asked > room.most:
        raise errors.bench_too_many_clients(asked, room.most, room.why, room.more)
    return asked or min(DEFAULT_CLIENTS, room.most)


def room_of_site(site: Site, asked: int | None) -> Room:
    """Return how many slow clients a site's Nginx can hold, besides ordinary visitors."""
    most = max(1, site.front.clients - _VISITORS)
    wanted = (asked or DEFAULT_CLIENTS) + _VISITORS
    return Room(
        most,
        f"its Nginx has room for {site.front.clients} clients, and {_VISITORS} are visitors",
        f"make more room:  --connections {wanted}",
    )


def room_elsewhere(per_process: int, place: Place) -> Room:
    """Return how many slow clients a running site may get."""
    if not place.is_here:
        return Room(MODEST["--clients"], "on another machine no more are taken")
    why = f"{_PROCESSES} processes hold them, each at most {per_process}, as open files allow"
    return Room(_PROCESSES * per_process, why, "raise the limit of open files:  ulimit -Hn")
