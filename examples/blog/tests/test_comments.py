"""What readers answer, and editors decide about it."""

from __future__ import annotations

import re

import pytest
from bson import ObjectId

from blog import comments, posts, preferences
from blog.accounts import Role
from blog.preferences import Preferences
from tests.people import NOW
from tests.published import page, published, site

WORDS = {"name": "Ada", "text": "Well said."}


@pytest.fixture
def post(db):
    return published(db, "Post")


@pytest.fixture
def comment(db, post):
    """Return what adds a comment of a visitor."""

    def add(text="Well said.", name="Ada"):
        return comments.add(db, post.id, name=name, text=text, user=None, now=NOW)

    return add


def send(client, path="/post/post/comments", **fields):
    return client.post(path, data=WORDS | fields)


def test_a_comment_waits_and_only_its_author_sees_it(db, post, client, app):
    answer = send(client)
    own = client.get(answer.location).text

    (added,) = db.comments.find()
    assert answer.location == f"/post/post#comment-{added['_id']}"
    assert "Your comment waits for approval" in own
    assert "Waits for approval; only you see it" in own
    assert "Well said." in own
    assert "Well said." not in app.test_client().get("/post/post").text


def test_an_approved_comment_is_seen_by_all(db, comment, client):
    comments.decide(db, [comment().id], "approved")

    text = client.get("/post/post").text

    assert "<strong>Ada</strong>" in text
    assert "<p>Well said.</p>" in text
    assert "approval" not in text


def test_comments_stand_in_the_order_in_which_they_came(db, comment, client):
    comments.decide(db, [comment(name).id for name in ("first", "second", "third")], "approved")

    text = client.get("/post/post").text

    assert re.findall(r"<p>(first|second|third)</p>", text) == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.READER, "waiting"),
        (Role.WRITER, "approved"),
        (Role.EDITOR, "approved"),
        (Role.OWNER, "approved"),
    ],
)
def test_whose_comments_wait(db, post, person, browser, role, status):
    user = person(role)

    send(browser(user), name="Somebody else")

    (added,) = db.comments.find()
    assert (added["status"], added["name"], added["user"]) == (status, user.name, user.id)


def test_who_is_signed_in_is_not_asked_for_a_name(post, browser):
    text = browser(Role.READER).get("/post/post").text

    assert "You write as <strong>Reader</strong>" in text
    assert 'name="name"' not in text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/pixel.png)",
        "# A heading",
        '<a href="https://example.org" onclick="alert(1)">x</a>',
    ],
)
def test_html_and_script_in_a_comment_are_text(db, comment, client, text):
    comments.decide(db, [comment(text).id], "approved")

    shown = client.get("/post/post").text.partition('class="comment"')[2].partition("</li>")[0]

    assert not re.findall(r"<(?:script|img|h1)|<[^>]*\son\w+=|href=.?javascript", shown)


def test_a_name_is_text(db, comment, client):
    comments.decide(db, [comment(name="<b>Ada</b>").id], "approved")

    assert "<b>Ada" not in client.get("/post/post").text


def test_links_in_comments_win_nothing(db, comment, client):
    comments.decide(db, [comment("See https://example.org/").id], "approved")

    link = '<a href="https://example.org/" rel="nofollow ugc noopener">'
    assert link in client.get("/post/post").text


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "What is your name?"),
        ({"name": "   "}, "What is your name?"),
        ({"text": " \n "}, "There is nothing in it yet."),
        ({"name": "x" * 61}, "longer than 60"),
        ({"text": "x" * 5001}, "longer than 5000"),
    ],
)
def test_what_was_typed_is_kept_when_something_is_wrong(db, post, client, fields, problem):
    answer = send(client, **{"text": "A long thought", "name": "Ada"} | fields)

    assert answer.status_code == 422
    assert problem in answer.text
    assert db.comments.count_documents({}) == 0
    if "text" not in fields:
        assert "A long thought</textarea>" in answer.text
    if "name" not in fields:
        assert 'value="Ada"' in answer.text


def test_the_page_of_a_comment_that_was_wrong_can_be_reloaded(post, client):
    assert client.get("/post/post/comments").location == "/post/post#comments"


def test_a_program_that_fills_in_every_field_learns_nothing(db, post, client):
    answer = send(client, website="https://spam.example/")

    assert answer.status_code == 302
    assert "waits for approval" in client.get(answer.location).text
    assert db.comments.count_documents({}) == 0


def test_comments_may_be_closed_for_a_post(db, client):
    published(db, "Closed", comments_open=False)

    assert send(client, "/post/closed/comments").status_code == 403
    assert "<form method" not in client.get("/post/closed").text


def test_comments_may_be_closed_for_all(db, comment, client):
    comments.decide(db, [comment().id], "approved")
    preferences.save(db, Preferences(comments="closed"))

    text = client.get("/post/post").text

    assert "Well said." in text
    assert "Comments are closed." in text
    assert send(client).status_code == 403


def test_there_is_nothing_to_comment_on(db, client):
    page(db, "About")

    assert send(client, "/post/about/comments").status_code == 404
    assert send(client, "/post/none/comments").status_code == 404


def test_a_forged_form_is_refused(config, db, post):
    with site(config | {"WTF_CSRF_ENABLED": True}) as app:
        assert send(app.test_client()).status_code == 400

    assert db.comments.count_documents({}) == 0


def test_the_form_of_the_page_is_accepted(config, db, post):
    with site(config | {"WTF_CSRF_ENABLED": True}) as app:
        client = app.test_client()
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/post/post").text)[1]

        assert send(client, csrf_token=token).status_code == 302

    assert db.comments.count_documents({}) == 1


def test_comments_go_with_their_post(db, post, comment):
    comment()

    posts.delete(db, post.id, post.version)

    assert comments.waiting_count(db) == 0


# -- the queue -------------------------------------------------------------------------------------


@pytest.fixture
def editor(browser):
    return browser(Role.EDITOR)


def decide(client, query="", **pressed):
    return client.post(f"/desk/comments{query}", data=pressed)


def status(db, comment):
    found = db.comments.find_one({"_id": comment.id})
    return found and found["status"]


def test_the_queue_shows_what_waits_and_where(db, comment, editor):
    comments.decide(db, [comment("Approved before").id], "approved")
    comment("Waiting now")

    text = editor.get("/desk/comments").text

    assert "Waiting now" in text
    assert "Approved before" not in text
    assert 'href="/post/post"' in text
    assert "Approved before" in editor.get("/desk/comments?status=approved").text


def test_an_empty_queue(editor):
    assert "No comment waits for you." in editor.get("/desk/comments").text


def test_editors_are_told_how_many_wait(comment, editor, client):
    comment()
    comment()

    count = '<span class="count">2<'
    assert count in editor.get("/").text
    assert count not in client.get("/").text


def test_one_is_approved_by_its_own_button(db, comment, editor):
    one, other = comment(), comment()

    answer = decide(editor, approve=str(one.id), comment=str(other.id))

    assert (status(db, one), status(db, other)) == ("approved", "waiting")
    assert "1 comment approved." in editor.get(answer.location).text


def test_all_that_are_chosen_are_approved(db, comment, editor):
    one, other, third = comment(), comment(), comment()

    answer = decide(editor, approve="", comment=[str(one.id), str(other.id)])

    assert [status(db, each) for each in (one, other, third)] == ["approved", "approved", "waiting"]
    assert "2 comments approved." in editor.get(answer.location).text


def test_an_approval_is_taken_back(db, comment, editor):
    one = comment()
    comments.decide(db, [one.id], "approved")

    answer = decide(editor, "?status=approved", unapprove=str(one.id))

    assert status(db, one) == "waiting"
    assert answer.location == "/desk/comments?status=approved"


def test_comments_are_deleted(db, comment, editor):
    one, other = comment(), comment()

    decide(editor, delete="", comment=[str(one.id)])

    assert (status(db, one), status(db, other)) == (None, "waiting")


@pytest.mark.parametrize(
    "pressed",
    [{"approve": ""}, {"approve": str(ObjectId())}, {"delete": "none"}, {"unapprove": "$ne"}],
)
def test_a_decision_about_nothing_says_so(comment, editor, pressed):
    comment()

    answer = decide(editor, **pressed)

    assert "No comment was chosen, or somebody else has deleted it." in (
        editor.get(answer.location).text
    )


def test_a_decision_that_is_none(editor):
    assert decide(editor, publish="1").status_code == 400
    assert editor.get("/desk/comments?status=spam").status_code == 404


def test_pages_of_the_queue(comment, editor):
    for number in range(21):
        comment(f"Comment {number}.")

    assert "1 of 2" in editor.get("/desk/comments").text
    assert editor.get("/desk/comments?page=2").text.count('name="comment"') == 1
    assert editor.get("/desk/comments?page=0").status_code == 404


def test_after_the_last_of_the_last_page_comes_the_page_before(comment, editor):
    comment()

    answer = editor.get("/desk/comments?page=2")

    assert answer.location == "/desk/comments?status=waiting&page=1"


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER])
def test_who_may_not_decide(db, comment, browser, role):
    one, client = comment(), browser(role)

    assert client.get("/desk/comments").status_code == 403
    assert decide(client, approve=str(one.id)).status_code == 403
    assert status(db, one) == "waiting"


def test_a_stranger_is_asked_to_sign_in(comment, client, person):
    person(Role.OWNER)

    assert client.get("/desk/comments").location.startswith("/login")
    assert decide(client, delete=str(comment().id)).location.startswith("/login")
