"""Markdown as HTML that cannot harm a reader, and as plain text.

The HTML that Markdown lets through is cleaned by nh3 (ammonia): what the lists below do not
name is gone, whoever wrote it. The OWASP cheat sheet asks for exactly this:
https://cheatsheetseries.owasp.org/cheatsheets/Cross_Site_Scripting_Prevention_Cheat_Sheet.html
"""

import html
import re
from dataclasses import dataclass
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin

SUMMARY_LENGTH = 240

_SCHEMES = {"http", "https", "mailto"}
_COMMENT_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "li", "ol", "p", "pre", "s", "strong", "ul"),
}
_POST_TAGS = _COMMENT_TAGS | {
    *("abbr", "caption", "cite", "dd", "details", "dl", "dt", "figcaption", "figure", "h2", "h3"),
    *("h4", "h5", "h6", "hr", "img", "ins", "kbd", "mark", "q", "samp", "section", "small", "sub"),
    *("summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "var"),
}
_COMMENT_ATTRIBUTES = {"a": {"href"}, "code": {"class"}, "ol": {"start"}}
_POST_ATTRIBUTES = {
    **_COMMENT_ATTRIBUTES,
    "a": {"href", "title", "class", "id"},
    "abbr": {"title"},
    "details": {"open"},
    "hr": {"class"},
    "img": {"src", "alt", "title", "width", "height"},
    "li": {"class", "id"},
    "ol": {"start", "class"},
    "section": {"class"},
    "sup": {"class"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
# A free class could dress up text as a part of the site, and a free id could take the place of
# one that a script looks for.
_OURS = {
    "class": re.compile(r"language-[\w+#.-]+|footnotes|footnotes-(sep|list)|footnote-\w+"),
    "id": re.compile(r"fn(ref)?\d+(:\d+)?"),
}
_FOOTNOTE_MARK = re.compile(
    r'<sup class="footnote-ref">.*?</sup>|<a [^>]*class="footnote-backref"[^>]*>.*?</a>'
)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)


@dataclass(frozen=True)
class Rendered:
    html: Markup
    text: str
    summary: str


def render(text: str) -> Rendered:
    """Render a post: safe HTML, its plain text for the search, and its beginning."""
    safe = nh3.clean(
        _posts().render(text),
        tags=_POST_TAGS,
        attributes=_POST_ATTRIBUTES,
        attribute_filter=_only_ours,
        url_schemes=_SCHEMES,
        set_tag_attribute_values={
            "img": {"loading": "lazy"},
            # One that is wider than a phone scrolls, and the keyboard has to get into it.
            "table": {"tabindex": "0"},
        },
        link_rel=None,
    )
    return Rendered(Markup(safe), _plain(safe), _summary(safe))  # noqa: S704 - nh3 cleaned it


def render_comment(text: str) -> Markup:
    """Render what anybody may have written: no HTML, no images, no headings."""
    safe = nh3.clean(
        _comments().render(text),
        tags=_COMMENT_TAGS,
        attributes=_COMMENT_ATTRIBUTES,
        attribute_filter=_only_ours,
        url_schemes=_SCHEMES,
        # https://developers.google.com/search/docs/crawling-indexing/qualify-outbound-links
        link_rel="nofollow ugc noopener",
    )
    return Markup(safe)  # noqa: S704 - nh3 cleaned it


@cache
def _posts() -> MarkdownIt:
    parser = _parser(html=True).enable("table").use(footnote_plugin)
    parser.core.ruler.push("headings_below_the_title", _lower_headings)
    parser.core.ruler.push("cells_without_style", _align_cells)
    return parser


@cache
def _comments() -> MarkdownIt:
    return _parser(html=False).disable(["heading", "lheading", "image", "hr", "reference"])


def _parser(*, html: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": html, "linkify": True})
    parser.enable(["linkify", "strikethrough"])
    # Else every `manage.py` would become a link to Paraguay.
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    return parser


def _lower_headings(state: StateCore) -> None:
    """Move all headings one level down if one is an h1, which is the title of the page."""
    headings = [token for token in state.tokens if token.type.startswith("heading_")]
    if any(token.tag == "h1" for token in headings):
        for token in headings:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


def _align_cells(state: StateCore) -> None:
    """Align cells by attribute: our Content-Security-Policy refuses style attributes."""
    for token in state.tokens:
        style = str(token.attrs.pop("style", "")) if token.type in {"td_open", "th_open"} else ""
        if style:
            token.attrSet("align", style.removeprefix("text-align:"))


def _only_ours(_tag: str, attribute: str, value: str) -> str | None:
    pattern = _OURS.get(attribute)
    return value if pattern is None or pattern.fullmatch(value) else None


def _plain(safe: str) -> str:
    bare = nh3.clean(_FOOTNOTE_MARK.sub("", safe), tags=set())
    return "\n".join(
        line
        for line in (" ".join(part.split()) for part in html.unescape(bare).split("\n"))
        if line
    )


def _summary(safe: str) -> str:
    paragraphs = (_plain(paragraph).replace("\n", " ") for paragraph in _PARAGRAPH.findall(safe))
    text = next((paragraph for paragraph in paragraphs if paragraph), "")
    if len(text) <= SUMMARY_LENGTH:
        return text
    # Scripts without spaces have no word to end at.
    start = text[: SUMMARY_LENGTH - 1]
    return (start.rsplit(" ", 1)[0] if " " in start[SUMMARY_LENGTH // 2 :] else start) + "…"
