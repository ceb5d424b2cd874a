"""The conversation with a running `outrider run`: JSON lines over a Unix socket of its user's own.

A client says one line, `{"do": "status"}`. Each answer is a line; the last one has `"end": true`
and a `result` or an `error`. Lines of `{}` between them say that the other side is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from outrider import errors, sockets
from outrider.errors import OutriderError
from outrider.values import parse_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

BEAT_S = 2
"""Between two signs of life, to whoever waits for something longer."""
_ASKED_WITHIN_S = 10
_LAST_WORDS_S = 1
_KEPT_BYTES = 2**20
"""Of the log, for whoever asks for its last lines."""
_UNREAD_BYTES = 2**20
"""What waits for a client that does not read; more of the log is lost to it, and counted."""


class Tell(Protocol):
    """Hears a step, or a line of the log that belongs to it, with the name of its source."""

    def __call__(self, text: str, source: str = "") -> None: ...


class Hear(Protocol):
    """Hears lines of the log: when they came (ISO), from which source, of which site."""

    def __call__(self, when: str, source: str, site: str, lines: Sequence[str]) -> None: ...


class Running(Protocol):
    """What can be asked of a running site."""

    def state(self) -> dict[str, Any]:
        """Return how it stands, as JSON can hold it.

        `pid`, `started` (seconds of the epoch), `names`, `url`, `directories` (of the projects, and
        where it was started), `folders` (that Nginx serves), `generation`, `phase`, `is_reloading`,
        `is_stopping`, `maintenance` and whom it lets through (`allow`), `processes` and `figures`.
        """
        ...

    async def reload(self, tell: Tell) -> None:
        """Bring new code into service, or raise an OutriderError while the old serves on."""
        ...

    def stop(self) -> None:
        """Begin to stop; the second time, kill."""
        ...

    def set_maintenance(self, is_on: bool, allow: tuple[str, ...]) -> None:
        """Answer everyone but these addresses with a page that says so."""
        ...

    def follow(self, hear: Hear) -> Callable[[], None]:
        """Hand on the log from now on; return what ends that."""
        ...


@contextlib.asynccontextmanager
async def listening(path: str, running: Running) -> AsyncIterator[None]:
    """Answer whoever asks, until the block ends.

    What the block raises is what those are told who asked for the end.

    Args:
        path: the socket's.
        running: the site.

    Raises:
        OutriderError: the socket cannot be made.
    """
    room = _Room(running)
    leave = running.follow(room.log.hear)
    listener = sockets.bind_private(path, 16, None)
    server = await asyncio.start_unix_server(room.converse, sock=listener)
    try:
        yield
    except OutriderError as error:
        room.how_it_ended = error
        raise
    finally:
        leave()
        server.close()
        room.is_over.set()
        if room.conversations:
            await asyncio.wait(room.conversations, timeout=_LAST_WORDS_S)
        for conversation in room.conversations:
            conversation.cancel()


@dataclass
class _Log:
    """The last lines of the log, as they came: they are taken apart by whoever reads them."""

    batches: deque[dict[str, Any]] = field(default_factory=deque)
    kept_bytes: int = 0

    def hear(self, when: str, source: str, site: str, lines: Sequence[str]) -> None:
        self.batches.append({"when": when, "source": source, "site": site, "lines": list(lines)})
        self.kept_bytes += sum(map(len, lines))
        while self.kept_bytes > _KEPT_BYTES and len(self.batches) > 1:
            self.kept_bytes -= sum(map(len, self.batches.popleft()["lines"]))


class _Room:
    """Where the conversations are held."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.log = _Log()
        self.is_over = asyncio.Event()
        self.is_told_to_stop = False
        self.how_it_ended: OutriderError | None = None
        self.conversations: set[asyncio.Task[Any]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear what is asked and answer it."""
        task = asyncio.current_task()
        assert task is not None
        self.conversations.add(task)
        speaker = _Speaker(writer)
        beat = asyncio.create_task(speaker.beat())
        try:
            line = await _heard(reader)
            speaker.say(end=True, ok=True, result=await self._answer(line, reader, speaker))
        except OutriderError as error:
            speaker.say(end=True, ok=False, error=as_words(error))
        except Exception:  # noqa: BLE001 - say that it is ours; the site goes on
            mistake = errors.our_mistake(traceback.format_exc())
            speaker.say(end=True, ok=False, error=as_words(mistake))
        finally:
            beat.cancel()
            self.conversations.discard(task)
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await writer.drain()
            writer.close()

    async def _answer(
        self, line: bytes, reader: asyncio.StreamReader, speaker: _Speaker
    ) -> dict[str, Any]:
        asked = _understood(line)
        match asked.get("do"):
            case "status":
                return self.running.state()
            case "reload":
                return await self._reload(speaker)
            case "stop":
                return await self._stop(speaker, is_now=asked.get("now") is True)
            case "logs":
                return await self._logs(reader, speaker, follows=asked.get("follow") is True)
            case "maintenance":
                # They become names of files.
                allow = tuple(map(parse_client, asked.get("allow") or ()))
                self.running.set_maintenance(asked.get("on") is True, allow)
                return {}
            case other:
                raise errors.not_understood(str(other))

    async def _reload(self, speaker: _Speaker) -> dict[str, Any]:
        # Whoever asked may go; what has begun is brought to its end.
        work = asyncio.create_task(self.running.reload(speaker.tell))
        await asyncio.shield(work)
        return {"generation": self.running.state().get("generation")}

    async def _stop(self, speaker: _Speaker, *, is_now: bool) -> dict[str, Any]:
        # A second order kills, so that one who asks twice by mistake only waits with the first.
        if not (self.is_told_to_stop or self.running.state().get("is_stopping")):
            self.running.stop()
        self.is_told_to_stop = True
        if is_now:
            self.running.stop()
        phase = ""
        while not self.is_over.is_set():
            state = self.running.state()
            if state.get("is_stopping") and state["phase"] != phase:
                phase = state["phase"]
                speaker.tell(phase)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await self.is_over.wait()
        if self.how_it_ended is not None:
            raise self.how_it_ended
        return {}

    async def _logs(
        self, reader: asyncio.StreamReader, speaker: _Speaker, *, follows: bool
    ) -> dict[str, Any]:
        for batch in self.log.batches:
            speaker.say(**batch)
        speaker.say(is_now=True)
        if not follows:
            return {}
        leave = self.running.follow(speaker.hear)
        gone = asyncio.create_task(reader.read(1))
        over = asyncio.create_task(self.is_over.wait())
        try:
            await asyncio.wait((gone, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leave()
            gone.cancel()
            over.cancel()
        return {}


class _Speaker:
    """Says lines to one client, which may not listen."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._lost = 0

    def say(self, **fields: Any) -> None:
        # To one who has gone, asyncio would complain in the site's own log.
        if not self._writer.transport.is_closing():
            self._writer.write(json.dumps(fields, ensure_ascii=False).encode() + b"\n")

    def tell(self, text: str, source: str = "") -> None:
        self.say(tell=text, source=source)

    def hear(self, when: str, source: str, site: str, lines: Sequence[str]) -> None:
        if self._unread() > _UNREAD_BYTES:
            self._lost += len(lines)
            return
        if self._lost:
            self.say(lost=self._lost)
            self._lost = 0
        self.say(when=when, source=source, site=site, lines=list(lines))

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if self._unread() == 0:
                self.say()

    def _unread(self) -> int:
        return self._writer.transport.get_write_buffer_size()


async def _heard(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_ASKED_WITHIN_S):
            return await reader.readline()
    except (OSError, TimeoutError, ValueError):
        return b""  # it has gone, said nothing, or more than anyone would


def _understood(line: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise errors.not_understood(line[:80].decode("utf-8", "replace").strip())
    return asked


def as_words(error: OutriderError) -> dict[str, Any]:
    """Return an error as JSON can hold it."""
    return {
        "id": error.id,
        "text": error.what,
        "found": list(error.found),
        "fix": list(error.fix),
        "exit_code": int(error.exit_code),
    }
