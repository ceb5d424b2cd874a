"""What may change between two generations, and what needs another start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outrider.errors import Exit, OutriderError
from outrider.serve.generation import refuse_changes
from tests.situations import DEBIAN, facts, fleet

SHOP, BLOG = {"prefix": "/shop"}, {"prefix": "/blog"}


def refused(old, new):
    with pytest.raises(OutriderError) as caught:
        refuse_changes(old, new)
    assert (caught.value.id, caught.value.exit_code) == ("needs-a-restart", Exit.RELOAD)
    return "\n".join(caught.value.found)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"workers": 7},
        {"timeout": "9s"},
        {"body_limit": "1m"},
        {"prefix": "/shop"},
        {"server_names": ["shop.example"]},
        {"static": {"/docs/": "static"}},
    ],
    ids=str,
)
def test_what_the_apps_and_nginx_read_may_change(changed):
    refuse_changes(fleet(), fleet(**changed))


def test_sites_may_change_places():
    refuse_changes(fleet(SHOP, BLOG), fleet(BLOG, SHOP))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"bind": "127.0.0.1:9999"}, "the public address: 127.0.0.1:8000 -> 127.0.0.1:9999"),
        ({"metrics": "127.0.0.1:9000"}, "the address of the figures: none -> 127.0.0.1:9000"),
        ({"run_dir": "/srv/run"}, "the run directory: "),
        (
            {"observed": [facts(nginx=replace(DEBIAN, path="/opt/nginx"))]},
            "Nginx: /usr/sbin/nginx -> /opt/nginx",
        ),
    ],
    ids=str,
)
def test_what_the_supervisor_holds_needs_a_restart(changed, told):
    assert told in refused(fleet(), fleet(**changed))


def test_another_user_needs_a_restart():
    old = fleet()
    bob = replace(old.first, user=replace(old.first.user, name="bob"))
    assert "the user: " in refused(old, replace(old, sites=(bob,)))


@pytest.mark.parametrize(("before", "after"), [((SHOP, BLOG), (SHOP,)), ((SHOP,), (SHOP, BLOG))])
def test_a_site_more_or_less_needs_a_restart(before, after):
    assert "the set of sites: " in refused(fleet(*before), fleet(*after))


def test_all_that_has_changed_is_told_at_once():
    told = refused(fleet(), fleet(bind="127.0.0.1:9999", run_dir="/srv/run"))
    assert "the public address" in told
    assert "the run directory" in told
