"""How processes are called in messages, and how a site's end is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider import errors, lifecycle, process
from outrider.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.errors import OutriderError
    from outrider.lifecycle import Abandoned, Name, Outcome
    from outrider.site import Fleet, Site


def app_name(app: str, generation: int) -> Name:
    """Return what the lifecycle calls an app's process."""
    return f"{app}@{generation}"


def conclude(outcome: Outcome, fleet: Fleet) -> Exit:
    """Turn the way it ended into an exit code, or into the error to show."""
    name = called(outcome.name, fleet) if outcome.name else ""
    match outcome.kind:
        case "boot-failed" if outcome.name in fleet.releases:
            raise errors.release_failed(name, how_it_ended(outcome.code, {}))
        case "boot-failed":
            raise errors.boot_failed(name, how_it_ended(outcome.code))
        case "never-ready" if outcome.name == lifecycle.FRONT:
            raise errors.boot_failed(name, f"it did not answer within {lifecycle.FRONT_BOOT_S} s")
        case "never-ready":
            raise errors.never_ready(name, _boot_timeout_s(outcome.name or "", fleet))
        case "died":
            raise errors.died(name, how_it_ended(outcome.code), lifecycle.MOST_STARTS)
        case "drained":
            if outcome.killed:
                names = [called(one, fleet) for one in outcome.killed]
                timeout_s = fleet.first.limits.drain_timeout_s
                raise errors.had_to_kill(list(dict.fromkeys(names)), timeout_s, outcome.haste)
    return Exit.OK


def why_not(abandoned: Abandoned, fleet: Fleet) -> OutriderError:
    """Return the error that tells why new code did not take over."""
    name = called(abandoned.name, fleet) if abandoned.name else ""
    match abandoned.kind:
        case "stopped":
            return errors.reload_stopped()
        case "front":
            found = ["no worker with it answered in time", _ABOVE]
            return errors.reload_failed(f"{name} does not serve with its new file", found)
        case "never-ready":
            return errors.reload_too_slow(name, _boot_timeout_s(abandoned.name or "", fleet))
        case _:
            found = [how_it_ended(abandoned.code), _ABOVE]
            return errors.reload_failed(f"the new {name} did not start", found)


_ABOVE = "its lines stand above in the log"


def called(name: Name, fleet: Fleet) -> str:
    """Return how a process is called in messages, with its site where there are several."""
    if name == lifecycle.FRONT:
        return "Nginx"
    if name in fleet.extras:
        site, extra = fleet.extras[name]
        return f"process {extra.name}{whose(site)}"
    if name in fleet.releases:
        return release_of(fleet.releases[name])
    if "/" in name:  # of settings that are not in force any more
        return f"process {name.rpartition('/')[2]}"
    site = site_of(name, fleet)
    return f"{site.process.server.title}{whose(site)}"


def release_of(site: Site) -> str:
    """Return how a release step is called."""
    return f"the release step{whose(site)}"


def whose(site: Site) -> str:
    """Return ` of site 'shop'`; nothing where there is only one."""
    return "" if site.is_alone else f" of site {site.name!r}"


def site_of(name: Name, fleet: Fleet) -> Site:
    """Return the site of an app's process."""
    app = name.rpartition("@")[0]
    return next(site for site in fleet.sites if site.paths.app == app)


def _boot_timeout_s(name: Name, fleet: Fleet) -> float:
    return site_of(name, fleet).limits.boot_timeout_s


_GUNICORN_CODES = {3: "a worker failed to boot", 4: "the app could not be loaded"}
"""https://github.com/benoitc/gunicorn/blob/master/gunicorn/arbiter.py"""


def how_it_ended(code: int | None, meanings: Mapping[int, str] = _GUNICORN_CODES) -> str:
    """Say in words what an exit code means."""
    if code is None:
        return "it had to be killed"
    if code < 0:
        name = process.signal_name(-code)
        hint = "; out of memory?" if name == "SIGKILL" else ""
        return f"it was ended by {name}{hint}"
    return f"it ended with exit code {code}" + (f": {meanings[code]}" if code in meanings else "")
