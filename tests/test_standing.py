"""What is known of the sites while they run: names, what is shown, and what nobody needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from outrider.lifecycle import FRONT, Coming, Main, Phase
from outrider.process import Child
from outrider.serve.generation import App, Generation
from outrider.serve.standing import Life, Standing
from outrider.serve.words import app_name
from tests.situations import facts, fleet

SHOP, BLOG = {"prefix": "/shop"}, {"prefix": "/blog"}
QUEUE = {"processes": {"queue": "python queue.py"}}


def life(**more):
    """Return what is known of a process; its id is more than Linux gives to any."""
    return Life(Child(2**30, None), 1.0, **more)  # type: ignore[arg-type]


def generation(number, *tables, **above):
    looked_at = [facts(programs={"python": "/usr/bin/python"})] * (len(tables) or 1)
    sites = fleet(*tables, observed=looked_at, **above)
    apps = {app_name(site.paths.app, number): App(site, {}, None) for site in sites.sites}
    return Generation(number, sites, apps)


def serving(first):
    """Return a site that has started its front and its apps."""
    standing = Standing.at_first(first)
    names = (FRONT, *first.apps)
    standing.machine = replace(
        standing.machine, phase=Phase.SERVING, mains={name: Main(is_ready=True) for name in names}
    )
    standing.lives = {name: life(is_ready=True) for name in names}
    return standing


def states(standing):
    told = standing.told(Path("/run"), is_reloading=False)
    return {one["title"]: one["state"] for one in told["processes"]}


def test_a_process_is_called_old_or_new_only_where_there_are_two():
    standing = serving(generation(1))
    assert standing.called("app@1") == "Gunicorn"
    standing.generations[2] = generation(2)
    assert standing.called("app@2") == "the new Gunicorn"
    standing.machine = replace(standing.machine, generation=2)
    assert [standing.called(n) for n in ("app@1", "app@2")] == ["the old Gunicorn", "Gunicorn"]
    assert standing.called(FRONT) == "Nginx"


def test_among_several_sites_a_process_is_called_by_its_own():
    steps = {"release": "python migrate.py"}
    standing = serving(generation(1, {**SHOP, **QUEUE}, {**BLOG, **steps}))
    names = (FRONT, "shop@1", "shop/queue", "blog/release")
    assert [standing.called(name) for name in names] == [
        "Nginx",
        "Gunicorn of site 'shop'",
        "process queue of site 'shop'",
        "the release step of site 'blog'",
    ]


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (life(), "starting"),
        (life(is_ready=True), "serving"),
        (life(is_ready=True, is_asked=True), "draining"),
        (life(is_killed=True), "draining"),
    ],
)
def test_it_is_shown_what_a_process_does(shown, state):
    standing = serving(generation(1))
    standing.lives["app@1"] = shown
    assert states(standing) == {"Nginx": "serving", "Gunicorn": state}


def test_what_died_is_shown_until_it_starts_again():
    standing = serving(generation(1))
    del standing.lives["app@1"]
    assert states(standing) == {"Nginx": "serving", "Gunicorn": "waits to start again"}


def test_a_process_of_the_users_own_is_not_said_to_serve():
    standing = serving(generation(1, **QUEUE))
    standing.lives["app/queue"] = life()
    assert states(standing)["process queue"] == "running"


def test_for_the_figures_a_site_is_named_where_there_are_several():
    def found(standing):
        return [(one.title, one.site, one.generation) for one in standing.mains()]

    alone, several = serving(generation(1)), serving(generation(1, SHOP, BLOG))
    assert found(alone) == [("Nginx", "", None), ("Gunicorn", "", 1)]
    assert found(several) == [
        ("Nginx", "", None),
        ("Gunicorn", "shop", 1),
        ("Gunicorn", "blog", 1),
    ]


def test_a_generation_is_needed_while_it_counts_comes_or_runs():
    standing = serving(generation(1))
    for number in (2, 3, 4):
        standing.generations[number] = generation(number)
    standing.machine = replace(standing.machine, generation=3, coming=Coming(generation=4))
    assert standing.unneeded() == [2]
    del standing.lives["app@1"]
    assert standing.unneeded() == [1, 2]
