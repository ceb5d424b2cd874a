"""Static files of three sizes, and uploads."""

from __future__ import annotations

import socket
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks.tables import wrk
from benchmarks.tables.rig import FILES, say

if TYPE_CHECKING:
    from benchmarks.tables.rig import Rig
    from benchmarks.tables.site import Site

# nginx+sync stands for Nginx itself here: no file gets as far as Gunicorn.
SENDERS = (
    "outrider",
    "nginx+sync",
    "sync",
    "gevent",
    "granian",
    "waitress",
    "mod_wsgi",
    "caddy+sync",
    "caddysnake",
)
RECEIVERS = (
    "outrider",
    "nginx+worker",
    "nginx+sync",
    "nginx+uwsgi",
    "nginx+granian",
    "sync",
    "gthread",
    "gevent",
    "granian",
    "waitress",
    "uvicorn",
    "mod_wsgi",
    "caddy+sync",
    "caddysnake",
)


def measure_static(rig: Rig) -> None:
    """Ask for a small and a large file again and again, and for a very large one once a round."""
    with rig.sites(SENDERS) as sites:
        for number in range(rig.rounds):
            for cell in ("20k", "1m", "100m"):
                for name, site in sites.items():
                    with rig.attempt("static", name):
                        rig.add("static", number, name, cell, **_sent(rig, site, cell))
            say(f"  round {number + 1} of {rig.rounds}")


def _sent(rig: Rig, site: Site, cell: str) -> dict[str, float]:
    if cell == "100m":
        return {"bytes_s": max(download(site.port, "100m.bin") for _ in range(3))}
    return asdict(wrk.run(f"{site.url}/static/{cell}.bin", 16, rig.seconds))


def download(port: int, name: str) -> float:
    """Return the bytes a second of one download, 0 when it does not come whole."""
    buffer = bytearray(1 << 20)
    begun = time.monotonic()
    total = 0
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            head = f"GET /static/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            client.sendall(head.encode())
            while size := client.recv_into(buffer):
                total += size
    except OSError:
        return 0.0
    return total / (time.monotonic() - begun) if total >= FILES[name] else 0.0


def measure_uploads(rig: Rig) -> None:
    """Send a megabyte to the app, eight clients at a time."""
    script = str(rig.app / "upload.lua")
    with rig.sites(RECEIVERS) as sites:
        for number in range(rig.rounds):
            for name, site in sites.items():
                with rig.attempt("uploads", name):
                    speed = wrk.run(f"{site.url}/upload", 8, rig.seconds, script=script)
                    rig.add("uploads", number, name, "1m", **asdict(speed))
            say(f"  round {number + 1} of {rig.rounds}")
