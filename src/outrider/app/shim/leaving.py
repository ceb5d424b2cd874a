"""Leave a port so that no request is lost: who connects meanwhile is refused, and goes elsewhere.

Nginx sends a request to another container if the first one refuses the connection, a POST too. But
Gunicorn's threaded worker keeps its port open until its last request is answered and takes nobody
in meanwhile: those connections are made by the kernel, and cut off in the end. So the port closes
first, and before that everybody who is already connected is taken in.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import socket
import struct
import threading
import time
from typing import Any, Iterable

TAKE_IN_S = 0.1
"""For connections that are being made. Who comes later asks again in a second, and is refused."""
CLOSE_S = 0.05
"""Until the worker has stopped to look at the port."""

_SO_ATTACH_FILTER = 26
_NO_NEW_CONNECTIONS = (
    # The classic BPF of https://www.kernel.org/doc/html/latest/networking/filter.html; a packet
    # begins with its TCP header: one with SYN and without ACK is dropped, everything else passes.
    (0x30, 0, 0, 13),  # ldb [13], the flags
    (0x54, 0, 0, 0x12),  # and SYN | ACK
    (0x15, 0, 1, 0x02),  # jeq SYN
    (0x06, 0, 0, 0),  # ret 0
    (0x06, 0, 0, 0xFFFFFFFF),  # ret all of it
)


def leave_port_first(worker: Any) -> None:
    """Close the port of a worker that is to stop before it waits: a `post_worker_init` hook."""
    stop = signal.getsignal(signal.SIGTERM)

    def end() -> None:
        time.sleep(TAKE_IN_S)
        if hasattr(worker, "asgi"):
            # It closes the port by itself, and at once.
            worker.loop.call_soon_threadsafe(worker.handle_exit_signal)
            return
        stop(signal.SIGTERM, None)  # type: ignore[operator,misc]
        time.sleep(CLOSE_S)
        for listener in worker.sockets:
            listener.close()

    def leave(*_: Any) -> None:
        take_nobody_new(worker.sockets)
        threading.Thread(target=end, name="outrider-leave", daemon=True).start()

    if hasattr(worker, "asgi"):
        worker.loop.add_signal_handler(signal.SIGTERM, leave)
    else:
        signal.signal(signal.SIGTERM, leave)


def take_nobody_new(listeners: Iterable[Any]) -> None:
    """Drop what would begin a connection; those that have begun go on.

    Not everywhere: other systems than Linux have no such filter.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _NO_NEW_CONNECTIONS)
    kept = ctypes.create_string_buffer(program, len(program))
    given = struct.pack("HL", len(_NO_NEW_CONNECTIONS), ctypes.addressof(kept))
    for listener in listeners:
        with contextlib.suppress(OSError):
            if listener.sock.family in (socket.AF_INET, socket.AF_INET6):
                listener.sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, given)
