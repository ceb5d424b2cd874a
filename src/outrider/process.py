"""The only file that spawns and signals."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from outrider.facts import Account
    from outrider.site import User

REPORT_VARIABLE = "OUTRIDER_REPORT_FD"
"""Names, for a child, the descriptor on which it answers its parent."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A child that was run to its end.

    Attributes:
        code: exit code, negative for a signal, None when it had to be killed at the time limit.
        output: standard output and standard error, in the order they came.
        report: what it wrote to the descriptor named by OUTRIDER_REPORT_FD.
    """

    code: int | None
    output: str
    report: str = ""


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None = None,
    timeout_s: float = 30,
    account: Account | User | None = None,
    pass_fds: Sequence[int] = (),
    report: bool = False,
) -> Finished:
    """Run a child to its end and return what it said.

    The child gets a process group of its own, which is killed when the time is over, so that
    nothing that it started is left. It dies with us, and its standard input is empty.

    Args:
        argv: words, never a shell string; the first is the program's path.
        env: the child's whole environment.
        cwd: its working directory.
        timeout_s: seconds until its group is killed.
        account: as root, whom to run it as; None: as ourselves.
        pass_fds: descriptors that stay open in the child.
        report: give it a descriptor to answer on, named by OUTRIDER_REPORT_FD.

    Raises:
        OSError: the program cannot be started.
    """
    child_env = dict(env)
    pipes = [_pipe(account), *([_pipe(account)] if report else [])]
    readers, writers = zip(*pipes, strict=True)
    if report:
        child_env[REPORT_VARIABLE] = str(writers[1])
        pass_fds = (*pass_fds, writers[1])
    try:
        child = subprocess.Popen(
            list(argv),
            env=child_env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=writers[0],
            stderr=subprocess.STDOUT,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - it takes no lock
            **_identity(account),
        )
    except BaseException:
        for reader in readers:
            os.close(reader)
        raise
    finally:
        for writer in writers:
            os.close(writer)
    child.stdout = os.fdopen(readers[0], "rb")
    return _collect(child, readers[1] if report else None, timeout_s)


def _pipe(account: Account | User | None) -> tuple[int, int]:
    """Return a pipe to a child: Nginx opens /dev/stdout by name, which asks for the owner."""
    reader, writer = os.pipe()
    if account is not None and _identity(account):
        os.fchown(writer, account.uid, account.gid)
    return reader, writer


def _widen(reader: int) -> None:
    # https://man7.org/linux/man-pages/man7/pipe.7.html (Pipe capacity)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _collect(child: subprocess.Popen[bytes], reader: int | None, timeout_s: float) -> Finished:
    chunks: list[bytes] = []
    thread = None
    if reader is not None:
        thread = threading.Thread(target=_drain, args=(reader, chunks), daemon=True)
        thread.start()
    code: int | None
    try:
        output, _ = child.communicate(timeout=timeout_s)
        code = child.returncode
    except subprocess.TimeoutExpired:
        kill_group(child.pid)
        output, _ = child.communicate()
        code = None
    except BaseException:
        kill_group(child.pid)
        child.wait()
        raise
    kill_group(child.pid)
    if thread is not None:
        thread.join()
    return Finished(
        code=code,
        output=output.decode("utf-8", "replace"),
        report=b"".join(chunks).decode("utf-8", "replace"),
    )


def _drain(reader: int, chunks: list[bytes]) -> None:
    with os.fdopen(reader, "rb") as stream:
        while chunk := stream.read1(65536):
            chunks.append(chunk)


def _identity(account: Account | User | None) -> dict[str, Any]:
    if account is None or os.geteuid() != 0 or account.uid == 0:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": list(account.groups)}


def signal_name(number: int) -> str:
    """Return `SIGABRT` for 6; a real-time signal has no name."""
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def kill_group(group: int) -> None:
    """Kill whatever is left of a child's process group."""
    signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal whatever is left of a child's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def has_terminal() -> bool:
    """Tell whether we have a terminal that is still there.

    https://man7.org/linux/man-pages/man4/tty.4.html
    """
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


# -- children that stay ----------------------------------------------------------------------------

LINE_LIMIT = 64 * 1024
"""Bytes after which a line without an end is passed on as it is."""
PAUSE_S = 0.05
"""Between two reads of a child's lines: to be woken for each line of a busy site costs more than to
print it, and takes the time from its workers."""
PLENTY_BYTES = 128 * 1024
"""Of one read, which brings 256 KB at the most."""
PIPE_BYTES = 2**20
"""What waits meanwhile; by Linux's default that is the most."""
_LAST_WORDS_S = 0.2
"""A pipe that nobody holds any more is at its end within two reads."""
_LOOK_S = 0.05
_LAST_MOMENT_S = 2


class _Lines(asyncio.Protocol):
    """Cuts a pipe's bytes into lines."""

    def __init__(self, on_lines: Callable[[list[str]], None], pause_s: float) -> None:
        self.on_lines = on_lines
        self.pause_s = pause_s
        self.rest = b""
        self.loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        # After one that brought much there may be more than a pause leaves room for.
        if self.pause_s and len(data) < PLENTY_BYTES:
            self.transport.pause_reading()
            self.loop.call_later(self.pause_s, self._resume)
        whole, end, self.rest = (self.rest + data).rpartition(b"\n")
        lines = whole.decode("utf-8", "replace").split("\n") if end else []
        if len(self.rest) > LINE_LIMIT:
            lines.append(self.rest.decode("utf-8", "replace"))
            self.rest = b""
        if lines:
            self.on_lines(lines)

    def _resume(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own
        if self.rest:
            self.on_lines([self.rest.decode("utf-8", "replace")])
        if not self.closed.done():
            self.closed.set_result(None)


@dataclass(eq=False)
class Child:
    """A running child, in a process group of its own."""

    pid: int
    _process: asyncio.subprocess.Process
    transports: list[asyncio.BaseTransport] = field(default_factory=list)
    pipes: list[asyncio.Future[None]] = field(default_factory=list)
    _lifeline: int | None = None

    def foretell_end(self) -> None:
        """Let the child know that its end is near, by the end of its lifeline."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def send(self, number: signal.Signals) -> None:
        """Signal the child alone, not its group."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the child and all that it started."""
        kill_group(self.pid)

    async def exited(self) -> int:
        """Return the exit code as soon as there is one; wait() is still to be called."""
        return await self._process.wait()

    async def last_words(self) -> int:
        """Return the exit code once its last lines have arrived, unless others go on writing."""
        code = await self._process.wait()
        await asyncio.wait(self.pipes, timeout=_LAST_WORDS_S)
        return code

    async def bury(self, number: signal.Signals | None = None, patience_s: float = 0) -> None:
        """End what outlives the child, which has ended, and hear its last lines.

        Args:
            number: the signal on which it finishes what it has; None: it is killed at once.
            patience_s: how long that may take; shortly before, its lifeline ends.
        """
        loop = asyncio.get_running_loop()
        if number is not None:
            signal_group(self.pid, number)
            until = loop.time() + patience_s
            while loop.time() < until and self._has_orphans():
                if loop.time() > until - _LAST_MOMENT_S:
                    self.foretell_end()
                await asyncio.sleep(_LOOK_S)
        await self.wait()

    def _has_orphans(self) -> bool:
        # As process 1 of a container we are their parent now, and nobody else would reap them.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self.pid, os.WNOHANG)[0]:
                pass
        if all(pipe.done() for pipe in self.pipes):
            return False
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def workers(self) -> list[int] | None:
        """Return the process ids of the child's own children; None: the system does not tell."""
        try:
            told = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        except OSError:
            return None if not sys.platform.startswith("linux") else []
        return [int(pid) for pid in told.split()]

    async def end(self, patience_s: float) -> int:
        """Ask the child to stop, kill it if it does not, and return its exit code.

        Cancelled, it kills at once: nobody is there any more who would do it later.
        """
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_s):
                return await self.wait()
        except TimeoutError:
            self.kill()
            return await self.wait()
        except asyncio.CancelledError:
            self.kill()
            raise

    async def wait(self, linger_s: float = 1.0) -> int:
        """Return the exit code once its last lines have arrived; nothing of its group stays.

        Args:
            linger_s: how long to wait for lines of processes that outlive it.
        """
        code = await self._process.wait()
        kill_group(self.pid)
        await asyncio.wait(self.pipes, timeout=linger_s)
        for transport in self.transports:
            transport.close()
        self.foretell_end()
        return code


async def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str,
    account: User | None,
    pass_fds: Sequence[int] = (),
    on_lines: Callable[[list[str]], None],
    notify: tuple[str, Callable[[list[str]], None]] | None = None,
    lifeline: str | None = None,
) -> Child:
    """Start a child that stays, and hear each line that it writes to its output or error.

    It gets a process group of its own, so that Ctrl-C reaches the supervisor alone, and it dies
    with the supervisor, however that one ends.

    Args:
        argv: words; the first is the program's path.
        env: its whole environment.
        cwd: its working directory.
        account: as root, whom to run it as.
        pass_fds: descriptors that stay open in it.
        on_lines: called with the lines that have come, without their ends.
        notify: the variable that names one more descriptor, and what hears the lines there.
        lifeline: the variable that names a descriptor whose end of file foretells the child's end.
    """
    loop = asyncio.get_running_loop()
    child_env = dict(env)
    wanted = [(on_lines, PAUSE_S), *([(notify[1], 0.0)] if notify else [])]
    readers, writers = zip(*(_pipe(account) for _ in wanted), strict=True)
    _widen(readers[0])
    held, kept = os.pipe()
    try:
        if notify:
            child_env[notify[0]] = str(writers[1])
        if lifeline:
            child_env[lifeline] = str(held)
        process = await _started(
            *argv,
            env=child_env,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writers[0],
            stderr=writers[0],
            pass_fds=(*pass_fds, *writers[1:], *([held] if lifeline else [])),
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
            **_identity(account),
        )
    except BaseException:
        for descriptor in (*readers, kept):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (*writers, held):
            os.close(descriptor)
    child = Child(process.pid, process, _lifeline=kept)
    try:
        for reader, (callback, pause_s) in zip(readers, wanted, strict=True):
            transport, protocol = await loop.connect_read_pipe(
                partial(_Lines, callback, pause_s), os.fdopen(reader, "rb", 0)
            )
            child.transports.append(transport)
            child.pipes.append(protocol.closed)
    except BaseException:  # cancelled: nobody else knows of it yet
        child.kill()
        child.foretell_end()
        for opened in child.transports:
            opened.close()
        raise
    return child


async def _started(*argv: str, **options: Any) -> asyncio.subprocess.Process:
    """Start a process; cancelled meanwhile, kill what it has started, too: asyncio does not."""
    starting = asyncio.ensure_future(asyncio.create_subprocess_exec(*argv, **options))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            process = await starting
            kill_group(process.pid)
            await process.wait()
        raise


@contextlib.contextmanager
def cancelled_by_signals(task: asyncio.Task[Any]) -> Iterator[list[int]]:
    """Let the first signal that asks for an end cancel a task, as asyncio does for Ctrl-C.

    A handler that raises is no way out of an event loop: where a child is being forked, what it
    raises is printed and forgotten.

    Yields:
        the number of that signal, once it has come.
    """
    loop = asyncio.get_running_loop()
    heard: list[int] = []

    def hear(number: int) -> None:
        if not heard:
            heard.append(number)
            task.cancel()

    numbers = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    wanted = [number for number in numbers if before[number] is not signal.SIG_IGN]
    for number in wanted:
        loop.add_signal_handler(number, hear, number)
    try:
        yield heard
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def _die_with(parent: int) -> Callable[[], None] | None:
    """Return what makes a Linux child end when its parent is killed: nobody else could end it then.

    https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
    """
    if not sys.platform.startswith("linux"):
        return None
    # Looked up here: after the fork, a lock that another thread held stays locked.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def bind_fate() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed in between
            os._exit(1)

    return bind_fate
