"""What programs read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import pytest

from blog import posts, preferences
from blog.posts import Draft, Status
from blog.preferences import Preferences
from tests.people import NOW
from tests.published import page, published

ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def entries(client, **how):
    return ET.fromstring(client.get("/feed.atom", **how).data).findall(f"{ATOM}entry")


def test_the_feed_of_a_new_site(client):
    answer = client.get("/feed.atom")

    feed = ET.fromstring(answer.data)
    assert answer.mimetype == "application/atom+xml"
    assert feed.find(f"{ATOM}title").text == "A small blog"
    assert feed.findall(f"{ATOM}entry") == []


def test_an_entry_holds_the_whole_post(db, client):
    preferences.save(db, Preferences(name="Notes & more"))
    markdown = "First.\n\n![A boat](/media/boat.png) [about](/page/about)"
    post = published(db, "Slow & steady", markdown, tags=("nginx", "a < b"))

    (entry,) = entries(client)

    address = "http://localhost/post/slow-steady"
    assert entry.find(f"{ATOM}title").text == "Slow & steady"
    assert entry.find(f"{ATOM}link").attrib == {"href": address, "rel": "alternate"}
    assert entry.find(f"{ATOM}id").text == f"tag:localhost,2026:{post.id}"
    assert entry.find(f"{ATOM}published").text == "2026-07-01T12:00:00+00:00"
    assert [one.get("term") for one in entry.findall(f"{ATOM}category")] == ["nginx", "a < b"]
    content = entry.find(f"{ATOM}content")
    assert content.get("type") == "html"
    assert "<p>First.</p>" in content.text
    assert 'src="http://localhost/media/boat.png"' in content.text
    assert 'href="http://localhost/page/about"' in content.text


def test_the_feed_holds_what_lists_hold(db, client):
    page(db, "About")
    published(db, "Hidden", weight=-1)
    published(db, "Draft", status=Status.DRAFT)
    published(db, "Scheduled", publish_at=datetime.now(timezone.utc) + timedelta(days=1))
    for number in range(21):
        published(db, f"Number {number}", days=number)

    titles = [entry.find(f"{ATOM}title").text for entry in entries(client)]

    assert titles == [f"Number {number}" for number in range(20)]


def test_an_old_post_that_is_pinned_is_not_the_only_news(db, client):
    published(db, "Pinned", days=30, weight=9)
    for number in range(20):
        published(db, f"Number {number}", days=number)

    assert "Number 19" in {entry.find(f"{ATOM}title").text for entry in entries(client)}


def test_an_edited_post_is_the_same_entry_with_a_later_date(db, client):
    post = published(db, "Post")
    (before,) = entries(client)
    draft = Draft(title="Post", slug="moved", status=Status.PUBLISHED, publish_at=NOW)
    posts.save(db, post.id, post.version, draft, NOW + timedelta(hours=1))

    (after,) = entries(client)

    assert before.find(f"{ATOM}id").text == after.find(f"{ATOM}id").text
    assert before.find(f"{ATOM}updated").text == "2026-07-01T12:00:00+00:00"
    assert after.find(f"{ATOM}updated").text == "2026-07-01T13:00:00+00:00"


def test_a_scheduled_post_is_as_new_as_its_publication(db, client):
    published(db, "Scheduled", days=3, publish_at=NOW)

    (entry,) = entries(client)

    assert entry.find(f"{ATOM}updated").text == "2026-07-01T12:00:00+00:00"


@pytest.mark.parametrize("path", ["/feed.atom", "/sitemap.xml"])
def test_a_program_asks_whether_something_has_changed(db, client, path):
    published(db, "Post")
    before = client.get(path)

    again = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    since = client.get(path, headers={"If-Modified-Since": before.headers["Last-Modified"]})
    published(db, "Newer", days=-1)
    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})

    assert before.headers["Last-Modified"] == "Wed, 01 Jul 2026 12:00:00 GMT"
    assert before.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in before.headers
    assert (again.status_code, since.status_code, after.status_code) == (304, 304, 200)


def test_the_sitemap_names_every_page_once(db, client):
    published(db, "慢客户端")
    published(db, "Hidden", weight=-1)
    page(db, "About")

    found = ET.fromstring(client.get("/sitemap.xml").data)

    assert {
        url.find(f"{MAP}loc").text: url.findtext(f"{MAP}lastmod") for url in found.iter(f"{MAP}url")
    } == {
        "http://localhost/": None,
        "http://localhost/post/%E6%85%A2%E5%AE%A2%E6%88%B7%E7%AB%AF": "2026-07-01T12:00:00+00:00",
        "http://localhost/page/about": "2026-07-01T12:00:00+00:00",
    }


def test_robots_are_told_where_the_sitemap_is_and_to_leave_the_desk(client):
    answer = client.get("/robots.txt")

    assert answer.mimetype == "text/plain"
    assert answer.text.split("\n\n") == [
        "User-agent: *\nDisallow: /desk/",
        "Sitemap: http://localhost/sitemap.xml",
    ]
    assert "Last-Modified" not in answer.headers


def test_addresses_have_the_scheme_host_and_prefix_of_the_request(db, client):
    published(db, "Post", "![A boat](/media/boat.png)")
    how = {
        "base_url": "https://example.org:8443/blog",
        "path": "/feed.atom",
    }

    (entry,) = ET.fromstring(client.get(**how).data).findall(f"{ATOM}entry")
    sitemap = client.get(**how | {"path": "/sitemap.xml"}).text
    robots = client.get(**how | {"path": "/robots.txt"}).text

    root = "https://example.org:8443/blog"
    assert entry.find(f"{ATOM}link").get("href") == f"{root}/post/post"
    assert f'src="{root}/media/boat.png"' in entry.find(f"{ATOM}content").text
    assert f"<loc>{root}/post/post</loc>" in sitemap
    assert "Disallow: /blog/desk/" in robots
    assert f"Sitemap: {root}/sitemap.xml" in robots
