"""What each worker does at the moment, in memory that the supervisor reads.

As Apache's: https://httpd.apache.org/docs/2.4/mod/mod_status.html. The supervisor makes a file that
has no name (memfd_create) and hands its descriptor down. Each process that answers requests takes
one block of it and has it until it ends, by a lock that the kernel gives up when the process is
gone, however it went. In the block each request that is being answered has a slot.

Nothing is waited for: a file with a name would be written back to a disk now and then, and whoever
writes to such a page meanwhile waits for the disk. The reader takes no lock and may see a slot that
is half of one request and half of the next; nothing but the sight of it depends on that.
"""

from __future__ import annotations

import fcntl
import itertools
import mmap
import os
import struct
import threading
from time import monotonic
from typing import Any, Iterator, Mapping, NamedTuple

VARIABLE = "OUTRIDER_SCOREBOARD_FD"
SLOT_BYTES = 256
SLOTS = 63
"""Requests of one process that are told one by one; of more than these only the number is known."""
BLOCK_BYTES = (1 + SLOTS) * SLOT_BYTES
"""The first one's place is taken by the head."""

_MAGIC = b"outrider"
_HEAD = struct.Struct("<8sIIQ")
"""The magic, the process id, how many requests have no slot, and the number of the last of them."""
_SLOT = struct.Struct("<Qd239sB")
"""The request's number, when it began (CLOCK_MONOTONIC), its id, method and path with a space
between them, and its state: the last to be written."""
_STATE = SLOT_BYTES - 1
_FREE, _BUSY, _STREAM = range(3)


class Doing(NamedTuple):
    """A request that is being answered."""

    begun: float
    id: str
    method: str
    path: str
    is_stream: bool


class Board(NamedTuple):
    """What a process does."""

    pid: int
    requests: int
    """Begun since it started."""
    doing: list[Doing]
    beyond: int
    """Requests that have no slot."""


def in_environment(env: Mapping[str, str]) -> Scoreboard | None:
    """Return the scoreboard that a supervisor has handed down, if there is one.

    It is for a process that is about to answer requests: from now on it is known as such.
    """
    place = env.get(VARIABLE)
    if not place:
        return None
    board = Scoreboard(place)
    board.open()
    return board


class Scoreboard:
    """This process's block.

    Args:
        place: the descriptor, or a path to it where a worker is spawned and inherits none.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._forget()
        # A child of the worker, as of multiprocessing, is not the worker.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._opening = threading.Lock()
        self._here = _Here()
        self._block: Any = None
        self._free: list[int] = []
        self._numbers = itertools.count(1)
        self._beyond = 0
        self._last_beyond = 0

    # -- a request, wherever it is answered --------------------------------------------------------

    def begin(self, request: bytes) -> int:
        """Write down that a request is being answered, and return its slot.

        Args:
            request: its id, method and path, with a space between them.
        """
        if self._block is None:
            self.open()
        try:
            slot = self._free.pop()
        except IndexError:
            self._count_beyond(1, next(self._numbers))
            return 0
        _SLOT.pack_into(self._block, slot, next(self._numbers), monotonic(), request, _BUSY)
        return slot

    def end(self, slot: int) -> None:
        """Write down that it is over."""
        if self._block is None:
            return  # it has begun before a fork
        if slot:
            self._block[slot + _STATE] = _FREE
            self._free.append(slot)
        else:
            self._count_beyond(-1)

    def mark_stream(self, slot: int) -> None:
        """Write down that it may last for hours by its nature."""
        if slot and self._block is not None:
            self._block[slot + _STATE] = _STREAM

    # -- a request that is answered in one thread --------------------------------------------------

    def enter(self, environ: dict[str, Any]) -> None:
        """Begin the request of a WSGI environment."""
        get = environ.get
        request = f"{get('HTTP_X_REQUEST_ID', '')} {get('REQUEST_METHOD')} {get('PATH_INFO', '')}"
        here = self._here
        here.slot = self.begin(request.encode("latin-1", "replace"))
        here.is_in = True

    def leave(self) -> None:
        """End the request of this thread, if it has begun one."""
        here = self._here
        if here.is_in:
            here.is_in = False
            self.end(here.slot)

    def take_along(self) -> int:
        """Return the slot of this thread's request, which ends in another thread."""
        self._here.is_in = False
        return self._here.slot

    # -- the block ---------------------------------------------------------------------------------

    def open(self) -> None:
        """Take a block, if this process has none."""
        with self._opening:
            if self._block is None:
                block = _claimed(self._place)
                _HEAD.pack_into(block, 0, _MAGIC, os.getpid(), 0, 0)
                # The last is the first to be taken.
                self._free = [SLOT_BYTES * number for number in range(SLOTS, 0, -1)]
                self._block = block

    def _count_beyond(self, change: int, number: int = 0) -> None:
        with self._opening:
            self._beyond += change
            self._last_beyond = max(self._last_beyond, number)
            head = (_MAGIC, os.getpid(), self._beyond, self._last_beyond)
            _HEAD.pack_into(self._block, 0, *head)


class _Here(threading.local):
    slot = 0
    is_in = False


def _claimed(place: str) -> mmap.mmap:
    """Return a block that no living process has; where there is none, memory that nobody reads."""
    try:
        # It stays open: closing any descriptor of the file gives up the lock.
        # https://man7.org/linux/man-pages/man2/fcntl_locking.2.html
        descriptor = int(place) if place.isdigit() else os.open(place, os.O_RDWR | os.O_CLOEXEC)
        size = os.fstat(descriptor).st_size
    except OSError:
        size = descriptor = 0
    for offset in range(0, size - BLOCK_BYTES + 1, BLOCK_BYTES):
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except OSError:
            continue
        block = mmap.mmap(descriptor, BLOCK_BYTES, offset=offset)
        block[:] = bytes(BLOCK_BYTES)
        return block
    return mmap.mmap(-1, BLOCK_BYTES)


# -- in the supervisor -----------------------------------------------------------------------------


def read(data: bytes) -> Iterator[Board]:
    """Yield what stands in the blocks; what a process has left that is gone stands there too."""
    for offset in range(0, len(data) - BLOCK_BYTES + 1, BLOCK_BYTES):
        magic, pid, beyond, requests = _HEAD.unpack_from(data, offset)
        if magic != _MAGIC:
            continue
        doing = []
        for slot in range(offset + SLOT_BYTES, offset + BLOCK_BYTES, SLOT_BYTES):
            number, begun, request, state = _SLOT.unpack_from(data, slot)
            requests = max(requests, number)
            if state != _FREE:
                doing.append(Doing(begun, *_parts(request), is_stream=state == _STREAM))
        yield Board(pid, requests, doing, beyond)


def _parts(request: bytes) -> tuple[str, str, str]:
    """Return id, method and path; of something else, whatever is there."""
    text = request.rstrip(b"\0").decode("utf-8", "replace")
    request_id, _, rest = text.partition(" ")
    method, _, path = rest.partition(" ")
    return request_id, method, path
