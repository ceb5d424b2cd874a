"""The writers' pages: who may do what, saving, and that nothing typed is ever lost."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from pymongo.errors import AutoReconnect

from blog import create_app, posts, preferences
from blog.accounts import Role
from blog.posts import Draft, Status
from blog.preferences import Preferences
from tests.mongo import free_port
from tests.people import NOW

FIELDS = {
    "title": "A walk",
    "markdown": "Along the *harbour*.",
    "kind": "post",
    "slug": "",
    "category": "",
    "tags": "",
    "publish_at": "",
    "weight": "0",
    "comments_open": "y",
}


@pytest.fixture
def writer(person):
    return person(Role.WRITER)


@pytest.fixture
def desk(browser, writer):
    return browser(writer)


@pytest.fixture
def stored(db, writer):
    """Return what stores a post of the writer."""

    def store(title="A walk", author=writer, **more):
        return posts.insert(db, Draft(title=title, **more), author, NOW)

    return store


def send(client, address, **fields):
    return client.post(address, data={**FIELDS, **fields})


def only(db):
    [document] = db.posts.find()
    return posts.Post.from_document(document)


# -- writing -------------------------------------------------------------------------------------


def test_what_a_writer_saves_first_is_a_draft_of_their_own(desk, db, writer):
    answer = send(desk, "/desk/posts/new", tags="Sea, walks")
    post = only(db)
    assert answer.status_code == 303
    assert answer.location == f"/desk/posts/{post.id}"
    assert (post.status, post.slug, post.author) == (Status.DRAFT, "a-walk", writer.id)
    assert post.tags == ("Sea", "walks")
    assert "Saved as a draft." in desk.get(answer.location).text


def test_the_publish_button_of_a_new_post_shows_it_to_readers(desk, db):
    answer = send(desk, "/desk/posts/new", action="publish")
    assert only(db).is_visible(datetime.now(timezone.utc))
    assert "Readers see it." in desk.get(answer.location).text
    assert desk.get("/post/a-walk").status_code == 200


def test_saving_a_published_post_leaves_it_published_at_its_time(desk, db, stored):
    post = stored(status=Status.PUBLISHED, publish_at=NOW + timedelta(seconds=42))
    send(desk, f"/desk/posts/{post.id}", version="1", publish_at="2026-07-01T12:00", title="B")
    now = only(db)
    assert (now.title, now.status, now.publish_at) == ("B", Status.PUBLISHED, post.publish_at)


def test_a_post_can_become_a_draft_again(desk, db, stored):
    post = stored(status=Status.PUBLISHED, publish_at=NOW)
    send(desk, f"/desk/posts/{post.id}", version="1", action="unpublish")
    assert only(db).status is Status.DRAFT
    assert desk.get("/post/a-walk").status_code == 404


def test_a_post_without_a_title_is_not_saved_and_the_text_stays(desk, db):
    answer = send(desk, "/desk/posts/new", title="  ")
    assert answer.status_code == 422
    assert "Give it a title." in answer.text
    assert "Along the *harbour*." in answer.text
    assert db.posts.count_documents({}) == 0


def test_an_address_that_is_taken_is_refused_with_a_sentence(desk, db, stored):
    stored("Other")
    answer = send(desk, "/desk/posts/new", slug="Other")
    assert answer.status_code == 422
    assert "“other” is the address of something else." in answer.text
    assert "Along the *harbour*." in answer.text
    assert db.posts.count_documents({}) == 1


def test_a_title_that_is_taken_gets_a_number(desk, db, stored):
    stored()
    send(desk, "/desk/posts/new")
    assert {post["slug"] for post in db.posts.find()} == {"a-walk", "a-walk-2"}


@pytest.mark.parametrize("slug", ["---", "🙂"])
def test_an_address_without_a_letter_is_refused(desk, slug):
    answer = send(desk, "/desk/posts/new", slug=slug)
    assert answer.status_code == 422
    assert "Use a letter or a digit" in answer.text


def test_a_chinese_title_gives_an_address_that_works(desk):
    send(desk, "/desk/posts/new", title="你好 世界", action="publish")
    assert desk.get("/post/你好-世界").status_code == 200


def test_the_same_form_sent_twice_makes_one_post(desk, db):
    page = desk.get("/desk/posts/new").text
    new_id = re.search(r'name="new_id"[^>]*value="(\w{24})"', page)[1]
    answers = [send(desk, "/desk/posts/new", new_id=new_id) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert only(db).version == 1


@pytest.mark.parametrize("weight", ["", "x", "1001"])
def test_a_weight_that_is_no_number_is_refused(desk, weight):
    assert send(desk, "/desk/posts/new", weight=weight).status_code == 422


def test_a_text_of_megabytes_is_refused_and_one_of_a_book_chapter_is_not(desk, db):
    assert send(desk, "/desk/posts/new", markdown="x" * 200_001).status_code == 422
    assert send(desk, "/desk/posts/new", markdown="x" * 200_000).status_code == 303


# -- scheduling ----------------------------------------------------------------------------------


def test_a_later_time_is_typed_on_the_clock_of_the_site(desk, db):
    preferences.save(db, Preferences(timezone="Asia/Shanghai"))
    answer = send(desk, "/desk/posts/new", action="publish", publish_at="2999-01-02T09:30")
    assert only(db).publish_at == datetime(2999, 1, 2, 1, 30, tzinfo=timezone.utc)
    page = desk.get(answer.location).text
    assert "Readers see it from 2 January 2999, 09:30 on." in page
    assert 'value="2999-01-02T09:30"' in page
    assert desk.get("/post/a-walk").status_code == 404


def test_a_time_that_the_clocks_skip_is_refused_and_what_is_typed_stays(desk, db):
    preferences.save(db, Preferences(timezone="Europe/Berlin"))
    answer = send(desk, "/desk/posts/new", publish_at="2026-03-29T02:30")
    assert answer.status_code == 422
    assert "there is no 02:30 on 29 March 2026" in answer.text
    assert 'value="2026-03-29T02:30"' in answer.text


def test_a_time_that_comes_twice_is_the_first_and_the_writer_is_told(desk, db):
    preferences.save(db, Preferences(timezone="Europe/Berlin"))
    answer = send(desk, "/desk/posts/new", publish_at="2026-10-25T02:30")
    assert only(db).publish_at == datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)
    assert "the time comes twice" in desk.get(answer.location).text


def test_saving_does_not_move_a_post_out_of_the_second_of_two_hours(desk, db, stored):
    preferences.save(db, Preferences(timezone="Europe/Berlin"))
    second = datetime(2026, 10, 25, 1, 30, 15, tzinfo=timezone.utc)
    post = stored(status=Status.PUBLISHED, publish_at=second)
    send(desk, f"/desk/posts/{post.id}", version="1", publish_at="2026-10-25T02:30")
    assert only(db).publish_at == second


# -- two writers ---------------------------------------------------------------------------------


def test_a_second_writer_is_told_and_nothing_is_lost(browser, desk, db, stored, person):
    post = stored(markdown="one\ntwo")
    editor = browser(Role.EDITOR)
    send(editor, f"/desk/posts/{post.id}", version="1", markdown="one\ntheirs <b>")

    answer = send(desk, f"/desk/posts/{post.id}", version="1", markdown="one\nmine")

    assert answer.status_code == 409
    assert "Somebody else saved this post while you wrote" in answer.text
    assert "<del>theirs &lt;b&gt;</del>" in answer.text
    assert "<ins>mine</ins>" in answer.text
    assert re.search(r"<textarea[^>]*>\s*one\nmine</textarea>", answer.text)
    assert only(db).markdown == "one\ntheirs <b>"

    version = re.search(r'name="version"[^>]*value="(\d+)"', answer.text)[1]
    assert version == "2"
    send(desk, f"/desk/posts/{post.id}", version=version, markdown="one\nmine and theirs")
    assert only(db).markdown == "one\nmine and theirs"


def test_a_third_version_during_the_conflict_is_noticed_too(desk, stored):
    post = stored()
    for text in ("a", "b"):
        version = "1" if text == "a" else "2"
        send(desk, f"/desk/posts/{post.id}", version=version, markdown=text)
    assert send(desk, f"/desk/posts/{post.id}", version="2", markdown="c").status_code == 409


def test_saving_the_same_text_twice_is_no_conflict(desk, db, stored):
    post = stored()
    for _ in range(2):
        assert send(desk, f"/desk/posts/{post.id}", version="1").status_code == 303
    assert only(db).version == 2


def test_a_form_without_a_version_overwrites_nothing(desk, db, stored):
    post = stored(markdown="before")
    assert send(desk, f"/desk/posts/{post.id}", version="x").status_code == 409
    assert only(db).markdown == "before"


def test_a_post_deleted_meanwhile_can_be_made_again(desk, db, stored):
    post = stored()
    posts.delete(db, post.id, 1)
    answer = send(desk, f"/desk/posts/{post.id}", version="1")
    assert answer.status_code == 409
    assert "Along the *harbour*." in answer.text
    assert 'action="/desk/posts/new"' in answer.text


# -- the session or the database ended meanwhile -------------------------------------------------


def test_a_session_that_ended_while_writing_does_not_take_the_text(client, db, stored):
    post = stored(markdown="before")
    for address in ("/desk/posts/new", f"/desk/posts/{post.id}"):
        answer = send(client, address, version="1", title='My "title" <b>', tags="kept")
        assert answer.status_code == 403
        assert "You are no longer signed in." in answer.text
        assert "Along the *harbour*." in answer.text
        assert 'value="My &#34;title&#34; &lt;b&gt;"' in answer.text
        assert '<input type="hidden" name="tags" value="kept">' in answer.text
        assert f'action="{address}"' in answer.text
    assert only(db).markdown == "before"


def test_a_form_of_another_session_is_refused_and_shown_again(app, desk, db):
    app.config["WTF_CSRF_ENABLED"] = True
    refused = send(desk, "/desk/posts/new", csrf_token="forged")
    assert refused.status_code == 400
    assert "press Save once more" in refused.text
    assert "Along the *harbour*." in refused.text
    assert db.posts.count_documents({}) == 0

    token = re.search(r'name="csrf_token" value="([^"]+)"', refused.text)[1]
    assert send(desk, "/desk/posts/new", csrf_token=token).status_code == 303
    assert only(db).title == "A walk"


def test_a_forged_deletion_is_refused(app, desk, db, stored):
    app.config["WTF_CSRF_ENABLED"] = True
    post = stored()
    assert desk.post(f"/desk/posts/{post.id}/delete", data={"version": 1}).status_code == 400
    assert only(db)


def test_a_database_that_is_away_does_not_take_the_text(config, mongo_server, writer):
    url = f"mongodb://127.0.0.1:{free_port()}/away"
    away = create_app({**config, "MONGO_URL": url})
    client = away.test_client()
    with client.session_transaction() as session:
        session["user"], session["epoch"] = str(writer.id), writer.session
    answer = send(client, "/desk/posts/new")
    for connection in away.extensions["database"]._connections.values():
        connection.client.close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "cannot reach its database" in answer.text
    assert "Along the *harbour*." in answer.text


def test_a_database_that_goes_away_while_saving_does_not_take_the_text(desk, monkeypatch):
    def away(*_args, **_more):
        raise AutoReconnect

    monkeypatch.setattr(posts, "insert", away)
    answer = send(desk, "/desk/posts/new")
    assert answer.status_code == 503
    assert "Along the *harbour*." in answer.text


# -- who may -------------------------------------------------------------------------------------


def test_a_writer_sees_and_changes_only_own_posts(desk, browser, person, stored):
    post = stored("Not yours", author=person(Role.WRITER, "other"))
    own = stored("Yours")
    listed = desk.get("/desk/").text
    assert "Yours" in listed
    assert "Not yours" not in listed
    assert desk.get(f"/desk/posts/{own.id}").status_code == 200
    assert desk.get(f"/desk/posts/{post.id}").status_code == 403
    assert send(desk, f"/desk/posts/{post.id}", version="1").status_code == 403
    for action in ("publish", "unpublish", "delete"):
        assert desk.post(f"/desk/posts/{post.id}/{action}").status_code == 403
    editor = browser(Role.EDITOR)
    assert "Not yours" in editor.get("/desk/").text
    assert editor.get(f"/desk/posts/{post.id}").status_code == 200


def test_only_editors_make_pages(desk, browser, db):
    assert send(desk, "/desk/posts/new", kind="page").status_code == 422
    assert send(browser(Role.EDITOR), "/desk/posts/new", kind="page").status_code == 303
    assert only(db).kind == "page"


def test_readers_have_no_desk_and_strangers_are_asked_to_log_in(browser, client, person):
    person(Role.OWNER)
    reader = browser(Role.READER)
    for address in ("/desk/", "/desk/posts/new", "/desk/images"):
        assert reader.get(address).status_code == 403
        assert client.get(address).location.startswith("/login")


def test_the_desk_offers_what_each_role_may_do(browser):
    offered = {}
    for role in (Role.WRITER, Role.EDITOR, Role.OWNER):
        page = browser(role).get("/desk/").text
        nav = page[page.index('aria-label="Desk"') :]
        offered[role] = re.findall(r">([^<>]+)</a>", nav[: nav.index("</nav>")])
    assert offered[Role.WRITER] == ["Posts", "Images"]
    assert offered[Role.EDITOR] == ["Posts", "Images", "Comments"]
    assert offered[Role.OWNER][3:] == ["People", "Settings", "Export and import"]


@pytest.mark.parametrize("id", ["x", "0" * 24])
def test_a_post_that_is_not_there_is_not_found(desk, id):
    for address in (f"/desk/posts/{id}", f"/desk/posts/{id}/delete"):
        assert desk.get(address).status_code == 404


# -- the list ------------------------------------------------------------------------------------


def test_the_list_shows_each_state_and_filters_by_it(desk, stored):
    stored("Unfinished")
    stored("Shown", status=Status.PUBLISHED, publish_at=NOW - timedelta(days=900), weight=1)
    stored("Coming", status=Status.PUBLISHED, publish_at=datetime(2999, 1, 1, tzinfo=timezone.utc))
    titles = {"": {"Unfinished", "Shown", "Coming"}}
    titles |= {"draft": {"Unfinished"}, "published": {"Shown"}, "scheduled": {"Coming"}}
    for state, expected in titles.items():
        page = desk.get(f"/desk/?state={state}").text
        assert {title for title in titles[""] if f">{title}</a>" in page} == expected
    assert "Pinned" in desk.get("/desk/").text
    assert desk.get("/desk/?state=other").status_code == 404


def test_publish_now_and_unpublish_stand_in_the_list(desk, db, stored):
    later = datetime(2999, 1, 1, tzinfo=timezone.utc)
    post = stored(status=Status.PUBLISHED, publish_at=later)
    desk.post(f"/desk/posts/{post.id}/publish", data={"version": 1})
    assert only(db).is_visible(datetime.now(timezone.utc))
    desk.post(f"/desk/posts/{post.id}/unpublish", data={"version": 2})
    assert only(db).status is Status.DRAFT


def test_a_post_changed_meanwhile_is_neither_published_nor_deleted(desk, db, stored):
    post = stored()
    send(desk, f"/desk/posts/{post.id}", version="1")
    for action in ("publish", "delete"):
        answer = desk.post(f"/desk/posts/{post.id}/{action}", data={"version": 1})
        assert "somebody else has changed" in desk.get(answer.location).text
    assert only(db).status is Status.DRAFT


def test_deleting_asks_first_and_takes_the_comments_along(desk, db, stored):
    post = stored()
    db.comments.insert_one({"post": post.id})
    assert "its comment" in desk.get(f"/desk/posts/{post.id}/delete").text
    assert only(db)
    desk.post(f"/desk/posts/{post.id}/delete", data={"version": 1})
    assert db.posts.count_documents({}) == db.comments.count_documents({}) == 0


# -- preview -------------------------------------------------------------------------------------


def test_the_preview_is_what_readers_would_get(desk):
    text = "**bold** <script>alert(1)</script> ![x](/media/a.png)"
    answer = desk.post("/desk/preview", json={"markdown": text})
    assert "<strong>bold</strong>" in answer.text
    assert "script" not in answer.text
    below = desk.post("/desk/preview", json={"markdown": text}, base_url="http://localhost/sub/")
    assert 'src="/sub/media/a.png"' in below.text


@pytest.mark.parametrize("sent", [[], {}, {"markdown": 1}])
def test_a_preview_of_something_else_is_refused(desk, sent):
    assert desk.post("/desk/preview", json=sent).status_code == 400


def test_a_preview_of_what_is_too_long_to_save_is_refused(desk):
    answer = desk.post("/desk/preview", json={"markdown": "x" * 200_001})
    assert answer.status_code == 413
