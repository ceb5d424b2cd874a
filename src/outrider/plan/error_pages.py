"""Which pages of the user's own are shown when the app cannot answer."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

from outrider import errors
from outrider.site import ErrorPage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.facts import Facts
    from outrider.plan.ledger import Ledger
    from outrider.site import Mount

NAMES = {
    "413.html": "too_large",
    "502.html": "not_answering",
    "503.html": "starting",
    "504.html": "too_slow",
    "maintenance.html": "maintenance",
}
"""The files, and what Nginx has to say in them."""
_OF_THE_APP = ("400.html", "403.html", "404.html", "500.html")
_LOADED_BY = {"img": "src", "link": "href", "script": "src", "source": "src", "video": "src"}


def error_pages(facts: Facts, mounts: Sequence[Mount], ledger: Ledger) -> tuple[ErrorPage, ...]:
    """Return the pages that are used, and note what is wrong with them.

    Raises:
        OutriderError: none of them is ever shown.
    """
    given = ledger.settings.get("error_pages")
    if given is None:
        return ()
    known = {name: text for name, text in facts.error_pages.items() if name in NAMES}
    if not known:
        raise errors.no_error_pages(given.value, given.origin, list(facts.error_pages), list(NAMES))
    ledger.note("error_pages", " ".join(known), given.origin, given.value)
    for name in sorted(facts.error_pages.keys() - known.keys()):
        why = "the app's own is shown" if name in _OF_THE_APP else "Nginx has no such page"
        ledger.note(name, "not used", given.origin, why, warn=True)
    for name, text in known.items():
        for url in needed_by(text, [mount.url for mount in mounts]):
            why = f"{url} would be asked of the app; put it into the page, or serve it as static"
            ledger.note(name, "incomplete", given.origin, why, warn=True)
    return tuple(ErrorPage(name=NAMES[name], text=text) for name, text in known.items())


def needed_by(text: str, served: Sequence[str]) -> list[str]:
    """Return the URLs that a page loads and that only the app would answer."""
    reader = _Reader()
    reader.feed(text)
    return [
        url
        for url in dict.fromkeys(reader.loaded)
        if not url.startswith(("data:", "http:", "https:", "//", "#", *served))
    ]


class _Reader(HTMLParser):
    """Notes what a browser would load for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the one attribute that counts."""
        self.loaded += [value for name, value in attrs if value and name == _LOADED_BY.get(tag)]
