"""Uploads: what is taken, what of it is kept, and what is refused with which sentence."""

import io
import os
import re
import stat
from datetime import datetime, timezone
from pathlib import Path

import pytest
from PIL import Image
from pymongo.errors import ConnectionFailure

from blog import images, pictures, posts
from blog.accounts import Role
from blog.posts import Draft
from tests.people import NOW
from tests.pictures import file, opened

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


# -- what a picture is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp")]
)
def test_a_picture_is_known_by_its_content_whatever_its_name(form, suffix):
    picture = pictures.read(file(form), "page.html")
    assert (picture.suffix, picture.width, picture.height) == (suffix, 4, 3)
    assert opened(picture.content).format == form


REFUSED = {
    "SVG": (SVG, "is SVG or HTML"),
    "SVG after spaces": (b"\n  <?xml version='1.0'?>" + SVG, "is SVG or HTML"),
    "HTML": (HTML, "is SVG or HTML"),
    "nothing": (b"", "is empty"),
    "text": (b"hello", "is not an image that browsers show"),
    "a format that few browsers show": (file("TIFF"), "is not an image that browsers show"),
    "half a picture": (file("JPEG", (200, 200))[:400], "is damaged"),
    "HTML that begins like a picture": (b"\x89PNG\r\n\x1a\n" + HTML, "is damaged"),
    "HTML that begins like a GIF": (b"GIF89a" + HTML, "is damaged"),
    "a bomb": (file("PNG", (30_000, 30_000), "1"), "more than 40 million pixels"),
    "a smaller bomb": (file("PNG", (7_000, 7_000), "1"), "more than 40 million pixels"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_usable_picture_is_refused_with_a_sentence(content, sentence):
    with pytest.raises(pictures.NotAPictureError, match=f"“a.png” .*{sentence}"):
        pictures.read(content, "a.png")


def test_an_animation_may_not_have_more_pixels_in_all_its_frames():
    frames = [Image.new("P", (3_000, 3_000), color) for color in range(5)]
    stored = io.BytesIO()
    frames[0].save(stored, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(pictures.NotAPictureError, match="more than 40 million pixels"):
        pictures.read(stored.getvalue(), "a.gif")


def test_a_photograph_is_turned_upright_and_tells_nothing_about_its_maker():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)  # GPSLatitude
    photo = file("JPEG", (40, 20), exif=exif, comment=b"SECRET comment", xmp=b"SECRET place")
    picture = pictures.read(photo + b"SECRET tail" + HTML, "a.jpg")
    assert (picture.width, picture.height) == (20, 40)
    assert dict(opened(picture.content).getexif()) == {}
    assert b"SECRET" in photo
    assert b"SECRET" not in picture.content
    assert b"<script>" not in picture.content


def test_texts_in_a_png_are_removed_and_its_transparency_stays():
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Location", "SECRET")
    texts.add_itxt("XML:com.adobe.xmp", "SECRET")
    picture = pictures.read(file("PNG", mode="RGBA", pnginfo=texts), "a.png")
    assert b"SECRET" not in picture.content
    assert opened(picture.content).convert("RGBA").getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_an_animation_still_moves(form):
    frames = [Image.new("RGB", (8, 8), (color, 0, 0)) for color in (0, 90, 180)]
    stored = io.BytesIO()
    frames[0].save(
        stored, form, save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=0
    )
    moving = opened(pictures.read(stored.getvalue(), "a").content)
    assert moving.n_frames == 3
    assert moving.info["loop"] == 0


@pytest.mark.parametrize("mode", ["CMYK", "L", "1"])
def test_a_jpeg_of_any_colour_space_is_one_that_browsers_show(mode):
    assert opened(pictures.read(file("JPEG", mode=mode), "a").content).mode in {"RGB", "L"}


# -- storing -------------------------------------------------------------------------------------


def store(db, root, name="Harbour at night.PNG", content=None, **more):
    content = content or file()
    return images.store(db, root, content, name, user=None, now=NOW, **more)


def test_a_file_is_named_after_what_it_is_and_can_be_read_by_nginx(db, tmp_path):
    before = os.umask(0o077)
    try:
        image = store(db, tmp_path, alt="At night")
    finally:
        os.umask(before)
    assert re.fullmatch(r"2026/07/harbour-at-night-[0-9a-f]{12}\.png", image.path)
    stored = tmp_path / image.path
    assert stat.S_IMODE(stored.stat().st_mode) == 0o644
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o755
    assert stat.S_IMODE(stored.parent.parent.stat().st_mode) == 0o755
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    assert (image.width, image.height, image.bytes) == (4, 3, stored.stat().st_size)
    assert image.markdown == f"![At night](/media/{image.path})"


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("../../etc/passwd.png", "2026/07/passwd-"),
        ("..\\..\\boot.png", "2026/07/boot-"),
        ("🙂.png", "2026/07/image-"),
        (".htaccess", "2026/07/htaccess-"),
        ("a\0b.php.png", "2026/07/a-b-php-"),
        ("你好.png", "2026/07/ni-hao-"),
        ("x" * 300 + ".png", f"2026/07/{'x' * 60}-"),
    ],
)
def test_a_name_cannot_lead_elsewhere(db, tmp_path, name, start):
    image = store(db, tmp_path, name)
    assert image.path.startswith(start)
    assert image.path.endswith(".png")
    assert (tmp_path / image.path).is_file()


def test_the_same_picture_twice_is_kept_once(db, tmp_path):
    assert store(db, tmp_path) == store(db, tmp_path, alt="other")
    assert db.images.count_documents({}) == 1


def test_brackets_in_the_description_do_not_end_it(db, tmp_path):
    assert store(db, tmp_path, alt="a [b]").markdown.startswith(r"![a \[b\]](")


def test_a_file_that_could_not_be_listed_is_not_left_behind(db, tmp_path, monkeypatch):
    class Away:
        def __getattr__(self, _):
            raise ConnectionFailure

    with pytest.raises(ConnectionFailure):
        store(Away(), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# -- over the web --------------------------------------------------------------------------------


def send(client, content, name="a.png", *, script=False, **fields):
    accept = "application/json" if script else "text/html"
    data = {"image": (io.BytesIO(content), name), **fields}
    return client.post("/desk/images", data=data, headers={"Accept": accept})


def test_the_editor_gets_the_address_and_everybody_can_see_the_image(browser, client):
    answer = send(browser(Role.WRITER), file(), "Harbour.png", script=True)
    assert answer.status_code == 201
    assert answer.json["name"] == "Harbour"
    with client.get(answer.json["address"]) as image:
        assert opened(image.data).size == (4, 3)


def test_the_library_takes_images_without_a_script(browser):
    writer = browser(Role.WRITER)
    answer = send(writer, file(), alt="  A \n boat ")
    assert answer.status_code == 303
    page = writer.get(answer.location).text
    assert "The image is in the library." in page
    assert 'value="![A boat](/media/' in page


@pytest.mark.parametrize("content", [SVG, HTML], ids=["SVG", "HTML"])
def test_script_that_poses_as_an_image_is_refused(browser, app, content):
    writer = browser(Role.WRITER)
    answer = send(writer, content, script=True)
    assert answer.status_code == 422
    assert "“a.png” is SVG or HTML" in answer.json["message"]
    assert "is SVG or HTML" in writer.get(send(writer, content).location).text
    assert not list(Path(app.config["MEDIA_ROOT"]).rglob("*.*"))


def test_no_file_is_refused(browser):
    writer = browser(Role.WRITER)
    answer = writer.post("/desk/images", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["message"]) == (422, "Choose a file first.")


def test_more_than_the_limit_is_refused(browser, app):
    app.config["MAX_CONTENT_LENGTH"] = 1000
    assert send(browser(Role.WRITER), b"x" * 2000).status_code == 413


def test_readers_and_strangers_upload_nothing(browser, client, db, person):
    person(Role.OWNER)
    assert send(browser(Role.READER), file()).status_code == 403
    assert send(client, file()).status_code == 303
    assert db.images.count_documents({}) == 0


def test_deleting_an_image_says_which_posts_show_it(browser, db, app):
    writer = browser(Role.WRITER)
    address = send(writer, file(), script=True).json["address"]
    posts.insert(db, Draft(title="With boat", markdown=f"![]({address})"), None, NOW)
    image = images.recent(db).images[0]
    assert "With boat" in writer.get(f"/desk/images/{image.id}/delete").text
    writer.post(f"/desk/images/{image.id}/delete")
    assert writer.get(address).status_code == 404
    assert db.images.count_documents({}) == 0


def test_only_who_uploaded_an_image_or_an_editor_deletes_it(browser, db, tmp_path, app):
    image = store(db, Path(app.config["MEDIA_ROOT"]))
    assert browser(Role.WRITER).post(f"/desk/images/{image.id}/delete").status_code == 403
    assert browser(Role.EDITOR).post(f"/desk/images/{image.id}/delete").status_code == 303


def test_nobody_walks_out_of_the_media_folder(client, app):
    secret = Path(app.config["MEDIA_ROOT"]).parent / "secret"
    secret.write_text("secret")
    for address in ("/media/../secret", "/media/%2e%2e/secret", "/media//etc/passwd"):
        assert client.get(address, follow_redirects=True).status_code == 404


def test_the_library_has_pages(db, tmp_path):
    for number in range(3):
        store(db, tmp_path, content=file(color=(number, 0, 0)))
    pages = [images.recent(db, page=page, per_page=2) for page in (1, 2, 3)]
    assert [len(page.images) for page in pages] == [2, 1, 0]
    assert pages[0].pages == 2


def test_the_image_of_today_is_found_under_this_month(db, tmp_path):
    now = datetime(2027, 1, 2, tzinfo=timezone.utc)
    image = images.store(db, tmp_path, file(), "a.png", user=None, now=now)
    assert image.path.startswith("2027/01/a-")
