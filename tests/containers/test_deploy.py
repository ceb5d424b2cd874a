"""New releases of a running Compose project, while clients ask for pages all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers.load import Load
from tests.containers.released import Site, exported
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.containers.compose import Compose


@pytest.fixture(scope="module")
def site(compose: Callable[..., Compose], tmp_path_factory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("containers")
    with reserved() as port:
        project = compose(exported(place, port))
        project.up()
        yield Site(project, place / "programs")


def test_releases_under_load_lose_nothing_and_change_pages_and_styles(site: Site):
    with Load(site.address) as load:
        for number in (2, 3):
            site.write(number)
            before = site.containers()
            done = site.deploy()
            assert done.returncode == 0, done.stderr
            assert f"release {number} " in site.text("/")
            assert site.text("/static/style.css") == f"/* release {number} */\n"
            after = site.containers()
            assert len(after) == 1
            assert after != before
    assert load.lost == [], load.describe()
    assert {"2", "3"} <= load.releases
    assert len(load.answered) == 6, "some kind of request was never made"


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("does not boot", "the new app does not serve", "RuntimeError: release 4 does not boot"),
        ("is unhealthy", "the new app does not serve: it was not healthy", "500"),
        ("fails to migrate", "the release step has failed", "release 4 cannot migrate"),
    ],
)
def test_the_old_code_serves_on_when_the_new_one(site: Site, fault, error, said):
    page, before = site.text("/"), site.containers()
    with Load(site.address) as load:
        site.write(4, fault)
        done = site.deploy()
    assert done.returncode == 10, done.stderr
    assert error in done.stderr
    assert said in done.stderr
    assert load.lost == [], load.describe()
    assert len(load.releases) == 1
    assert (site.text("/"), site.containers()) == (page, before)


def test_an_interrupted_release_is_put_right_by_the_next(site: Site):
    with Load(site.address) as load:
        site.write(5)
        site.deploy_and_die_at("starts the new app")
        site.deploy_and_die_at("the new app serves")
        done = site.deploy()
    assert done.returncode == 0, done.stderr
    assert load.lost == [], load.describe()
    assert "release 5 " in site.text("/")
    assert len(site.containers()) == 1


def test_plain_compose_finds_a_released_project_as_it_expects_it(site: Site):
    site.write(6)
    assert site.deploy().returncode == 0
    app = site.containers()
    site.project("up", "--detach", "--no-build", "--wait")
    assert site.containers() == app
    # Its own image has them: what the last container was given does not stand in the way.
    assert site.text("/static/style.css") == "/* release 6 */\n"
