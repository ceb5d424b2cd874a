"""Links of a post, wherever the site stands.

Writers type addresses from the root of the site, /media/harbour.png. Below a prefix they begin
with the prefix, and in a feed, which is read elsewhere, with scheme and host.
"""

import re

from markupsafe import Markup, escape

# Tags of HTML as nh3 writes it: attributes in double quotes, no bare < in text. What looks like
# an address in the text of a code block stays as it is.
_TAG = re.compile(r'<(?:a|img) (?:[^"<>]|"[^"]*")*>')
_FROM_THE_ROOT = re.compile(r'( (?:src|href)=")/(?!/)')


_PICTURE = re.compile(r'<img (?:[^"<>]|"[^"]*")*?src="([^"]+)"')


def first_picture(html: str, root: str) -> Markup | None:
    """Return the address of the first picture in sanitised HTML."""
    found = _PICTURE.search(rooted(html, root))
    return Markup(found[1]) if found else None  # noqa: S704 - escaped in the HTML already


def rooted(html: str, root: str) -> Markup:
    """Let the addresses in sanitised HTML begin at `root`, such as "/blog"."""
    if not root:
        return Markup(html)  # noqa: S704 - a post's or comment's, cleaned when it was saved
    start = escape(root.rstrip("/"))

    def place(tag: re.Match[str]) -> str:
        return _FROM_THE_ROOT.sub(lambda found: f"{found[1]}{start}/", tag[0])

    return Markup(_TAG.sub(place, html))  # noqa: S704 - the same
