"""Several threads in a worker, of which one takes connections.

The leader takes a connection and answers it, again and again, as if it was alone: nothing is handed
over for a request that is quick. When one takes longer, because it waits for a database, the main
thread lets a thread that stands by take the lead. So no request is behind a slow one, and a quick
one costs what it costs without threads.

Two may take connections for a moment, the old leader and the new one: each connection is taken once
all the same. That is why no lock is between them.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import select
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

from .connections import Queue

try:
    import ctypes
except ImportError:  # a Python that was built without it
    ctypes = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from .connections import Connection, Listener, Taken

TICK_S = 0.005
"""A request that is under way for longer, up to twice as long, loses the lead."""
WATCH_S = 0.2
"""How long after the last connection the main thread goes on looking; then it waits to be woken."""
GRACE_S = 1.0
"""In which a thread whose request is to end has to come back."""


class RequestTimeoutError(SystemExit):
    """Raised in a request that has taken too long, as Gunicorn's sync worker raises SystemExit.

    It is made in the thread that it is sent to.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        thread = threading.current_thread()
        if isinstance(thread, Thread):
            thread.has_heard = True


class Thread(threading.Thread):
    """One that answers requests: when it has the lead it takes them too."""

    def __init__(self, crew: Crew, number: int) -> None:
        super().__init__(name=f"outrider-{number}", daemon=True)
        self.crew = crew
        self.turn = threading.Semaphore(0)
        """Released to end the standing by."""
        # Written by the thread itself:
        self.count = 0
        """Connections taken: by it the main thread sees whether a request is still the same."""
        self.is_busy = False
        self.has_heard = False
        """What it was told has arrived."""
        self.connection: Connection | None = None
        # Written by the main thread:
        self.seen = 0
        """The count that it has seen last, and since when."""
        self.since = 0.0
        self.told_at: float | None = None
        """When the request that is under way was told to end."""
        self.is_given_up = False

    def run(self) -> None:
        """Serve until the worker stops."""
        while True:
            try:
                self.crew.serve(self)
            except RequestTimeoutError:  # noqa: PERF203 - it came as the request was over
                pass
            except Exception:
                self.crew.worker.log.exception("Exception in worker thread")
            else:
                return
            finally:
                self.is_busy = self.has_heard = False
                self.told_at = None


class Crew:
    """The threads of a worker, and the main thread's watch over them.

    Args:
        worker: whose requests they answer.
        listeners: where connections come from.
        count: how many threads.
        clock: seconds, from anywhere.
    """

    def __init__(
        self,
        worker: Any,
        listeners: list[Listener],
        count: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = worker
        self._clock = clock
        self._stopped, self._stop = os.pipe()
        self._queue = Queue(listeners, self._stopped)
        self._standby: collections.deque[Thread] = collections.deque()
        self._numbers = itertools.count(1)
        self._threads = [Thread(self, next(self._numbers)) for _ in range(count)]
        self._leader = self._threads[0]
        self._is_wanted = False
        """The lead is to go on and nobody stands by: the next to be free has it."""
        self._is_watching = True

    # -- in the threads ----------------------------------------------------------------------------

    def serve(self, thread: Thread) -> None:
        """Lead or stand by, until the worker stops or the thread is given up."""
        worker, queue = self.worker, self._queue
        while worker.alive and not thread.is_given_up:
            if self._leader is not thread:
                self._stand_by(thread)
                continue
            taken = queue.take()
            # Told to stop while it is woken for a connection, it still takes that: no other worker
            # was woken for it.
            if taken is None and queue.wait(worker.beat_interval_s):
                taken = queue.take()
            if taken is not None:
                self._serve_one(thread, taken)

    def _stand_by(self, thread: Thread) -> None:
        if self._is_wanted:
            self._is_wanted = False
            self._leader = thread
        else:
            self._standby.append(thread)
            thread.turn.acquire()

    def _serve_one(self, thread: Thread, taken: Taken) -> None:
        thread.connection = taken.connection
        thread.count += 1
        thread.is_busy = True
        if not self._is_watching:
            self._is_watching = True
            self._wake()
        self.worker.serve(taken)
        # In this order: the main thread first says that it tells, then looks whether it still may.
        thread.is_busy = False
        if thread.told_at is not None:
            _await_what_was_told(thread)
            thread.told_at, thread.has_heard = None, False

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self.worker.PIPE[1], b"\0")

    # -- in the main thread ------------------------------------------------------------------------

    def run(self) -> None:
        """Watch over the threads until the worker stops, and then until they are done."""
        worker = self.worker
        worker.beat()  # before anything can hang
        for thread in self._threads:
            thread.start()
        poll = select.poll()
        poll.register(worker.PIPE[0], select.POLLIN)
        watched_until = self._clock() + WATCH_S
        while worker.alive:
            worker.beat()
            now = self._clock()
            if self._look(now):
                watched_until = now + WATCH_S
            self._is_watching = now < watched_until
            if not self._is_watching and self._is_anything_new():
                self._is_watching = True  # it came just before that was said
            interval_s = TICK_S if self._is_watching else worker.beat_interval_s
            if poll.poll(interval_s * 1000):
                with contextlib.suppress(BlockingIOError):
                    os.read(worker.PIPE[0], 4096)
                watched_until = self._clock() + WATCH_S
        self._finish(poll)

    def _look(self, now: float) -> bool:
        """Pass the lead on, end what hangs; tell whether anything is going on."""
        leader = self._leader
        is_slow = leader.is_busy and leader.count == leader.seen
        is_active = False
        for thread in list(self._threads):
            if thread.count != thread.seen:
                thread.seen, thread.since = thread.count, now
                is_active = True
            elif thread.is_busy:
                is_active = True
                self._look_at_slow(thread, now)
        if not is_slow:
            self._is_wanted = False
        elif self._leader is leader:  # no other has been put in its place
            self._pass_the_lead_on()
        return is_active

    def _is_anything_new(self) -> bool:
        return any(one.is_busy or one.count != one.seen for one in self._threads)

    def _pass_the_lead_on(self) -> None:
        try:
            self._leader = self._standby.popleft()
        except IndexError:
            self._is_wanted = True
        else:
            self._leader.turn.release()

    def _look_at_slow(self, thread: Thread, now: float) -> None:
        limit = self.worker.cfg.timeout
        if not limit or now - thread.since < limit or thread.is_given_up:
            return
        if thread.told_at is None:
            self._tell(thread, now)
        elif now - thread.told_at > GRACE_S:
            self._give_up(thread)

    def _tell(self, thread: Thread, now: float) -> None:
        """End a request where it is in the app's code, as far as it is in Python."""
        ident = thread.ident or 0
        frame = sys._current_frames().get(ident)  # noqa: SLF001 - the documented way
        thread.told_at = now
        if not thread.is_busy or thread.count != thread.seen:
            thread.told_at = None  # it has just come back
            return
        self.worker.tell_timeout(frame, now - thread.since, thread.name)
        if ctypes is not None:
            # https://docs.python.org/3/c-api/init.html#c.PyThreadState_SetAsyncExc
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(ident), ctypes.py_object(RequestTimeoutError)
            )

    def _give_up(self, thread: Thread) -> None:
        """Let a request go that does not end: it waits for something outside of Python.

        Its thread is replaced. When as many hang as there should be, the worker is.
        """
        thread.is_given_up = True
        self.worker.log.critical(
            "%s does not come back (pid:%s); another one takes its place",
            thread.name,
            self.worker.pid,
        )
        with contextlib.suppress(OSError, AttributeError):
            thread.connection.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        lost = [one for one in self._threads if one.is_given_up and one.is_alive()]
        if 2 * len(lost) > len(self._threads):
            self.worker.log.critical(
                "Too many threads hang: the worker (pid:%s) is replaced", self.worker.pid
            )
            self.worker.alive = False
            return
        successor = Thread(self, next(self._numbers))
        self._threads = [*self._threads, successor]
        if self._leader is thread:
            self._leader = successor
        successor.start()

    def _finish(self, poll: Any) -> None:
        """Let what is under way end; the master kills what takes longer than it grants."""
        os.write(self._stop, b"\0")
        for thread in self._threads:
            thread.turn.release()
        while any(one.is_alive() and not one.is_given_up for one in self._threads):
            self.worker.beat()
            self._look(self._clock())
            poll.poll(TICK_S * 1000)


def _await_what_was_told(thread: Thread) -> None:
    """Take the exception that is on its way to a thread that has come back by itself."""
    try:
        for _ in range(100):
            if thread.has_heard or thread.told_at is None:
                return
            time.sleep(TICK_S)
    except RequestTimeoutError:
        pass
