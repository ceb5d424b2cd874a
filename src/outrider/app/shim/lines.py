"""One request id for every line that is written while a request is served."""

from __future__ import annotations

import contextvars
import io
import logging
import logging.handlers
import sys
import threading
from typing import Any

REQUEST_ID: contextvars.ContextVar[str] = contextvars.ContextVar("outrider_request_id", default="")


class TaggedStream(io.TextIOWrapper):
    """Standard output or error whose lines carry the id of the request that wrote them.

    That covers what no logging filter sees: print, warnings, a traceback of the framework's own
    logger. A line is written in one piece, so that lines of several threads do not mix.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream.buffer, encoding=stream.encoding, errors="backslashreplace")
        self._stream = stream  # keeps it from being collected, which would close the descriptor
        self._pending = threading.local()

    def write(self, text: str) -> int:
        """Hold text back until its line is complete."""
        whole, newline, rest = (getattr(self._pending, "text", "") + text).rpartition("\n")
        self._pending.text = rest
        if newline:
            tag = REQUEST_ID.get()
            mark = f"[req {tag}] " if tag else ""
            super().write("".join(mark + line + "\n" for line in whole.split("\n")))
            super().flush()
        return len(text)

    def flush(self) -> None:
        """Write what is there of an unfinished line."""
        rest = getattr(getattr(self, "_pending", None), "text", "")
        if rest:
            self._pending.text = ""
            super().write(rest)
        super().flush()


def tag_lines() -> None:
    """Replace standard output and error by tagged ones, once."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream).__name__ != TaggedStream.__name__:
            setattr(sys, name, TaggedStream(stream))


_CARRIED = "_outrider_request_id"


def carry_through_queues() -> None:
    """Let what is logged through a queue, as async apps do, keep its request's id, once.

    https://docs.python.org/3/howto/logging-cookbook.html#dealing-with-handlers-that-block
    """
    handler, listener = logging.handlers.QueueHandler, logging.handlers.QueueListener
    if hasattr(handler, _CARRIED):
        return
    enqueue, handle = handler.enqueue, listener.handle

    def enqueue_with_id(self: Any, record: logging.LogRecord) -> None:
        record.__dict__[_CARRIED] = REQUEST_ID.get()
        enqueue(self, record)

    def handle_with_id(self: Any, record: logging.LogRecord) -> None:
        # In the listener's own thread.
        REQUEST_ID.set(record.__dict__.pop(_CARRIED, ""))
        handle(self, record)

    setattr(handler, _CARRIED, True)
    handler.enqueue = enqueue_with_id  # type: ignore[method-assign]
    listener.handle = handle_with_id  # type: ignore[method-assign]
