"""The figures for a browser and for Prometheus, on an address of their own.

Whoever reaches that address reads them, the paths of requests among them; nothing can be changed
there. One request for each connection and a limit for everything are all that this needs of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import ipaddress
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from outrider.metrics import prometheus
from outrider.metrics.prometheus import CONTENT_TYPE

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from outrider.metrics import Figures

_HEAD_BYTES = 8192
_TIME_LIMIT_S = 5
_AT_ONCE = 32
_SECURITY = {
    # Everything on the page is its own: https://www.w3.org/TR/CSP3/
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAGES = {
    "/": ("dashboard.html", "text/html; charset=utf-8"),
    "/dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "/dashboard.js": ("dashboard.js", "text/javascript; charset=utf-8"),
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is answered to a request."""

    status: http.HTTPStatus
    content_type: str
    body: bytes

    def encoded(self, *, is_head: bool) -> bytes:
        """Return it as it is sent."""
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in _SECURITY.items()),
        ]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return head if is_head else head + self.body


@contextlib.asynccontextmanager
async def listening(listener: socket.socket, figures: Callable[[], Figures]) -> AsyncIterator[None]:
    """Answer on a socket until the block ends.

    Args:
        listener: bound to the address.
        figures: returns those of the moment.
    """
    at_once = asyncio.Semaphore(_AT_ONCE)
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with (
            contextlib.closing(writer),
            contextlib.suppress(
                TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
            ),
        ):
            async with at_once, asyncio.timeout(_TIME_LIMIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(answered(head, figures))
                await writer.drain()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(talk(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(serve, sock=listener, limit=_HEAD_BYTES)
    try:
        yield
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)  # in which what they have closed is let go


def answered(head: bytes, figures: Callable[[], Figures]) -> bytes:
    """Return the whole answer to a request.

    Args:
        head: its first line and its headers.
        figures: as for `listening`.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    if method not in ("GET", "HEAD"):
        answer = _refusal(http.HTTPStatus.METHOD_NOT_ALLOWED, "There is nothing to change here.")
    elif len(hosts) != 1 or not is_believable(hosts[0]):
        answer = _refusal(
            http.HTTPStatus.MISDIRECTED_REQUEST,
            "Ask by the address or by localhost: another name may be somebody's who has it point "
            "here, to read this through your browser.",
        )
    else:
        answer = _answer(rest.partition(" ")[0].partition("?")[0], figures)
    return answer.encoded(is_head=method == "HEAD")


def is_believable(host: str) -> bool:
    """Tell whether a Host header cannot be of a site that has its name point at this machine.

    Such a name has a dot, or is an address to begin with. One without, as of a service of Compose,
    is nobody's to give away. https://en.wikipedia.org/wiki/DNS_rebinding
    """
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return bool(name) and "." not in name


def _answer(path: str, figures: Callable[[], Figures]) -> Answer:
    if path in _PAGES:
        name, content_type = _PAGES[path]
        body = resources.files("outrider").joinpath(f"templates/{name}").read_bytes()
    elif path == "/metrics":
        content_type, body = CONTENT_TYPE, prometheus(figures()).encode()
    elif path == "/status.json":
        content_type = "application/json"
        body = json.dumps(figures().as_json(), ensure_ascii=False).encode()
    else:
        return _refusal(http.HTTPStatus.NOT_FOUND, "There are /, /metrics and /status.json.")
    return Answer(status=http.HTTPStatus.OK, content_type=content_type, body=body)


def _refusal(status: http.HTTPStatus, text: str) -> Answer:
    return Answer(
        status=status, content_type="text/plain; charset=utf-8", body=f"{text}\n".encode()
    )
