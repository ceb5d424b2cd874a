"""Several sites behind one front: what they share, and what keeps them apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider import errors
from outrider.plan import plan
from outrider.settings import BY_NAME
from outrider.site import Fleet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.facts import Facts
    from outrider.settings import Settings
    from outrider.site import Server, Site


def plan_fleet(facts: Sequence[Facts], settings: Sequence[Settings]) -> Fleet:
    """Decide everything about the sites behind one front.

    Args:
        facts: of each site.
        settings: of each site, in the same order.

    Raises:
        OutriderError: something that cannot be served, or two sites that are in each other's way.
    """
    among = len(settings)
    if among == 1:
        return Fleet(sites=(plan(facts[0], settings[0]),))
    sites = []
    for pair in zip(facts, settings, strict=True):
        try:
            sites.append(plan(*pair, among))
        except errors.OutriderError as error:
            raise error.of_site(pair[1].label) from None
    return join(sites)


def join(sites: Sequence[Site]) -> Fleet:
    """Return sites that were planned one by one as the fleet that they are.

    Raises:
        OutriderError: two of them are in each other's way.
    """
    _refuse_different_users(sites)
    _refuse_same_names(sites)
    shared = tuple(d for d in sites[0].decisions if _is_of_front(d.name))
    fleet = Fleet(
        sites=tuple(
            replace(site, decisions=tuple(d for d in site.decisions if not _is_of_front(d.name)))
            for site in sites
        ),
        decisions=shared,
    )
    for server in fleet.servers:
        _refuse_overlaps(server)
    return fleet


def _is_of_front(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].is_of_front


def _refuse_different_users(sites: Sequence[Site]) -> None:
    first = sites[0]
    for site in sites[1:]:
        if site.user.uid != first.user.uid:
            raise errors.several_users(
                *(f"site {one.name!r}: {one.user.name}" for one in (first, site))
            )


def _refuse_same_names(sites: Sequence[Site]) -> None:
    seen: dict[str, Site] = {}
    for site in sites:
        # Nginx's `upstream` tells no capitals from small letters.
        other = seen.setdefault(site.name.lower(), site)
        if other is not site:
            raise errors.same_name(site.name, _told(other), _told(site))


def _refuse_overlaps(server: Server) -> None:
    """Refuse what would hide a part of another site; a longer prefix in a shorter one does not."""
    of_prefix: dict[str, Site] = {}
    for site in server.sites:
        other = of_prefix.setdefault(site.prefix, site)
        if other is not site:
            host = server.names[0] if server.names else "any host"
            where = f"{host}, {site.prefix or '/'}"
            raise errors.same_place(where, _told(other), _told(site))
    for site in server.sites:
        for mount in site.mounts:
            for other in server.sites:
                if other is not site and _overlap(mount.url, site, other):
                    raise errors.folder_in_other_site(
                        mount.url,
                        f"{mount.directory} ({mount.source}), of {_told(site)}",
                        other.prefix,
                        _told(other),
                    )


def _overlap(url: str, site: Site, other: Site) -> bool:
    """Tell whether a folder of `site` hides a part of another one, or is hidden by it."""
    place = other.prefix + "/"
    is_hidden = url.startswith(place) and len(other.prefix) > len(site.prefix)
    # A folder without a URL of its own is only looked into before the app is asked.
    hides = url != site.prefix + "/" and place.startswith(url)
    return is_hidden or hides


def _told(site: Site) -> str:
    """Return which site that is, and who said where it answers."""
    said = {d.name: d for d in site.decisions}
    told = [
        f"{name} {decision.value} ({decision.origin})"
        for name in ("prefix", "server_names")
        if (decision := said.get(name))
    ]
    return f"site {site.name!r}: {', '.join(told)}"
