"""What `outrider bench` cannot measure, and what it refuses to do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence


def bench_too_many_clients(asked: int, most: int, why: str, more: str) -> OutriderError:
    """More slow clients than the site has room for, or `bench` itself may hold."""
    return OutriderError(
        "bench-too-many-clients",
        f"{asked} slow clients do not fit; at most {most} do",
        found=[why],
        fix=[f"take fewer:  --clients {most}", *([f"or {more}"] if more else [])],
        exit_code=Exit.SETTINGS,
    )


def bench_bad_url(url: str, why: str) -> OutriderError:
    """The URL is none that can be measured."""
    return OutriderError(
        "bench-bad-url",
        f"{url} cannot be measured",
        found=[why],
        fix=["name it as http://127.0.0.1:8000/, on the machine where it runs"],
        exit_code=Exit.SETTINGS,
    )


def bench_host_not_confirmed(host: str, said: str | None) -> OutriderError:
    """The site is on another machine, and nobody has said that it is the user's own.

    Slow clients are what the Slowloris attack consists of: against a stranger's site they are one.
    """
    return OutriderError(
        "bench-host-not-confirmed",
        f"{host} is another machine, and slow clients may bring its site to a standstill",
        found=[
            f"--this-host-is-mine names {said!r}, not {host!r}"
            if said
            else "nothing says that it is yours; against somebody else's this is an attack"
        ],
        fix=[
            "measure it on its own machine:  outrider bench http://127.0.0.1:8000/",
            f"or, if it is yours to stop, say so:  --this-host-is-mine {shlex.quote(host)}",
        ],
        exit_code=Exit.SETTINGS,
    )


def bench_immodest(option: str, asked: float, most: float) -> OutriderError:
    """On another machine, even one's own, only a modest measurement is made.

    What lies between belongs to others: routers that keep a table of connections, for instance.
    """
    return OutriderError(
        "bench-immodest",
        f"on another machine {option} is {most:g} at most",
        found=[f"{asked:g} was asked for"],
        fix=[
            f"take less:  {option} {most:g}",
            "or run this on the machine itself, where there is no such limit",
        ],
        exit_code=Exit.SETTINGS,
    )


def bench_needs_a_target(option: str, url: str) -> OutriderError:
    """The option is about a site that `bench` starts, and a URL names one that runs already."""
    return OutriderError(
        "bench-needs-a-target",
        f"{option} is for a site that bench starts itself",
        found=[f"{url} is one that runs already"],
        fix=[f"leave {option} out", "or name the app instead of the URL:  outrider bench app:app"],
        exit_code=Exit.SETTINGS,
    )


def bench_compare_asgi(target: str) -> OutriderError:
    """Gunicorn's sync worker runs WSGI apps only."""
    return OutriderError(
        "bench-compare-asgi",
        f"{target} is an ASGI app, which bare Gunicorn's sync worker cannot run",
        found=["--compare starts the same app under bare Gunicorn, with that worker"],
        fix=[
            "measure Outrider alone: leave --compare out",
            "or start the other server yourself and measure it:  outrider bench http://127.0.0.1:PORT/",
        ],
        exit_code=Exit.SETTINGS,
    )


def bench_no_matplotlib() -> OutriderError:
    """The plots of the report are drawn by Matplotlib, which is not installed."""
    return OutriderError(
        "bench-no-matplotlib",
        "--report needs Matplotlib, which draws its plots",
        found=["Outrider's environment has none"],
        fix=[
            'pip install "outrider[bench]"',
            "or leave --report out: the table and --json work without",
        ],
        exit_code=Exit.SETTINGS,
    )


def bench_not_started(name: str, how: str, lines: Sequence[str], by_hand: str) -> OutriderError:
    """What was to be measured did not start; its own last lines are shown."""
    return OutriderError(
        "bench-not-started",
        f"{name} did not start, so that there is nothing to measure",
        found=[how, "\n".join(lines) or "it said nothing"],
        fix=[f"start it by itself, and put right what it says:  {by_hand}"],
        exit_code=Exit.BOOT,
    )


def bench_nobody_answers(url: str, why: str) -> OutriderError:
    """The site that was to be measured does not answer one ordinary request."""
    return OutriderError(
        "bench-nobody-answers",
        f"nobody answers at {url}",
        found=[why],
        fix=["start the site first, and look at it:  curl -i " + shlex.quote(url)],
        exit_code=Exit.BENCH,
    )


def bench_page_fails(name: str, path: str, status: int, lines: Sequence[str]) -> OutriderError:
    """The page that was to be measured is an error already without slow clients."""
    return OutriderError(
        "bench-page-fails",
        f"{name} answers {status} to {path}, before there is any slow client",
        found=["\n".join(lines)] if lines else ["nothing else was asked of it"],
        fix=[
            "name a page that works, and that is no file:  --path /PAGE",
            *(["or put right what the lines above tell"] if lines and status >= 500 else []),
        ],
        exit_code=Exit.BENCH,
    )
