"""The blog in a browser, through Nginx and Gunicorn: from the set-up to an approved comment."""

from __future__ import annotations

import io
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from bson import ObjectId
from PIL import Image

from tests.integration.conftest import environment
from tests.integration.site import serving
from tests.mongo import free_port

pytest.importorskip("playwright", reason="pip install playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Response

    from tests.integration.site import Site
    from tests.mongo import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PASSWORD = "correct horse battery"
PATIENCE_MS = 60_000
"""How long the browser may take for anything; nothing takes that long when all is well."""
expect.set_options(timeout=PATIENCE_MS)
TEXT = """Boats come in **slowly**.

> As they did.

    a line of code that is longer than a phone is wide, and longer than a post as well, by far

| boat | from | to | with | by way of |
|---|---|---|---|---|
| Constantinopolitania | Constantinople | Constantinople | constitutionalists | Constantine |

"""

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    # One site and one story for all of them.
    pytest.mark.xdist_group("browser"),
]


@contextmanager
def site_of(mongo_server: Server, *words: str) -> Iterator[Site]:
    url = f"mongodb://127.0.0.1:{mongo_server.port}/browser-{ObjectId()}"
    words = ("--workers", "2", "--log-format", "json", *words)
    with serving(*words, port=free_port(), env=environment(MONGO_URL=url)) as site:
        yield site


@pytest.fixture(scope="module")
def site(mongo_server):
    with site_of(mongo_server) as site:
        yield site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person's browser, and what went wrong in it."""

    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    def keep(self, answer: Response) -> None:
        self.answers.append(answer)

    def answer(self, pattern: str) -> Response:
        """Return the answer to the one request for an address like this."""
        return next(one for one in self.answers if re.search(pattern, one.url))


@contextmanager
def visit(chromium: Browser, address: str, **how: Any) -> Iterator[Visit]:
    context = chromium.new_context(
        base_url=f"{address}/", viewport={"width": 1280, "height": 900}, **how
    )
    context.set_default_timeout(PATIENCE_MS)
    one = Visit(context, context.new_page())
    # A refusal of the Content-Security-Policy is an error on the console.
    context.on(
        "console",
        lambda said: one.problems.append(said.text) if said.type in {"error", "warning"} else None,
    )
    context.on("weberror", lambda error: one.problems.append(str(error.error)))
    context.on("response", one.keep)
    try:
        yield one
    finally:
        context.close()


@dataclass
class Story:
    """What happened, to be looked at by the tests."""

    owner: Visit
    reader: Visit
    seen_before: str = ""
    seen_after: str = ""
    seen_by_its_author: str = ""


@pytest.fixture(scope="module")
def story(site, chromium) -> Iterator[Story]:
    with visit(chromium, site.address) as owner, visit(chromium, site.address) as reader:
        story = Story(owner, reader)
        set_up(owner.page)
        write(owner.page)
        comment(reader.page)
        story.seen_by_its_author = reader.page.content()
        with visit(chromium, site.address) as stranger:
            stranger.page.goto("post/the-harbour")
            story.seen_before = stranger.page.content()
            moderate(owner.page)
            stranger.page.reload()
            story.seen_after = stranger.page.content()
        yield story


def set_up(page: Page) -> None:
    page.goto("desk/")
    expect(page).to_have_url(re.compile("/setup$"))
    page.get_by_label("Name of the site").fill("Harbour notes")
    page.get_by_label("Login").fill("ada")
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    expect(page).to_have_url(re.compile("/desk/$"))


def write(page: Page) -> None:
    page.get_by_role("link", name="Write", exact=True).click()
    page.get_by_label("Title").fill("The harbour")
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.locator("#upload").set_input_files(
        {"name": "boat.png", "mimeType": "image/png", "buffer": picture()}
    )
    shown = page.locator(".preview .prose")
    expect(shown.locator("strong")).to_have_text("slowly")
    expect(shown.locator("img")).to_have_attribute("src", re.compile("/media/.*boat.*png"))
    page.keyboard.type("A boat")  # in the brackets, which are selected
    page.get_by_label("Tags").fill("boats, slow")
    page.get_by_label("Category").fill("Harbour")
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_role("link", name="View").first.click()
    expect(page.get_by_role("heading", name="The harbour")).to_be_visible()


def comment(page: Page) -> None:
    page.goto("./")
    page.get_by_role("link", name="The harbour").click()
    page.get_by_role("img", name="A boat").scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every((image) => image.naturalWidth > 0)")
    page.get_by_label("Your name").fill("Grace")
    page.get_by_label("Your comment").fill("So *quiet* <script>alert(1)</script>")
    page.get_by_role("button", name="Send comment").click()
    expect(page.get_by_role("status")).to_contain_text("waits for approval")


def moderate(page: Page) -> None:
    page.goto("./")
    page.get_by_role("link", name="Comments 1").click()
    page.get_by_role("button", name="Approve the comment by Grace").click()
    expect(page.get_by_role("status")).to_contain_text("1 comment approved")


def picture() -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (320, 180), "#7fb8c9").save(stored, "PNG")
    return stored.getvalue()


def test_a_comment_is_seen_when_it_is_approved(story):
    shown = "<p>So <em>quiet</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>"

    assert shown in story.seen_by_its_author
    assert shown not in story.seen_before
    assert shown in story.seen_after


def test_the_browser_has_nothing_to_complain_of(story):
    assert story.owner.problems == []
    assert story.reader.problems == []


@pytest.mark.parametrize(
    ("pattern", "headers"),
    [
        (
            r"/static/style\.[0-9a-f]+\.css",
            {"cache-control": "public, max-age=31536000, immutable"},
        ),
        (r"/static/theme\.[0-9a-f]+\.js", {"cache-control": "public, max-age=31536000, immutable"}),
        (r"/media/.*boat.*\.png", {"x-content-type-options": "nosniff"}),
    ],
)
def test_files_come_from_nginx_and_pages_from_the_app(story, site, pattern, headers):
    answer = story.reader.answer(pattern)
    told = answer.all_headers()

    assert answer.status == 200
    assert headers.items() <= told.items()
    # The app's own answers carry its policy; of uploads, Nginx has another one.
    assert "frame-ancestors" not in told.get("content-security-policy", "")
    assert site.logged(told["x-request-id"])["upstream_status"] == ""


def test_pages_come_from_the_app(story, site):
    told = story.reader.answer(r"/post/the-harbour$").all_headers()

    assert "frame-ancestors 'none'" in told["content-security-policy"]
    assert site.logged(told["x-request-id"])["upstream_status"] == "200"


PUBLIC = [
    *("/", "/post/the-harbour", "/archive", "/tags", "/tag/boats", "/category/Harbour"),
    *("/search", "/search?q=boats", "/search?q=nothing", "/login", "/nowhere"),
]
OF_THE_OWNER = [
    *("/", "/post/the-harbour", "/desk/", "/desk/posts/new", "/desk/images", "/desk/comments"),
    *(
        "/desk/comments?status=approved",
        "/desk/people",
        "/desk/settings",
        "/desk/import",
        "/account",
    ),
]


@pytest.fixture(scope="module")
def signed_in(story) -> dict[str, Any]:
    return story.owner.context.storage_state()


@pytest.mark.parametrize("who", ["visitor", "owner"])
@pytest.mark.parametrize(("colours", "width"), [("light", 1280), ("dark", 390)])
def test_no_page_shuts_anybody_out(site, chromium, signed_in, colours, width, who):
    """Ask axe, which knows the rules of WCAG: https://github.com/dequelabs/axe-core."""
    state = signed_in if who == "owner" else None
    found = {}
    with visit(chromium, site.address, storage_state=state, color_scheme=colours) as one:
        one.page.set_viewport_size({"width": width, "height": 844})
        for path in OF_THE_OWNER if who == "owner" else PUBLIC:
            one.page.goto(path[1:] or "./")
            told = Axe().run(one.page).response["violations"]
            serious = [rule for rule in told if rule["impact"] in {"serious", "critical"}]
            if serious:
                found[path] = [(rule["id"], rule["nodes"][0]["target"]) for rule in serious]

    assert found == {}


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_no_page_is_wider_than_the_screen(site, chromium, signed_in, width):
    wide = []
    with visit(chromium, site.address, storage_state=signed_in) as one:
        one.page.set_viewport_size({"width": width, "height": 800})
        for path in dict.fromkeys([*PUBLIC, *OF_THE_OWNER]):
            one.page.goto(path[1:] or "./")
            if one.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(path)

    assert wide == []


def test_the_colours_that_a_reader_chose_stay(site, chromium, story):
    with visit(chromium, site.address, color_scheme="light") as one:
        one.page.goto("./")
        light = background(one.page)
        one.page.get_by_role("button", name="Dark colours").click()
        dark = background(one.page)
        one.page.goto("archive")

        assert light != dark
        assert background(one.page) == dark
        expect(one.page.get_by_role("button", name="Dark colours")).to_have_attribute(
            "aria-pressed", "true"
        )


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_without_javascript_people_read_write_and_comment(site, chromium, signed_in):
    with visit(chromium, site.address, storage_state=signed_in, java_script_enabled=False) as owner:
        owner.page.goto("desk/posts/new")
        owner.page.get_by_label("Title").fill("By hand")
        owner.page.get_by_label("Text", exact=True).fill("No script.")
        owner.page.get_by_role("button", name="Publish", exact=True).click()
    with visit(chromium, site.address, java_script_enabled=False) as reader:
        reader.page.goto("./")
        expect(reader.page.get_by_role("button", name="Dark colours")).to_be_hidden()
        reader.page.get_by_role("link", name="By hand").click()
        reader.page.get_by_label("Your name").fill("Grace")
        reader.page.get_by_label("Your comment").fill("Good.")
        reader.page.get_by_role("button", name="Send comment").click()
        expect(reader.page.get_by_role("status")).to_contain_text("waits for approval")


def test_the_same_story_below_a_prefix(mongo_server, chromium):
    with site_of(mongo_server, "--prefix", "/blog") as site:
        address = f"{site.address}/blog"
        with visit(chromium, address) as owner, visit(chromium, address) as reader:
            set_up(owner.page)
            write(owner.page)
            comment(reader.page)
            moderate(owner.page)

            asked = {answer.url for one in (owner, reader) for answer in one.answers}
            assert {url for url in asked if not url.startswith(f"{address}/")} == set()
            assert (owner.problems, reader.problems) == ([], [])
            picture = reader.answer(r"/blog/media/.*boat.*png").all_headers()
            assert site.logged(picture["x-request-id"])["upstream_status"] == ""


def test_the_keyboard_skips_to_the_content(site, chromium, story):
    with visit(chromium, site.address) as one:
        one.page.goto("./")
        one.page.keyboard.press("Tab")
        expect(one.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        one.page.keyboard.press("Enter")
        one.page.keyboard.press("Tab")
        expect(one.page.locator("main :focus")).to_be_visible()
