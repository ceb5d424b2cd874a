"""Whether Django's collectstatic runs before the start, and where to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider.site import Collect, Decision

if TYPE_CHECKING:
    from outrider.facts import App, Facts
    from outrider.plan.ledger import Ledger
    from outrider.site import Fleet, Paths, Site


def collected(facts: Facts, paths: Paths, ledger: Ledger) -> Collect | None:
    """Decide what is collected; None when the app has nothing to collect, or has it already.

    The admin pages of a project that was made a minute ago have no style until somebody collects
    theirs, so that is done where it changes nothing of the project's own.
    https://docs.djangoproject.com/en/stable/ref/contrib/staticfiles/#collectstatic
    """
    app = facts.app
    given = ledger.settings.get("collectstatic")
    mode = given.value if given else "auto"
    if app.collect is None:
        if given:
            ledger.note("collectstatic", mode, given.origin, "the app has no collectstatic")
        return None
    origin = given.origin if given else "the app"
    reason = _why_not(app, mode, ledger)
    if reason is not None:
        ledger.note("collectstatic", "not run", origin, reason)
        return None
    told = app.collect
    if told.static_root is None:
        # Directly in the run directory, which is the user's that the app runs as.
        directory = f"{paths.run}/static" + (f"-{paths.app}" if paths.folder else "")
        why = "STATIC_ROOT is not set; the project is not touched"
    else:
        directory = told.static_root
        why = "STATIC_ROOT is missing or empty" if told.is_empty else "before each start"
    ledger.note("collectstatic", f"into {directory}", origin, why)
    return Collect(
        directory=directory,
        settings_module=told.settings_module,
        is_override=told.static_root is None,
    )


def _why_not(app: App, mode: str, ledger: Ledger) -> str | None:
    told = app.collect
    url = next((one.url for one in app.static if one.source == "STATIC_ROOT"), None)
    asked = ledger.settings.value("static") or ()
    if told is None or not told.is_local:
        return "the files are not stored in a folder of this machine"
    if any(pair.url == url for pair in asked):
        return f"{url} is another folder by {ledger.settings.given['static'].origin}"
    if mode == "never":
        return ""
    if mode == "auto" and not told.is_empty:
        return "STATIC_ROOT has files; to have them collected at each start: --collectstatic always"
    return None


def kept(fleet: Fleet) -> Fleet:
    """Return sites to be written out: who starts them later collects nothing by itself."""
    return replace(fleet, sites=tuple(map(_kept, fleet.sites)))


def _kept(site: Site) -> Site:
    collect = site.collect
    if collect is None:
        return site
    left, roots = site.mounts, site.file_roots
    told = Decision(
        name="collectstatic",
        value="to be run by hand",
        origin="export",
        why="before each release:  python manage.py collectstatic",
        is_warning=True,
    )
    if collect.is_override:
        left = tuple(one for one in left if one.directory != collect.directory)
        roots = tuple(one for one in roots if one.directory != collect.directory)
        why = f"STATIC_ROOT is not set: set it in {collect.settings_module}, collect and export"
        told = replace(told, value="the static files are left out", why=why)
    others = tuple(one for one in site.decisions if one.name != "collectstatic")
    return replace(site, mounts=left, file_roots=roots, collect=None, decisions=(*others, told))
