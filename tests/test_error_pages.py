"""Pages of the user's own for when the app cannot answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outrider.discover.error_pages import MOST_BYTES, look_at_error_pages
from outrider.errors import OutriderError
from outrider.plan import plan
from outrider.plan.error_pages import needed_by
from outrider.render.artifact import digest_of, is_untouched
from outrider.render.fleet import lay_out
from outrider.site import Fleet
from tests.situations import facts, settings

PAGE = "<!doctype html><title>Closed</title><h1>Closed for today</h1>"


def planned(**pages):
    found = {f"{name.lstrip('_')}.html": text for name, text in pages.items()}
    return plan(replace(facts(), error_pages=found), settings(error_pages="errors"))


def looked_at(folder):
    return look_at_error_pages(settings(error_pages=str(folder)))


# -- looking ---------------------------------------------------------------------------------------


def test_nothing_is_looked_at_when_no_folder_is_named():
    assert look_at_error_pages(settings()) == {}


def test_the_pages_of_the_folder_are_read(tmp_path):
    (tmp_path / "503.html").write_text(PAGE)
    (tmp_path / "style.css").write_text("")
    assert looked_at(tmp_path) == {"503.html": PAGE}


@pytest.mark.parametrize(
    ("name", "why"), [("gone", "No such file or directory"), ("page.html", "Not a directory")]
)
def test_what_is_no_folder_of_pages_is_refused(tmp_path, name, why):
    (tmp_path / "page.html").write_text(PAGE)
    with pytest.raises(OutriderError) as caught:
        looked_at(tmp_path / name)
    assert caught.value.id == "error-pages-unreadable"
    assert caught.value.found[0] == why


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"gr\xfcn", "it is not UTF-8"), ("ü".encode() * MOST_BYTES, "it has more than 256 kB")],
)
def test_what_cannot_be_a_page_is_refused(tmp_path, data, why):
    (tmp_path / "503.html").write_bytes(data)
    with pytest.raises(OutriderError) as caught:
        looked_at(tmp_path)
    assert caught.value.id == "bad-error-page"
    assert caught.value.found[0] == why


# -- deciding --------------------------------------------------------------------------------------


def test_pages_take_the_place_of_outriders_own():
    made = planned(_413=PAGE, maintenance=PAGE)
    assert [page.name for page in made.front.error_pages] == ["too_large", "maintenance"]
    assert not [one for one in made.decisions if one.is_warning]


def test_pages_that_are_never_shown_are_named():
    made = planned(_404=PAGE, _418=PAGE, _503=PAGE)
    told = {one.name: one.why for one in made.decisions if one.is_warning}
    assert told == {"404.html": "the app's own is shown", "418.html": "Nginx has no such page"}


def test_a_folder_without_a_page_that_is_shown_is_refused():
    with pytest.raises(OutriderError) as caught:
        planned(_404=PAGE)
    assert caught.value.id == "no-error-pages"


def test_what_only_the_app_would_answer_is_told():
    made = planned(_503=f'{PAGE}<link rel=stylesheet href="/static/a.css"><img src="logo.png">')
    [told] = [one for one in made.decisions if one.is_warning]
    assert (told.name, told.value) == ("503.html", "incomplete")
    assert told.why.startswith("logo.png would be asked of the app")


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ('<img src="data:image/png;base64,x"><a href="/home">home</a>', []),
        ('<script src="https://cdn.example/x.js"></script><script>x</script>', []),
        ('<img src="/static/logo.png"><img src="/other/logo.png">', ["/other/logo.png"]),
        ('<IMG SRC=a.png><img src="a.png"><link href=b.css>', ["a.png", "b.css"]),
    ],
)
def test_what_a_page_loads(text, needed):
    assert needed_by(text, ["/static/"]) == needed


# -- laying out ------------------------------------------------------------------------------------


def test_a_page_is_known_as_outriders_and_nginx_includes_it():
    files = {one.path: one.content for one in lay_out(Fleet(sites=(planned(_503=PAGE),)))}
    page = files["pages/starting.html"]
    assert page.endswith(PAGE)
    assert digest_of(page)
    assert is_untouched(page)
    assert not is_untouched(page + "more")
    assert 'include virtual="/_outrider/pages/starting.html"' in files["nginx.conf"]
