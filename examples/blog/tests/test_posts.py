"""Posts over the wire: what readers see, and that writers do not get in each other's way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from blog import posts
from blog.accounts import Role
from blog.posts import Draft, Kind, Status
from tests.people import NOW


@pytest.fixture
def publish(db):
    def store(title, *, days=0, **more):
        at = NOW - timedelta(days=days)
        draft = Draft(title=title, status=Status.PUBLISHED, publish_at=at, **more)
        return posts.insert(db, draft, None, NOW)

    return store


def titles(listing):
    return [post.title for post in listing.posts]


# -- what readers see ----------------------------------------------------------------------------


def test_drafts_scheduled_and_hidden_posts_and_pages_are_in_no_list(db, publish):
    publish("Shown")
    publish("Later", days=-1)
    publish("Hidden", weight=-1)
    publish("Page", kind=Kind.PAGE)
    posts.insert(db, Draft(title="Draft", publish_at=NOW), None, NOW)
    assert titles(posts.visible(db, NOW)) == ["Shown"]
    assert [page.title for page in posts.pages(db, NOW)] == ["Page"]
    assert titles(posts.visible(db, NOW + timedelta(days=1))) == ["Later", "Shown"]


def test_a_hidden_post_can_be_reached_and_a_draft_or_scheduled_one_cannot(db, publish):
    publish("Hidden", weight=-1)
    publish("Later", days=-1)
    assert posts.visible_one(db, NOW, "hidden", "post").title == "Hidden"
    assert posts.visible_one(db, NOW, "hidden", "page") is None
    assert posts.visible_one(db, NOW, "later", "post") is None


def test_pinned_posts_stand_before_newer_ones(db, publish):
    for title, days, weight in (("old", 2, 0), ("new", 0, 0), ("pin", 9, 1), ("top", 8, 5)):
        publish(title, days=days, weight=weight)
    assert titles(posts.visible(db, NOW)) == ["top", "pin", "new", "old"]


def test_every_post_stands_on_one_page_of_the_list(db, publish):
    for number in range(7):
        publish(f"{number}")
    pages = [posts.visible(db, NOW, page=page, per_page=3) for page in (1, 2, 3, 4)]
    assert [len(page.posts) for page in pages] == [3, 3, 1, 0]
    assert len({post.id for page in pages for post in page.posts}) == 7
    assert (pages[0].pages, pages[0].total) == (3, 7)
    assert posts.visible(db, NOW, words="nothing").pages == 1


def test_a_month_is_that_of_the_sites_time_zone(db, publish):
    zone = ZoneInfo("Asia/Shanghai")
    end = datetime(2026, 1, 31, 23, 30, tzinfo=timezone.utc)
    posts.insert(db, Draft(title="a", status=Status.PUBLISHED, publish_at=end), None, NOW)
    assert posts.months(db, NOW) == [(2026, 1, 1)]
    assert posts.months(db, NOW, zone) == [(2026, 2, 1)]
    assert titles(posts.visible(db, NOW, month=(2026, 2), zone=zone)) == ["a"]
    assert titles(posts.visible(db, NOW, month=(2026, 2))) == []
    assert titles(posts.visible(db, NOW, month=(2025, 12))) == []


def test_tags_and_categories_are_counted_and_filtered(db, publish):
    publish("one", tags=("Sea", "walk"), category="Out")
    publish("two", tags=("walk",))
    publish("not yet", days=-1, tags=("walk",), category="Out")
    assert posts.tags(db, NOW) == [("Sea", 1), ("walk", 2)]
    assert posts.categories(db, NOW) == [("Out", 1)]
    assert titles(posts.visible(db, NOW, tag="Sea")) == ["one"]
    assert titles(posts.visible(db, NOW, category="Out")) == ["one"]


@pytest.mark.parametrize("words", ["ÜBER", "harbour tea", "(a.b)*", "WALK"])
def test_the_search_finds_every_word_in_title_text_or_tags(db, publish, words):
    publish("Über", markdown="At the *harbour* we had tea (a.b)*.", tags=("walk",))
    publish("Other", markdown="harbour axb")
    assert titles(posts.visible(db, NOW, words=words)) == ["Über"]


@pytest.mark.parametrize("words", [".*", "[", "$", "harbour missing"])
def test_the_search_takes_no_pattern_and_no_part_of_the_words(db, publish, words):
    publish("Harbour")
    assert posts.visible(db, NOW, words=words).total == 0


def test_a_search_of_megabytes_is_cut(db, publish):
    publish("Harbour")
    assert posts.visible(db, NOW, words="harbour " * 100_000).total == 1


def test_the_neighbours_are_the_visible_ones_before_and_after(db, publish):
    old, post, new = (publish(title, days=days) for title, days in (("a", 3), ("b", 2), ("c", 1)))
    publish("hidden", days=2, weight=-1)
    assert posts.neighbours(db, NOW, post) == (old, new)
    assert posts.neighbours(db, NOW, new) == (post, None)


def test_the_neighbour_may_have_come_out_in_the_same_second(db, publish):
    first, second = publish("a"), publish("b")
    assert posts.neighbours(db, NOW, first) == (None, second)
    assert posts.neighbours(db, NOW, second) == (first, None)


# -- slugs ---------------------------------------------------------------------------------------


def test_an_old_address_leads_to_the_new_one(db, publish):
    post = publish("Old")
    moved = posts.save(db, post.id, 1, Draft(title="New", status=Status.PUBLISHED), NOW)
    assert (moved.slug, moved.former_slugs) == ("new", ("old",))
    assert posts.moved(db, "old", "post") == "new"
    assert posts.moved(db, "old", "page") is None
    back = Draft(title="Old", status=Status.PUBLISHED)
    assert posts.save(db, post.id, 2, back, NOW).former_slugs == ("new",)


def test_the_address_of_a_draft_was_never_public_so_none_is_kept(db):
    post = posts.insert(db, Draft(title="Old"), None, NOW)
    assert posts.save(db, post.id, 1, Draft(title="New"), NOW).former_slugs == ()


def test_a_slug_is_unique_over_posts_and_pages(db, publish):
    publish("About")
    assert publish("About", kind=Kind.PAGE).slug == "about-2"
    with pytest.raises(posts.SlugTakenError):
        publish("Else", slug="about")


def test_writers_who_take_the_same_title_at_once_each_get_a_slug(db):
    def write(_):
        return posts.insert(db, Draft(title="Same"), None, NOW).slug

    with ThreadPoolExecutor(6) as pool:
        slugs = set(pool.map(write, range(6)))
    assert slugs == {"same", *(f"same-{number}" for number in range(2, 7))}


def test_a_title_without_letters_gets_an_address(db):
    assert posts.insert(db, Draft(title="🙂"), None, NOW).slug == "post"


def test_saving_with_an_empty_slug_keeps_the_own_one(db):
    post = posts.insert(db, Draft(title="Same"), None, NOW)
    assert posts.save(db, post.id, 1, Draft(title="Same"), NOW).slug == "same"


# -- writing -------------------------------------------------------------------------------------


def test_of_two_who_save_the_same_version_at_once_one_is_told(db):
    post = posts.insert(db, Draft(title="a"), None, NOW)

    def save(text):
        try:
            return posts.save(db, post.id, 1, Draft(title="a", markdown=text), NOW).markdown
        except posts.ConflictError as conflict:
            return conflict.current

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(save, "abcd"))
    [saved] = [result for result in results if isinstance(result, str)]
    assert {result.markdown for result in results if result != saved} == {saved}


def test_what_is_stored_is_what_was_said_and_html_is_cleaned(db, person):
    draft = Draft(title="a", markdown="*x*<script>y</script>", tags=("t",), category="c", weight=3)
    writer = person(Role.WRITER)
    post = posts.insert(db, draft, writer, NOW)
    assert posts.by_id(db, post.id) == post
    assert (post.html, post.text) == ("<p><em>x</em></p>\n", "x")
    assert (post.author, post.author_name, post.version) == (writer.id, "Writer", 1)


def test_publishing_keeps_a_past_date_and_takes_now_instead_of_a_later_one(db, publish):
    past, later = publish("a", days=5), publish("b", days=-5)
    posts.unpublish(db, past.id, 1)
    assert posts.publish(db, past.id, 2, NOW).publish_at == NOW - timedelta(days=5)
    assert posts.publish(db, later.id, 1, NOW).publish_at == NOW


def test_changing_what_is_gone_says_so(db):
    post = posts.insert(db, Draft(title="a"), None, NOW)
    posts.delete(db, post.id, 1)
    for change in (
        lambda: posts.save(db, post.id, 1, Draft(title="a"), NOW),
        lambda: posts.publish(db, post.id, 1, NOW),
        lambda: posts.unpublish(db, post.id, 1),
        lambda: posts.delete(db, post.id, 1),
    ):
        with pytest.raises(posts.MissingError):
            change()


@pytest.mark.parametrize(
    ("role", "kind", "own", "may"),
    [
        (Role.READER, Kind.POST, True, False),
        (Role.WRITER, Kind.POST, True, True),
        (Role.WRITER, Kind.POST, False, False),
        (Role.WRITER, Kind.PAGE, True, False),
        (Role.EDITOR, Kind.PAGE, False, True),
        (Role.OWNER, Kind.POST, False, True),
    ],
)
def test_who_may_change_what(db, person, role, kind, own, may):
    user = person(role)
    post = posts.insert(db, Draft(title="a", kind=kind), user if own else None, NOW)
    assert posts.may_change(user, post) is may


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("Sea, walk", ("Sea", "walk")),
        ("海，山、海；", ("海", "山")),  # noqa: RUF001 - Chinese commas
        ("a/b,  A B , a b", ("a b",)),
        (" , ", ()),
    ],
)
def test_tags_are_split_at_commas_and_each_is_there_once(typed, tags):
    assert posts.words_of(typed) == tags
