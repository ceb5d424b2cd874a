"""The report: one file that shows everything, and runs and fetches nothing."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from outrider.bench import command
from outrider.bench.report import MARK, report
from outrider.errors import OutriderError
from tests.bench.measurements import FINE, STANDSTILL, good, measurement

pytest.importorskip("matplotlib", reason="pip install 'outrider[bench]'")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """What of a page leads elsewhere or runs, and its text."""

    def __init__(self, source):
        super().__init__()
        self.leaves, self.words = [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        outside = [v for name, v in attrs if name in ("src", "href", "xlink:href") and v]
        self.leaves += [v for v in outside if not v.startswith(("#", "data:"))]
        self.leaves += [tag] if tag in ("script", "link", "iframe") else []

    def handle_data(self, data):
        self.words.append(data)


def content(*measurements, conditions=None):
    return report("r.html", measurements, conditions or {"when": "2026-11-23"}).content


def test_a_report_needs_nothing_but_itself():
    page = Page(content(FINE, STANDSTILL))
    assert page.leaves == []
    assert "url(" not in re.sub(r"url\(#", "", content(FINE))


def test_a_report_says_the_same_as_the_table():
    text = " ".join(" ".join(Page(content(FINE, STANDSTILL)).words).split())
    assert "Outrider: with 100 slow clients no request failed" in text
    assert "Bare Gunicorn: with 100 slow clients, 3 of 3 requests failed." in text
    assert "4 failed" in text  # in the plot
    assert "when 2026-11-23" in text


def test_the_plot_is_whole_and_the_same_for_the_same_samples():
    svg = re.search(r"<svg.*</svg>", content(FINE), re.DOTALL)
    assert svg
    ET.fromstring(svg[0])
    assert content(FINE) == content(FINE)


def test_what_a_site_is_called_cannot_become_part_of_the_page():
    bad = replace(FINE, name="<script>alert(1)</script>", detail="<img src=x>")
    page = Page(content(bad, conditions={"path": "/?<script>"}))
    assert page.leaves == []


def test_a_hundred_thousand_requests_do_not_make_a_file_that_no_browser_opens():
    many = measurement([good(n / 10_000) for n in range(100_000)])
    assert len(content(many)) < 2**20


def test_a_report_without_matplotlib_is_refused_with_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "can_draw", lambda: False)
    with pytest.raises(OutriderError) as raised:
        command.writable_report(str(tmp_path / "r.html"))
    assert raised.value.id == "bench-no-matplotlib"
    assert raised.value.fix[0] == 'pip install "outrider[bench]"'


def test_a_report_takes_the_place_of_an_older_one_and_of_nothing_else(tmp_path):
    path = tmp_path / "r.html"
    command.write_report(command.writable_report(str(path)), [FINE], {})
    assert path.read_text().startswith(MARK)
    command.write_report(command.writable_report(str(path)), [FINE, STANDSTILL], {})
    assert "Bare Gunicorn" in path.read_text()

    for text in (b"<html>mine</html>", b"\xff\xfe"):
        path.write_bytes(text)
        with pytest.raises(OutriderError) as raised:
            command.writable_report(str(path))
        assert raised.value.id == "not-ours"
        assert path.read_bytes() == text


def test_a_report_into_a_folder_that_is_not_there_is_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(OutriderError) as raised:
        command.writable_report(str(tmp_path / "none" / "r.html"))
    assert raised.value.id == "cannot-write"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_the_report_on_a_desk_and_on_a_phone(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    command.write_report(str(tmp_path / "r.html"), [FINE, STANDSTILL], {"path": "/" + "x" * 300})
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (1200, 375):
            page = browser.new_page(viewport={"width": width, "height": 800})
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("request", lambda request, said=said: said.append(request.url))
            page.goto((tmp_path / "r.html").as_uri())
            assert said == [(tmp_path / "r.html").as_uri()]
            assert page.get_by_text("Bare Gunicorn: with 100 slow clients").is_visible()
            assert page.get_by_text("4 failed").is_visible()
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0
            page.close()
        browser.close()
