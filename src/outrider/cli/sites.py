"""What commands share that are about an app: its settings as flags, and the sites made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from outrider import discover, serve
from outrider.plan.fleet import plan_fleet
from outrider.settings import SETTINGS, Settings, resolve_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from outrider.site import Decision, Fleet


def with_settings(
    command: Callable[..., Any], without: frozenset[str] = frozenset()
) -> Callable[..., Any]:
    """Give a command the argument TARGET and a flag for each setting."""
    for row in reversed(SETTINGS):
        if row.name in without:
            continue
        if row.name == "target":
            command = click.argument("target", required=False)(command)
        else:
            command = click.option(
                row.option,
                row.name,
                metavar=row.metavar,
                multiple=row.many,
                help=f"{row.help}  [{row.variable}; default: {row.default}]",
            )(command)
    return command


def settings_of(flags: dict[str, Any], env: Mapping[str, str], cwd: str) -> Sequence[Settings]:
    """Return what the user said of each site: flags, variables and the file."""
    return resolve_sites(flags, env, discover.find_configuration(cwd), cwd)


def look_and_decide(
    settings: Sequence[Settings], env: dict[str, str], cwd: str
) -> tuple[Fleet, list[dict[str, str]]]:
    """Return the sites, and the environment of each one's app."""
    more = [discover.read_env_file(one) for one in settings]
    facts = discover.discover_all(settings, [{**env, **one} for one in more], cwd)
    fleet = plan_fleet(facts, settings)
    pairs = zip(more, fleet.sites, strict=True)
    return fleet, [serve.app_environment(env, one, site) for one, site in pairs]


def decisions_of(fleet: Fleet) -> Iterator[tuple[str, Decision]]:
    """Yield each decision, and before it whose it is where there are several sites."""
    for decision in fleet.decisions:
        yield "", decision
    for site in fleet.sites:
        for decision in site.decisions:
            yield "" if site.is_alone else f"site {site.name}: ", decision
