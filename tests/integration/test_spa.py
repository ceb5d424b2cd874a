"""A single-page application: its files, its routes and its API under one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outrider import files
from outrider.site import Paths

if TYPE_CHECKING:
    from tests.integration.running import Running

pytestmark = pytest.mark.integration

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
DATA = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def site(serve, copy_of) -> Running:
    return serve("--spa", "built", cwd=copy_of("behaviour_spa"))


@pytest.fixture(scope="module")
def mounted(serve, copy_of) -> Running:
    return serve("--spa", "built", "--prefix", "/shop", cwd=copy_of("behaviour_spa"))


@pytest.mark.parametrize("path", ["/", "/items/3", "/deep/er/route", "/with.dot"])
def test_a_route_of_the_page_gets_the_index(site, path):
    answer = site.get(path, headers=PAGE)
    assert answer.status == 200
    assert "<title>Single page</title>" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


def test_its_files_are_served_and_hashed_ones_kept(site):
    answer = site.get("/assets/main.0a1b2c3d.js")
    assert answer.text == 'console.log("main")\n'
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_api_is_the_apps(site):
    assert site.get("/api/items", headers=DATA).json() == ["a", "b"]
    assert site.get("/", method="POST", body=b"abc").text == "took 3"


def test_a_page_of_the_apps_own_comes_before_the_index(site):
    assert "A page of the app's own" in site.get("/admin", headers=PAGE).text


def test_who_asks_for_data_that_is_not_there_gets_the_apps_answer(site):
    for headers in (DATA, {"Accept": "*/*"}, {}):
        answer = site.get("/api/none", headers=headers)
        assert (answer.status, answer.json()) == (404, {"error": "no such thing"})


def test_a_hashed_file_that_is_gone_is_no_page(site):
    assert site.get("/assets/main.99999999.js", headers={"Accept": "*/*"}).status == 404


@pytest.mark.parametrize("path", ["/.env", "/assets/../.git/config", "/x.py"])
def test_what_is_never_served_is_not_served(site, path):
    assert site.get(path, headers=DATA).status == 404


def test_under_a_prefix(mounted):
    assert "Single page" in mounted.get("/shop/items/3", headers=PAGE).text
    assert mounted.get("/shop/api/items", headers=DATA).json() == ["a", "b"]
    assert mounted.get("/shop/assets/main.0a1b2c3d.js").status == 200
    assert mounted.get("/shopping", headers=PAGE).status == 404


def test_while_the_site_is_worked_on_its_routes_say_so_and_its_files_go_on(site):
    paths = Paths(run=str(site.run_dir))
    files.set_maintenance(paths, is_on=True, allow=("127.0.0.3",))
    pages = [site.get(path, headers=PAGE) for path in ("/", "/items/3", "/admin")]
    answer, file = site.get("/api/items", headers=DATA), site.get("/assets/main.0a1b2c3d.js")
    allowed = site.get("/items/3", headers=PAGE, source="127.0.0.3")
    files.set_maintenance(paths, is_on=False)
    assert [page.status for page in pages] == [503] * 3
    assert all("The site is being worked on" in page.text for page in pages)
    assert (answer.status, answer.json()["error"]) == (503, "maintenance")
    assert file.status == 200
    assert "Single page" in allowed.text
