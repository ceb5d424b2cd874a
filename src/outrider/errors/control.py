"""A running site that was not found, does not answer, or cannot do what it is asked for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence


def no_site_runs(run_dirs: Sequence[str], owners: Sequence[str]) -> OutriderError:
    """Nothing that could be asked runs on this machine as this user."""
    of_others = list(zip(owners, run_dirs, strict=True))
    return OutriderError(
        "no-site-runs",
        "no site of yours runs on this machine",
        found=[f"one of {owner} runs in {run_dir}" for owner, run_dir in of_others],
        fix=[
            "start one:  outrider run",
            *(
                f"or ask for that of {owner}:  "
                f"sudo -u {quoted(owner)} outrider status {quoted(run_dir)}"
                for owner, run_dir in of_others[:1]
            ),
        ],
        exit_code=Exit.CONTROL,
    )


def no_such_site(word: str, running: Sequence[str], fix: Sequence[str]) -> OutriderError:
    """Sites run, but none of that name, run directory or folder."""
    return OutriderError(
        "no-such-site",
        f"no running site of yours is {quoted(word)}",
        found=[f"there runs {one}" for one in running] or ["none runs at all"],
        fix=fix or ["start one:  outrider run"],
        exit_code=Exit.CONTROL,
    )


def several_sites_run(why: str, running: Sequence[str], fix: Sequence[str]) -> OutriderError:
    """Which of the running sites is meant is not clear."""
    return OutriderError(
        "several-sites-run",
        f"several sites of yours run, and {why}",
        found=running,
        fix=fix,
        exit_code=Exit.CONTROL,
    )


def site_is_elsewhere(running: Sequence[str], fix: Sequence[str]) -> OutriderError:
    """One site runs, of another folder; what changes a site has to be told that it is meant."""
    return OutriderError(
        "site-is-elsewhere",
        "no site of this folder runs",
        found=[f"there runs {one}" for one in running],
        fix=[f"if that one is meant:  {one}" for one in fix],
        exit_code=Exit.CONTROL,
    )


def site_runs_no_more(run_dir: str, pid: int | None) -> OutriderError:
    """A run directory is there, but who made it was killed."""
    return OutriderError(
        "site-runs-no-more",
        f"the site of {run_dir} runs no more",
        found=["nobody listens there; it was killed" + (f" (it was pid {pid})" if pid else "")],
        fix=["start it again, which tidies up first:  outrider run"],
        exit_code=Exit.CONTROL,
    )


def site_of_another(run_dir: str, owner: str) -> OutriderError:
    """The site is run by another user; only that user may ask it."""
    return OutriderError(
        "site-of-another",
        f"the site of {run_dir} is not yours",
        found=[f"it belongs to {owner}"],
        fix=[f"ask as that user:  sudo -u {quoted(owner)} outrider status {quoted(run_dir)}"],
        exit_code=Exit.CONTROL,
    )


def site_is_silent(run_dir: str, pid: int | None, patience_s: float) -> OutriderError:
    """The supervisor is there and does not answer: it is stopped (SIGSTOP) or hangs."""
    kill = f"kill -9 {pid}" if pid else "kill -9 PID"
    return OutriderError(
        "site-is-silent",
        f"the site of {run_dir} does not answer",
        found=[f"{f'pid {pid}' if pid else 'its supervisor'} said nothing for {patience_s:g} s"],
        fix=[
            f"if it was stopped (Ctrl-Z), let it go on:  kill -CONT {pid or 'PID'}",
            f"or end it, requests in progress too:  {kill}",
        ],
        exit_code=Exit.CONTROL,
    )


def site_went_away(run_dir: str) -> OutriderError:
    """The supervisor ended while it was asked something, without a word."""
    return OutriderError(
        "site-went-away",
        f"the site of {run_dir} ended while it was asked",
        found=["its supervisor was killed, or was about to end"],
        fix=["read the end of its log, and start it again:  outrider run"],
        exit_code=Exit.CONTROL,
    )


def not_understood(asked: str) -> OutriderError:
    """The running site is of another version of Outrider than the command."""
    return OutriderError(
        "not-understood",
        f"the running site does not know what {asked!r} is",
        found=["it was started by another version of Outrider than this command is"],
        fix=["start it again with this version:  outrider stop, then outrider run"],
        exit_code=Exit.CONTROL,
    )
