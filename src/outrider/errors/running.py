"""The site did not start, or did not stay, change or stop as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Sequence


def collect_failed(directory: str, told: str, *, is_late: bool, timeout_s: float) -> OutriderError:
    """Django's collectstatic failed before the start; the traceback is the user's code's."""
    return OutriderError(
        "collectstatic",
        f"collectstatic took longer than {timeout_s:g} s and was stopped"
        if is_late
        else "collectstatic failed, so that the static files would be missing",
        found=[told, f"it was to collect into {directory}"] if told else [f"into {directory}"],
        fix=[
            f"give it longer:  --boot-timeout {timeout_s * 2:g}"
            if is_late
            else "see it by hand:  python manage.py collectstatic --dry-run",
            "or start without it:  --collectstatic never",
        ],
        exit_code=Exit.BOOT,
    )


def boot_failed(name: str, how: str) -> OutriderError:
    """Gunicorn or Nginx ended, or Nginx did not answer; their own lines stand above in the log."""
    return OutriderError(
        "boot-failed",
        f"{name} did not start",
        found=[how],
        fix=["read its lines above; everything that had been started was stopped again"],
        exit_code=Exit.BOOT,
    )


def release_failed(name: str, how: str) -> OutriderError:
    """What has to run before the app starts did not succeed; its lines stand above in the log."""
    return OutriderError(
        "release-failed",
        f"{name} failed, so that the app was not started",
        found=[how],
        fix=["read its lines above, and try it by hand in the project's folder"],
        exit_code=Exit.BOOT,
    )


def never_ready(name: str, timeout_s: float) -> OutriderError:
    """No worker became ready in time."""
    return OutriderError(
        "never-ready",
        f"{name} was not ready within {timeout_s:g} s",
        found=["it was started and did not answer; everything was stopped again"],
        fix=[
            "look for what the app waits for when it starts (a database, a lock, a download)",
            f"or give it longer:  --boot-timeout {timeout_s * 2:g}",
        ],
        exit_code=Exit.BOOT,
    )


def died(name: str, how: str, starts: int) -> OutriderError:
    """Gunicorn or Nginx ended while the site ran, and could not be started again."""
    return OutriderError(
        "died",
        f"{name} ended by itself and could not be started again",
        found=[how, f"it was started {starts} times in a row and never got ready"],
        fix=["read its last lines above; start the site again:  outrider run"],
        exit_code=Exit.DIED,
    )


def reload_failed(what: str, found: Sequence[str]) -> OutriderError:
    """The new code does not work; the code that served before serves on."""
    return OutriderError(
        "reload-failed",
        f"{what}, so that the old code serves on",
        found=[entry for entry in found if entry],
        fix=["mend it and reload again; nothing of the new code is left running"],
        exit_code=Exit.RELOAD,
    )


def reload_too_slow(name: str, timeout_s: float) -> OutriderError:
    """The new code was not ready in time; the code that served before serves on."""
    return OutriderError(
        "reload-too-slow",
        f"{name} was not ready within {timeout_s:g} s, so that the old code serves on",
        found=["it was started and did not answer; nothing of it is left running"],
        fix=[
            "look for what the app waits for when it starts (a database, a lock, a download)",
            "or give it longer, which takes a new start:  --boot-timeout SECONDS",
        ],
        exit_code=Exit.RELOAD,
    )


def needs_a_restart(changed: Sequence[str]) -> OutriderError:
    """What was changed in the settings cannot change while the site runs."""
    return OutriderError(
        "needs-a-restart",
        "a reload cannot change what the running site was started with; the old code serves on",
        found=changed,
        fix=[
            "start it again:  outrider stop, then outrider run",
            "or change it back and reload",
        ],
        exit_code=Exit.RELOAD,
    )


def reload_refused(why: str) -> OutriderError:
    """A reload was asked for when none is possible."""
    return OutriderError(
        "reload-refused",
        "this reload was not begun",
        found=[why],
        fix=["ask for it again when that is over"],
        exit_code=Exit.RELOAD,
    )


def reload_stopped() -> OutriderError:
    """The site was asked to stop in the middle of a reload."""
    return OutriderError(
        "reload-stopped",
        "the site was asked to stop before the new code had taken over",
        fix=["start it again:  outrider run"],
        exit_code=Exit.RELOAD,
    )


def had_to_kill(names: Sequence[str], timeout_s: float, haste: str = "") -> OutriderError:
    """Something was killed: the drain time was over, or the order to stop came a second time."""
    found = {
        "": f"still busy {timeout_s:g} s after the order to stop",
        "asked twice": "asked a second time to stop, while requests were in progress",
        "booting": "still starting, and did not react to the order to stop",
    }
    fix = {
        "": f"give requests longer to finish:  --drain-timeout {timeout_s * 2:g}",
        "asked twice": f"to let requests finish, ask once; they get {timeout_s:g} s",
        "booting": "nothing is lost: it had not served anybody yet",
    }
    return OutriderError(
        "had-to-kill",
        f"{' and '.join(names)} had to be killed",
        found=[found[haste]],
        fix=[fix[haste]],
        exit_code=Exit.KILLED,
    )


def our_mistake(told: str) -> OutriderError:
    """Outrider's own code raised what it does not expect; please report it."""
    return OutriderError(
        "internal",
        "Outrider made a mistake; this is not your fault",
        found=[told.rstrip()],
        fix=["please report it with the lines above"],
        exit_code=Exit.INTERNAL,
    )
