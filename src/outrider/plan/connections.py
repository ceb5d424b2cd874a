"""How many clients may be connected at a time, and how large Nginx's tables are for that.

Each place in a table is touched when Nginx starts: 0.42 KB that an idle site has as well. The
figures were measured with Nginx 1.22.1: docs/explanation/performance.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from outrider import errors

if TYPE_CHECKING:
    from outrider.facts import Host
    from outrider.plan.ledger import Ledger

CLIENTS_AT_MOST = 8192
"""Unless more are asked for: with what is passed on, 5 MB of tables."""
CLIENTS_AT_LEAST = 64
CLIENT_BYTES = 20 * 1024
"""Of one that sends its headers slowly: 9.7 KB of Nginx's and 8.6 KB of the kernel's."""
MEMORY_SHARE = 1 / 16
"""For clients that are all slow; a stalled reader of a large file takes three times as much."""
OWN_FILES = 192
"""Descriptors of a worker besides its clients': logs, listeners, channels, files kept open."""
OWN_CONNECTIONS = 16
"""Places for listeners and the channel to the master."""
PLACES_AT_LEAST = 1024
"""Clients are not spread evenly among many workers."""


def choose_connections(host: Host, backlog: int, ledger: Ledger) -> tuple[int, int, int]:
    """Return the number of clients, of Nginx workers, and of places in each worker's table.

    Args:
        host: its CPUs, memory and limit of descriptors.
        backlog: how many requests may wait for the app, each with a connection of its own.
        ledger: of the site.

    Raises:
        OutriderError: more are asked for than descriptors allow.
    """
    # One of them feeds many apps; each CPU that it leaves is a worker's.
    workers = max(1, host.cpus // 2)
    given = ledger.settings.get("connections")
    if given is None:
        clients, origin, why = _usual(host, workers, backlog)
    else:
        clients, origin, why = given.value, given.origin, "when all are slow"
        workers = max(workers, _workers_for(clients, host, backlog))
        _refuse_too_many(clients, origin, workers, host, backlog)
    # "reusing connections": Nginx closes idle ones as soon as less than a sixteenth is free.
    # https://github.com/nginx/nginx/blob/master/src/core/ngx_connection.c ngx_drain_connections
    places = math.ceil((clients + min(clients, backlog)) * 16 / 15 / workers) + OWN_CONNECTIONS
    places = max(places, min(PLACES_AT_LEAST, host.open_files // 2))
    need = clients * CLIENT_BYTES
    ledger.note(
        "connections",
        str(clients),
        origin,
        f"{why}; {workers} Nginx worker{'s' * (workers > 1)} with {places} places, "
        "two for each request that is passed on",
    )
    if need > host.memory_bytes / 2:
        ledger.note(
            "connections",
            f"{need // 2**20} MiB",
            "the machine",
            f"so much do {clients} slow clients take, of {host.memory_bytes // 2**20} MiB "
            f"({host.memory_source})",
            warn=True,
        )
    return clients, workers, places


def _usual(host: Host, workers: int, backlog: int) -> tuple[int, str, str]:
    by_memory = int(host.memory_bytes * MEMORY_SHARE / CLIENT_BYTES)
    memory = f"{host.memory_bytes // 2**20} MiB ({host.memory_source})"
    return min(
        (CLIENTS_AT_MOST, "default", "as many as most sites ever see"),
        (
            max(CLIENTS_AT_LEAST, by_memory),
            "the machine",
            f"slow ones take a sixteenth of {memory}",
        ),
        (
            max(CLIENTS_AT_LEAST, _fitting(workers, host, backlog)),
            "the machine",
            f"a process may have {host.open_files} descriptors",
        ),
    )


def _fitting(workers: int, host: Host, backlog: int) -> int:
    """Return for how many clients the descriptors of so many workers suffice.

    Each has a connection and a file that it reads or sends; what waits for the app has a third one.
    """
    room = workers * (host.open_files - OWN_FILES)
    return (room - backlog) // 2 if room >= 3 * backlog else room // 3


def _workers_for(clients: int, host: Host, backlog: int) -> int:
    room = max(1, host.open_files - OWN_FILES)
    return math.ceil((2 * clients + min(clients, backlog)) / room)


def _refuse_too_many(clients: int, origin: str, workers: int, host: Host, backlog: int) -> None:
    # Each is a process that wants a CPU as soon as its clients do something.
    most = max(4, 2 * host.cpus)
    if workers > most:
        wanted = (2 * clients + min(clients, backlog)) // most + OWN_FILES + 1
        raise errors.too_many_connections(
            clients,
            origin,
            most,
            _fitting(most, host, backlog),
            host.open_files,
            wanted,
        )
