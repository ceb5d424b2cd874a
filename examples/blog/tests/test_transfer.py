"""Export and import: everything comes back, and a file that is broken brings nothing."""

import base64
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from blog import accounts, comments, create_app, database, images, posts, preferences, transfer
from blog.accounts import Role
from blog.posts import Draft, Kind, Status
from blog.preferences import Preferences
from tests.mongo import Server, free_port
from tests.people import NOW, PASSWORD
from tests.pictures import file

COLLECTIONS = ("users", "posts", "comments", "images")


@pytest.fixture
def root(app):
    return Path(app.config["MEDIA_ROOT"])


@pytest.fixture
def site(db, root, person):
    """A site with one of everything, as people have written it."""
    owner, writer = person(Role.OWNER), person(Role.WRITER)
    preferences.save(db, Preferences(name="Harbour", timezone="Asia/Shanghai"))
    image = images.store(db, root, file("JPEG"), "Boat.jpg", alt="A boat", user=writer.id, now=NOW)
    draft = Draft(
        title="Two\u200d 你好 \x1b",  # forms let through what keyboards write
        markdown=f"*Hello*\n{image.markdown}",
        tags=("Sea", "a b"),
        category="Out & about",
        status=Status.PUBLISHED,
        publish_at=NOW,
        weight=-3,
    )
    post = posts.insert(db, draft, writer, NOW)
    posts.save(db, post.id, 1, draft.__class__(**{**vars(draft), "slug": "other"}), NOW)
    posts.insert(db, Draft(title="About", kind=Kind.PAGE), owner, NOW)
    comments.add(db, post.id, name="Ann", text="Nice\r\n<b>", user=None, now=NOW)
    return db


@pytest.fixture
def elsewhere(config, mongo_server, tmp_path):
    """Another, empty site."""
    url = f"mongodb://127.0.0.1:{mongo_server.port}/test-{ObjectId()}"
    app = create_app({**config, "MONGO_URL": url, "MEDIA_ROOT": str(tmp_path / "elsewhere")})
    with app.app_context():
        yield database.get()
    for connection in app.extensions["database"]._connections.values():
        connection.client.close()


@pytest.fixture
def there(tmp_path):
    return tmp_path / "elsewhere"


@pytest.fixture
def exported(site, root):
    return "".join(transfer.pieces(site, root))


@pytest.fixture
def record(exported):
    return json.loads(exported)


def everything(db):
    return {name: list(db[name].find(sort=[("_id", 1)])) for name in (*COLLECTIONS, "preferences")}


def files(root):
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def take(db, root, content, **options):
    if not isinstance(content, str):
        content = json.dumps(content)
    return transfer.add(db, root, transfer.check(content.encode()), NOW, **options)


# -- there and back ------------------------------------------------------------------------------


def test_everything_comes_back_on_an_empty_site(site, root, exported, elsewhere, there):
    added = take(elsewhere, there, exported, with_preferences=True)
    assert added.new == {"users": 2, "images": 1, "posts": 2, "comments": 1}
    before, after = everything(site), everything(elsewhere)
    for user in (*before["users"], *after["users"]):
        del user["password"]
    for post in (*before["posts"], *after["posts"]):
        del post["version"]
    assert after == before
    assert files(there) == files(root) != {}
    assert "".join(transfer.pieces(elsewhere, there)) == exported


def test_passwords_are_not_in_the_file_and_nobody_can_sign_in_with_none(
    site, exported, elsewhere, there
):
    assert "argon2" not in exported
    assert PASSWORD not in exported
    take(elsewhere, there, exported)
    for password in (PASSWORD, "", "!"):
        assert accounts.check(elsewhere, "writer", password) is None


def test_an_import_twice_changes_nothing_the_second_time(exported, elsewhere, there):
    take(elsewhere, there, exported)
    before = everything(elsewhere)
    added = take(elsewhere, there, exported)
    assert (sum(added.new.values()), added.present) == (0, 6)
    assert everything(elsewhere) == before


def test_what_was_changed_since_the_export_stays_and_what_was_deleted_comes_back(
    site, root, exported
):
    changed, deleted = (posts.Post.from_document(found) for found in site.posts.find())
    posts.save(site, changed.id, changed.version, Draft(title="Changed"), NOW)
    posts.delete(site, deleted.id, deleted.version)
    assert take(site, root, exported).new["posts"] == 1
    assert posts.by_id(site, changed.id).title == "Changed"
    assert posts.by_id(site, deleted.id).title == deleted.title


def test_an_image_whose_file_was_lost_is_written_again(site, root, exported):
    before = files(root)
    [path] = before
    (root / path).unlink()
    take(site, root, exported)
    assert files(root) == before


def test_the_address_of_another_post_is_not_taken_from_it(exported, elsewhere, there):
    own = posts.insert(elsewhere, Draft(title="About"), None, NOW)
    take(elsewhere, there, exported)
    assert posts.by_id(elsewhere, own.id).slug == "about"
    assert elsewhere.posts.find_one({"title": "About", "_id": {"$ne": own.id}})["slug"] == "about-2"


def test_people_who_have_an_account_here_keep_it_and_what_they_wrote_is_theirs(
    exported, elsewhere, there
):
    here = accounts.add(elsewhere, "writer", "Here", PASSWORD, Role.READER, NOW)
    take(elsewhere, there, exported)
    assert accounts.check(elsewhere, "writer", PASSWORD) == here
    assert elsewhere.posts.count_documents({"author": here.id}) == 1
    assert elsewhere.images.count_documents({"user": here.id}) == 1


def test_a_site_keeps_its_one_owner(exported, elsewhere, there):
    owner = accounts.add(elsewhere, "me", "Me", PASSWORD, Role.OWNER, NOW)
    take(elsewhere, there, exported)
    assert accounts.owner(elsewhere) == owner
    assert elsewhere.users.find_one({"login": "owner"})["role"] == "editor"


def test_settings_are_taken_over_only_when_asked(exported, elsewhere, there):
    take(elsewhere, there, exported)
    assert preferences.load(elsewhere) == Preferences()
    take(elsewhere, there, exported, with_preferences=True)
    assert preferences.load(elsewhere).name == "Harbour"


def test_what_refers_to_somebody_who_is_gone_is_exported_without(site, root, elsewhere, there):
    writer = accounts.check(site, "writer", PASSWORD)
    accounts.remove(site, writer.id)
    site.comments.insert_one({"post": ObjectId(), "user": writer.id})
    take(elsewhere, there, "".join(transfer.pieces(site, root)))
    assert elsewhere.posts.count_documents({"author": None, "author_name": "Writer"}) == 1
    assert elsewhere.comments.count_documents({}) == 1


def test_an_image_without_its_file_is_left_out(site, root, elsewhere, there):
    (root / next(iter(files(root)))).unlink()
    take(elsewhere, there, "".join(transfer.pieces(site, root)))
    assert elsewhere.images.count_documents({}) == 0


# -- broken files --------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_breaks_off_imports_nothing(exported, elsewhere, there, part):
    with pytest.raises(transfer.BrokenFileError):
        take(elsewhere, there, exported[: int(len(exported) * part)])
    assert not any(everything(elsewhere).values())
    assert not there.exists()


def broken(where, value):
    """Return what puts a value at a place of a file, and a name for the situation."""
    *way, last = where

    def change(record):
        for step in way:
            record = record[step]
        record[last] = value

    return pytest.param(change, id=".".join(map(str, where)) + f"={str(value)[:20]}")


SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
BROKEN = [
    broken(["format"], "other"),
    broken(["version"], 2),
    broken(["posts"], {}),
    broken(["posts"], None),
    broken(["more"], 1),
    broken(["preferences", "timezone"], "Mars/Base"),
    broken(["preferences", "timezone"], []),
    broken(["preferences", "posts_per_page"], 0),
    broken(["preferences", "registration"], 1),
    broken(["posts", 0], []),
    broken(["posts", 0, "html"], "<script>"),
    broken(["posts", 0, "id"], "x"),
    broken(["posts", 0, "kind"], "story"),
    broken(["posts", 0, "slug"], "a/b"),
    broken(["posts", 0, "slug"], ""),
    broken(["posts", 0, "slug"], {"$ne": 1}),
    broken(["posts", 0, "title"], ""),
    broken(["posts", 0, "title"], "a\nb"),
    broken(["posts", 0, "title"], "\ud83d"),
    broken(["posts", 0, "markdown"], "x" * 200_001),
    broken(["posts", 0, "tags"], "sea"),
    broken(["posts", 0, "tags"], ["a,b"]),
    broken(["posts", 0, "category"], "a/b"),
    broken(["posts", 0, "weight"], True),
    broken(["posts", 0, "weight"], 10**30),
    broken(["posts", 0, "weight"], 1.5),
    broken(["posts", 0, "comments_open"], "yes"),
    broken(["posts", 0, "publish_at"], "2026-07-01T12:00:00"),
    broken(["posts", 0, "publish_at"], "9999-12-31T23:59:59+00:00"),
    broken(["posts", 0, "publish_at"], 1),
    broken(["posts", 0, "author"], "0" * 24),
    broken(["comments", 0, "post"], "0" * 24),
    broken(["comments", 0, "status"], "spam"),
    broken(["comments", 0, "text"], "x" * 5001),
    broken(["users", 0, "role"], "king"),
    broken(["users", 0, "login"], "Owner"),
    broken(["users", 0, "password"], "x"),
    broken(["images", 0, "path"], "../../x.jpg"),
    broken(["images", 0, "path"], "2026/07/page-0123456789ab.html"),
    broken(["images", 0, "path"], "2026/07/other-0123456789ab.jpg"),
    broken(["images", 0, "content"], "?"),
    broken(["images", 0, "content"], SVG),
    broken(["images", 0, "content"], base64.b64encode(file("PNG")).decode()),
]


@pytest.mark.parametrize("change", BROKEN)
def test_one_wrong_value_anywhere_imports_nothing(record, elsewhere, there, change):
    change(record)
    with pytest.raises(transfer.BrokenFileError):
        take(elsewhere, there, record)
    assert not any(everything(elsewhere).values())
    assert not there.exists()


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_field_that_lacks_and_a_record_that_is_there_twice_are_found(record, name):
    twice = {**record, name: record[name] * 2}
    with pytest.raises(transfer.BrokenFileError, match="there twice"):
        transfer.check(json.dumps(twice).encode())
    for field in record[name][0]:
        without = {key: value for key, value in record[name][0].items() if key != field}
        lacking = {**record, name: [without, *record[name][1:]]}
        with pytest.raises(transfer.BrokenFileError, match=rf"{name}\[0\] lacks {field}"):
            transfer.check(json.dumps(lacking).encode())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[]", b"1", b"[" * 100_000, b"NaN"])
def test_what_is_no_export_is_refused(content):
    with pytest.raises(transfer.BrokenFileError):
        transfer.check(content)


def test_html_is_made_anew_and_cleaned(record, elsewhere, there):
    record["posts"][0]["markdown"] = "*x*<script>alert(1)</script>"
    record["comments"][0]["text"] = "<img src=x onerror=alert(1)>"
    take(elsewhere, there, record)
    found = elsewhere.posts.find_one({"_id": ObjectId(record["posts"][0]["id"])})
    assert (found["html"], found["text"]) == ("<p><em>x</em></p>\n", "x")
    assert "<img" not in elsewhere.comments.find_one()["html"]


# -- a failure in the middle ---------------------------------------------------------------------


@pytest.mark.parametrize("name", COLLECTIONS[1:])
def test_a_failure_in_the_middle_leaves_the_site_as_it_was(
    exported, elsewhere, there, monkeypatch, name
):
    own = posts.insert(elsewhere, Draft(title="Mine"), None, NOW)
    before = everything(elsewhere)
    insert_many = elsewhere.users.__class__.insert_many

    def failing(collection, documents):
        if collection.name == name:
            insert_many(collection, documents[:1])  # a part may have arrived
            raise AutoReconnect
        return insert_many(collection, documents)

    monkeypatch.setattr(elsewhere.users.__class__, "insert_many", failing)
    with pytest.raises(transfer.ImportFailedError, match="the database failed"):
        take(elsewhere, there, exported, with_preferences=True)
    after = everything(elsewhere)
    assert preferences.load(elsewhere) == Preferences()
    assert {**after, "preferences": []} == before
    assert posts.by_id(elsewhere, own.id) == own
    assert files(there) == {}
    assert transfer.unfinished_since(elsewhere) is None

    monkeypatch.undo()
    assert take(elsewhere, there, exported).new["posts"] == 2


def test_an_image_that_cannot_be_written_imports_nothing(exported, elsewhere, there):
    there.write_text("in the way")
    with pytest.raises(transfer.ImportFailedError, match="an image could not be written"):
        take(elsewhere, there, exported)
    assert elsewhere.posts.count_documents({}) == 0


def test_a_database_that_dies_in_the_middle_leaves_a_journal_to_undo(
    exported, config, tmp_path, there, monkeypatch
):
    server = Server(free_port(), tmp_path / "own")
    url = f"mongodb://127.0.0.1:{server.port}/blog"
    insert_many = Collection.insert_many

    def dying(collection, documents):
        if collection.name == "comments":
            server.kill()
        return insert_many(collection, documents)

    try:
        server.start()
        monkeypatch.setattr(Collection, "insert_many", dying)
        with (
            MongoClient(url, serverSelectionTimeoutMS=3000) as client,
            pytest.raises(transfer.UnfinishedError),
        ):
            take(client.get_default_database(), there, exported)
        monkeypatch.undo()

        server.start()
        with MongoClient(url, tz_aware=True) as client:
            db = client.get_default_database()
            assert db.posts.count_documents({}) == 2
            assert transfer.unfinished_since(db) == NOW
            with pytest.raises(transfer.RunningError):
                take(db, there, exported)
            transfer.undo(db, there)
            assert not any(everything(db)[name] for name in COLLECTIONS)
            assert files(there) == {}
            assert transfer.unfinished_since(db) is None
            transfer.undo(db, there)  # once more does no harm
            assert take(db, there, exported).new["posts"] == 2
    finally:
        server.kill()


# -- over the web --------------------------------------------------------------------------------


@pytest.fixture
def owner(site, browser):
    return browser(accounts.owner(site))


def send(client, content, **fields):
    data = {"file": (io.BytesIO(content), "site.json"), **fields}
    return client.post("/desk/import", data=data)


def test_the_owner_downloads_and_uploads_everything(owner, site, exported):
    answer = owner.get("/desk/export")
    assert answer.text == exported
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=harbour-")
    site.posts.delete_many({})
    answer = send(owner, exported.encode())
    assert answer.status_code == 303
    told = owner.get(answer.location).text
    assert "Imported: 2 posts." in told
    assert "4 things were here already" in told


def test_a_broken_file_is_refused_with_where_it_breaks(owner, site, exported):
    site.posts.delete_many({})
    answer = send(owner, exported.encode()[:-20])
    assert answer.status_code == 422
    assert "Nothing was imported. The file breaks off or is damaged at line" in answer.text
    assert site.posts.count_documents({}) == 0
    assert "Choose a file first." in owner.post("/desk/import").text


def test_an_import_that_broke_off_is_told_and_can_be_undone(owner, site):
    journal = {"_id": "import", "started_at": NOW - timedelta(hours=1), "files": []}
    journal |= {name: [] for name in COLLECTIONS}
    site.imports.insert_one(journal | {"preferences": {"name": "Before"}})
    assert "has not ended" in owner.get("/desk/import").text
    owner.post("/desk/import/undo")
    assert "has not ended" not in owner.get("/desk/import").text
    assert preferences.load(site).name == "Before"


def test_only_the_owner_exports_and_imports(site, browser, person):
    editor = browser(person(Role.EDITOR))
    for address in ("/desk/export", "/desk/import"):
        assert editor.get(address).status_code == 403
    assert send(editor, b"{}").status_code == 403
    assert editor.post("/desk/import/undo").status_code == 403


def test_larger_files_go_by_the_command_line(app, site, exported, tmp_path):
    runner = app.test_cli_runner()
    file = str(tmp_path / "site.json")
    assert runner.invoke(args=["site", "export", file]).exit_code == 0
    assert Path(file).read_text() == exported
    site.posts.delete_many({})
    assert "Imported: 2 posts." in runner.invoke(args=["site", "import", file]).output
    Path(file).write_text(exported[:100])
    refused = runner.invoke(args=["site", "import", file])
    assert refused.exit_code == 1
    assert "Nothing was imported." in refused.output
