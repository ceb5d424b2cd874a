"""Measures one site after the other: a steady stream of visitors, and slow clients that come."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outrider import errors
from outrider.bench.measurement import Measurement, Reading, shown
from outrider.bench.slow import LARGE_BYTES, SlowClients
from outrider.bench.stream import Sample, Stream, fetch, percentile, poisson
from outrider.bench.target import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outrider.bench.options import Options
    from outrider.bench.target import Target

_READ_S = 0.1
_LATELY_S = 1.0


async def measure(
    target: Target, clients: int, options: Options, say: Callable[[str], None]
) -> Measurement:
    """Measure one site, which is started for it unless it runs.

    Args:
        target: the site.
        clients: how many slow ones there are at the end.
        options: what the user wants.
        say: hears several times a second how it stands.

    Raises:
        OutriderError: it does not start, or its page fails without slow clients.
    """
    say(f"{target.name}: starting")
    async with serving(target) as lines:
        status = await _status(target)
        if status < 400:
            kinds, left_out = await _kinds(target, clients)
            return await _Watch(target, kinds, left_out, options, say).run()
    # Only now, that it has ended, all that it had to say of this has been heard.
    raise errors.bench_page_fails(target.name, target.path, status, list(lines))


async def _status(target: Target) -> int:
    try:
        return (await fetch(target.address, target.path, target.host)).status
    except OSError as error:
        url = f"http://{target.host}{target.path}"
        raise errors.bench_nobody_answers(url, error.strerror or "no answer in time") from None


async def _kinds(target: Target, clients: int) -> tuple[dict[str, int], str]:
    """Divide clients among the kinds, without readers if there is nothing that takes long."""
    names, why = ["headers", "body", "reading"], ""
    if target.large_path is None:
        why = (
            f"no slow readers: no static file of {LARGE_BYTES // 1024} KB was found, and less is "
            "sent before anybody reads it; name something large:  --large-path /PATH"
        )
    else:
        why = await _why_not_large(target, target.large_path)
    if why:
        names.remove("reading")
    each = {
        name: clients // len(names) + (n < clients % len(names)) for n, name in enumerate(names)
    }
    return {name: count for name, count in each.items() if count}, why


async def _why_not_large(target: Target, path: str) -> str:
    try:
        answer = await fetch(target.address, path, target.host)
    except OSError:
        return f"no slow readers: {path} is not answered"
    if answer.status != 200:
        return f"no slow readers: {path} answers {answer.status}"
    if answer.body_bytes < LARGE_BYTES:
        return (
            f"no slow readers: {path} has {answer.body_bytes} bytes, and less than "
            f"{LARGE_BYTES // 1024} KB is sent before anybody reads it"
        )
    return ""


@dataclass
class _Watch:
    """One measurement, while it goes on."""

    target: Target
    kinds: Mapping[str, int]
    left_out: str
    options: Options
    say: Callable[[str], None]
    readings: list[Reading] = field(default_factory=list)
    lately: list[Sample] = field(default_factory=list)
    answered: int = 0
    failed: int = 0

    async def run(self) -> Measurement:
        """Let visitors come at a steady rate, and slow clients after a while."""
        target, schedule = self.target, self.options.schedule
        slow = {kind: self._slow(kind, count) for kind, count in self.kinds.items()}
        stream = Stream(
            address=target.address,
            dues=poisson(self.options.rate, self.options.seconds),
            path=target.path,
            host=target.host,
            on_sample=self._hear,
        )
        async with contextlib.AsyncExitStack() as stack:
            for clients in slow.values():
                stack.push_async_callback(clients.stop)
                await clients.start()
            watching = asyncio.create_task(self._read(slow))
            stack.callback(watching.cancel)
            # They stay until the last request is answered or has failed.
            samples = await stream.run()
            counts = {kind: clients.counts for kind, clients in slow.items()}
            for clients in slow.values():
                if clients.trouble:
                    raise RuntimeError("\n".join(clients.trouble))
        return Measurement(
            name=target.name,
            detail=target.detail,
            clients=sum(self.kinds.values()),
            kinds=self.kinds,
            left_out=self.left_out,
            schedule=schedule,
            samples=samples,
            readings=self.readings,
            counts=counts,
        )

    def _slow(self, kind: str, count: int) -> SlowClients:
        target, schedule = self.target, self.options.schedule
        paths = {"body": target.upload_path, "reading": target.large_path or target.path}
        return SlowClients(
            target.address,
            kind,
            count,
            path=paths.get(kind, target.path),
            host=target.host,
            delay_s=schedule.come_s,
            connect_per_s=count / (schedule.all_s - schedule.come_s),
        )

    def _hear(self, sample: Sample) -> None:
        self.answered += not sample.failure
        self.failed += bool(sample.failure)
        self.lately.append(sample)

    async def _read(self, slow: Mapping[str, SlowClients]) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            await asyncio.sleep(_READ_S)
            at_s = loop.time() - start
            counts = [clients.counts for clients in slow.values()]
            reading = Reading(
                at_s=round(at_s, 2),
                held=sum(one.held for one in counts),
                dropped=sum(one.dropped for one in counts),
                refused=sum(one.refused for one in counts),
            )
            self.readings.append(reading)
            self._tell(reading)

    def _tell(self, reading: Reading) -> None:
        end = self.options.schedule.end_s
        since = reading.at_s - _LATELY_S
        self.lately = [
            one for one in self.lately if one.failure or one.due_s + one.latency_s > since
        ][-1000:]
        lately = [one.latency_s for one in self.lately if not one.failure]
        median = shown(percentile(lately, 50)) if lately else "no answer"
        wanted = sum(self.kinds.values())
        when = f"{reading.at_s:4.1f} s" if reading.at_s <= end else "waiting for answers"
        self.say(
            f"{self.target.name}: {when}   slow clients {reading.held:>{len(str(wanted))}}/{wanted}"
            f"   answered {self.answered}   failed {self.failed}   median now {median}"
        )
