"""What everybody may read."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from blog import posts, preferences
from blog.accounts import Role
from blog.excerpt import excerpt, marked
from blog.links import first_picture, rooted
from blog.posts import Draft, Status
from blog.preferences import Preferences
from tests.people import NOW
from tests.published import page, published


def titles(answer):
    return re.findall(r"<h2><a [^>]*>(.*?)</a></h2>", answer.text)


def test_the_front_page_of_a_new_site(client):
    answer = client.get("/")

    assert answer.status_code == 200
    assert "Nothing has been published yet." in answer.text
    assert 'aria-label="Pages"' not in answer.text


def test_the_newest_post_comes_first_after_the_pinned_one(db, client):
    published(db, "Old", days=2)
    published(db, "New", days=1)
    published(db, "Pinned", days=3, weight=1)
    published(db, "Hidden", weight=-1)

    assert titles(client.get("/")) == ["Pinned", "New", "Old"]


def test_what_readers_may_not_see_yet(db, client):
    future = datetime.now(timezone.utc) + timedelta(hours=1)
    published(db, "Draft", status=Status.DRAFT)
    published(db, "Scheduled", publish_at=future)

    assert titles(client.get("/")) == []
    assert client.get("/post/draft").status_code == 404
    assert client.get("/post/scheduled").status_code == 404


def test_a_hidden_post_is_reached_by_its_address(db, client):
    published(db, "Hidden", weight=-1)

    assert client.get("/post/hidden").status_code == 200


@pytest.fixture
def five(db):
    preferences.save(db, Preferences(posts_per_page=2))
    for number in range(5):
        published(db, f"Number {number}", days=number, tags=("all",))


def test_pages_of_the_list(five, client):
    assert titles(client.get("/")) == ["Number 0", "Number 1"]
    assert titles(client.get("/?page=3")) == ["Number 4"]
    assert "2 of 3" in client.get("/?page=2").text


def test_each_page_leads_to_the_ones_beside_it(five, client):
    first, second, last = (client.get(f"/tag/all?page={page}").text for page in (1, 2, 3))

    assert 'rel="prev"' not in first
    assert 'rel="next" href="/tag/all?page=2"' in first
    assert 'rel="prev" href="/tag/all"' in second
    assert 'rel="next" href="/tag/all?page=3"' in second
    assert 'rel="next"' not in last


@pytest.mark.parametrize("number", ["4", "0", "-1", "99999999999999999999"])
def test_there_is_no_page_beyond_the_end(five, client, number):
    assert client.get(f"/?page={number}").status_code == 404


def test_a_page_number_that_is_none_leads_to_the_first_page(five, client):
    assert titles(client.get("/?page=two")) == ["Number 0", "Number 1"]


def test_a_post(db, client):
    published(db, "Slow clients", "They *wait*.", tags=("nginx",), category="Why")

    text = client.get("/post/slow-clients").text

    assert "<h1>Slow clients</h1>" in text
    assert "<p>They <em>wait</em>.</p>" in text
    assert '<time datetime="2026-07-01T12:00:00+00:00">1 July 2026</time>' in text
    assert 'href="/tag/nginx"' in text
    assert 'href="/category/Why"' in text
    assert '<link rel="canonical" href="http://localhost/post/slow-clients">' in text
    assert '<meta property="og:title" content="Slow clients">' in text
    assert '<meta property="og:description" content="They wait.">' in text
    assert "Edit</a>" not in text


def test_a_title_is_text(db, client):
    published(db, "<script>alert(1)</script>", slug="script", tags=("<b>",), category="<i>")

    for path in ("/", "/post/script", "/search?q=script", "/archive", "/tags"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "<b>" not in text
        assert "<i>" not in text


def test_a_title_and_a_tag_in_chinese(db, client):
    published(db, "慢客户端", tags=("服务器",))

    assert client.get("/post/慢客户端").status_code == 200
    assert titles(client.get("/tag/服务器")) == ["慢客户端"]


def test_a_post_leads_to_its_neighbours(db, client):
    published(db, "First", days=3)
    published(db, "Second", days=2)
    published(db, "Third", days=1)

    text = client.get("/post/second").text

    assert 'rel="prev" href="/post/first"' in text
    assert 'rel="next" href="/post/third"' in text
    assert 'rel="prev"' not in client.get("/post/first").text


def test_a_former_address_leads_to_the_current_one(db, client):
    post = published(db, "Before")
    draft = Draft(title="After", slug="after", status=Status.PUBLISHED, publish_at=NOW)
    posts.save(db, post.id, post.version, draft, NOW)

    answer = client.get("/post/before")

    assert (answer.status_code, answer.location) == (301, "/post/after")
    assert client.get("/page/before").status_code == 404


def test_a_page_stands_in_the_navigation_and_not_in_the_list(db, client):
    page(db, "About")
    page(db, "Imprint", weight=-1)

    text = client.get("/").text

    assert '<a href="/page/about">About</a>' in text
    assert "Imprint" not in text
    assert titles(client.get("/")) == []
    assert '<a href="/page/about" aria-current="page">' in client.get("/page/about").text
    assert client.get("/post/about").status_code == 404


@pytest.mark.parametrize(
    ("role", "own", "edits"),
    [
        (Role.READER, False, False),
        (Role.WRITER, False, False),
        (Role.WRITER, True, True),
        (Role.EDITOR, False, True),
    ],
)
def test_who_may_edit_finds_the_way(db, person, browser, role, own, edits):
    user = person(role)
    published(db, "Post", author=user if own else None)

    assert ("Edit</a>" in browser(user).get("/post/post").text) is edits


# -- archive, tags and categories -----------------------------------------------------------------


def test_the_archive_counts_the_posts_of_each_month(db, client):
    published(db, "July")
    published(db, "June", days=10)
    published(db, "June, too", days=11)

    text = client.get("/archive").text

    assert re.findall(r'href="/archive/(\S+)">(\w+) <span[^>]*>(\d+)', text) == [
        ("2026/7", "July", "1"),
        ("2026/6", "June", "2"),
    ]
    assert titles(client.get("/archive/2026/6")) == ["June", "June, too"]
    assert titles(client.get("/archive/2026/06")) == ["June", "June, too"]


def test_a_month_begins_as_in_the_time_zone_of_the_site(db, client):
    preferences.save(db, Preferences(timezone="Asia/Shanghai"))
    published(db, "Late", publish_at=datetime(2026, 6, 30, 20, tzinfo=timezone.utc))

    assert titles(client.get("/archive/2026/07")) == ["Late"]
    assert ">1 July 2026</time>" in client.get("/post/late").text


@pytest.mark.parametrize("month", ["2026/13", "2026/0", "0/1", "9999/12", "2026/1", "2026/x"])
def test_a_month_without_posts(db, client, month):
    published(db, "July")

    assert client.get(f"/archive/{month}").status_code == 404


def test_tags_and_categories(db, client):
    published(db, "One", tags=("nginx", "slow clients"), category="Why")
    published(db, "Two", tags=("nginx",), days=1)

    assert re.findall(r'href="/tag/(\S+)">', client.get("/tags").text) == [
        "nginx",
        "slow%20clients",
    ]
    assert titles(client.get("/tag/nginx")) == ["One", "Two"]
    assert titles(client.get("/tag/slow clients")) == ["One"]
    assert titles(client.get("/category/Why")) == ["One"]
    assert 'href="/category/Why"' in client.get("/archive").text


@pytest.mark.parametrize("path", ["/tag/none", "/category/none", "/post/none", "/page/none"])
def test_what_nobody_has_written(client, path):
    assert client.get(path).status_code == 404


# -- search ----------------------------------------------------------------------------------------


def test_a_search_finds_posts_that_have_all_words(db, client):
    published(db, "Nginx", "It waits for slow clients.")
    published(db, "Gunicorn", "It has workers.", days=1)

    text = client.get("/search?q=SLOW+nginx").text

    assert "One post." in text
    assert '<a href="/post/nginx"><mark>Nginx</mark></a>' in text
    assert "It waits for <mark>slow</mark> clients." in text
    assert "/post/gunicorn" not in text


def test_a_search_that_finds_nothing(db, client):
    published(db, "Nginx")

    assert "No post has all of these words." in client.get("/search?q=apache").text


def test_a_search_for_signs_of_regular_expressions(db, client):
    published(db, "Nginx", "What (is) this?")

    assert "One post." in client.get("/search?q=(is)").text
    assert "No post has" in client.get("/search?q=.*").text
    assert "No post has" in client.get("/search?q=[").text


def test_a_search_shows_what_was_typed_as_text(client):
    text = client.get('/search?q="><script>').text

    assert "<script>" not in text.partition("<main")[2]
    assert "&#34;&gt;&lt;script&gt;" in text


@pytest.mark.parametrize("query", ["", "   "])
def test_a_search_for_nothing_is_the_form_alone(db, client, query):
    published(db, "Nginx")

    answer = client.get("/search", query_string={"q": query})

    assert answer.status_code == 200
    assert titles(answer) == []


def test_a_very_long_search(db, client):
    assert client.get("/search", query_string={"q": "word " * 2000}).status_code == 200


def test_pages_of_a_search(five, client):
    assert 'href="/search?page=2&amp;q=number"' in client.get("/search?q=number").text
    assert len(titles(client.get("/search?q=number&page=3"))) == 1


def test_words_are_marked_whatever_their_case():
    assert marked("Ångström & Co", ("ång", "co")) == "<mark>Ång</mark>ström &amp; <mark>Co</mark>"
    assert marked("a < b", ()) == "a &lt; b"


def test_an_excerpt_begins_shortly_before_the_first_word():
    text = "word " * 100 + "needle " + "word " * 100

    found = excerpt(text, ("needle",))

    assert found.startswith("… word ")
    assert "<mark>needle</mark>" in found
    assert found.endswith(" …")
    assert len(found) < 300


def test_an_excerpt_of_a_short_text_is_the_text():
    assert excerpt("A needle here", ("needle",)) == "A <mark>needle</mark> here"
    assert excerpt("Only the title has it", ("needle",)) == "Only the title has it"


def test_an_excerpt_of_a_script_without_spaces():
    found = excerpt("字" * 300 + "针" + "字" * 300, ("针",))

    assert "<mark>针</mark>" in found
    assert len(found) < 300


# -- links -----------------------------------------------------------------------------------------


def test_addresses_in_a_post_begin_with_the_prefix():
    html = '<p><a href="/page/about">x</a> <img src="/media/a.png" alt="a &gt; b"></p>'

    assert rooted(html, "/blog") == (
        '<p><a href="/blog/page/about">x</a> <img src="/blog/media/a.png" alt="a &gt; b"></p>'
    )
    assert rooted(html, "") == html


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://example.org/">elsewhere</a>',
        '<a href="//example.org/">elsewhere</a>',
        '<a href="#fn1">here</a>',
        '<code>&lt;img src="/media/a.png"&gt;</code>',
        '<img alt="an href=&quot;/x&quot; in words" src="a.png">',
    ],
)
def test_what_is_no_address_from_the_root(html):
    assert rooted(html, "/blog") == html


def test_the_first_picture_of_a_post():
    html = '<p>Text</p><img alt="a" src="/media/a.png"><img src="/media/b.png">'

    assert first_picture(html, "/blog") == "/blog/media/a.png"
    assert first_picture('<code>&lt;img src="/a.png"&gt;</code>', "") is None


def test_a_list_shows_the_first_picture(db, client):
    published(db, "Pictured", "![A boat](/media/boat.png)")
    published(db, "Plain", days=1)

    assert re.findall(r'<img src="/media/(.*?)" alt=""', client.get("/").text) == ["boat.png"]
    meta = '<meta property="og:image" content="http://localhost/media/boat.png">'
    assert meta in client.get("/post/pictured").text
    assert "og:image" not in client.get("/post/plain").text


def test_everything_stays_below_a_prefix(db, app):
    published(db, "Pictured", "![A boat](/media/boat.png) [about](/page/about)", tags=("nginx",))
    page(db, "About")
    client = app.test_client()

    for path in ("/", "/post/pictured", "/archive", "/tags", "/search?q=boat", "/none"):
        text = client.get(path, environ_overrides={"SCRIPT_NAME": "/blog"}).text
        addresses = re.findall(r'(?:href|src|action)="([^"]+)"', text)
        local = [one for one in addresses if not one.startswith(("#", "http://localhost/blog/"))]
        assert local
        assert all(one.startswith("/blog/") for one in local)


# -- what browsers may keep ------------------------------------------------------------------------


def test_a_browser_asks_whether_a_page_has_changed(db, client):
    published(db, "Post")
    before = client.get("/")

    again = client.get("/", headers={"If-None-Match": before.headers["ETag"]})
    published(db, "Another")
    after = client.get("/", headers={"If-None-Match": before.headers["ETag"]})

    assert before.headers["Cache-Control"] == "no-cache"
    assert "Cookie" in before.headers["Vary"]
    assert again.status_code == 304
    assert (after.status_code, "Another" in after.text) == (200, True)


def test_a_page_of_somebody_is_kept_by_nobody_else(db, browser):
    page(db, "About")
    client = browser(Role.READER)

    for path in ("/", "/page/about", "/archive", "/account"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Cookie" in answer.headers["Vary"]


def test_answers_to_forms_are_kept_by_nobody(db, browser):
    published(db, "Post")

    answer = browser(Role.READER).post("/post/post/comments", data={"text": ""})

    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "ETag" not in answer.headers


def test_reading_lists_sets_no_cookie(db, client):
    published(db, "Post")

    for path in ("/", "/archive", "/tags", "/search?q=post"):
        assert "Set-Cookie" not in client.get(path).headers
