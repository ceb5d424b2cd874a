"""What posts and comments may hold, and what never reaches a reader."""

import re

import pytest

from blog import markdown

HARMLESS = {
    "emphasis": ("*a* **b** ~~c~~", "<em>a</em> <strong>b</strong> <s>c</s>"),
    "a link": ('[a](https://x.org "t")', '<a href="https://x.org" title="t">a</a>'),
    "a bare address": ("https://x.org", '<a href="https://x.org">https://x.org</a>'),
    "a mail address": ("<a@x.org>", '<a href="mailto:a@x.org">a@x.org</a>'),
    "an image": ("![a](/media/b.png)", '<img src="/media/b.png" alt="a" loading="lazy">'),
    "code of a language": ("```c++\nx<y\n```", '<code class="language-c++">x&lt;y\n</code>'),
    "a figure in HTML": ("<figure><figcaption>a</figcaption></figure>", "<figcaption>a"),
    "keys": ("<kbd>Ctrl</kbd>", "<kbd>Ctrl</kbd>"),
    "a folded part": ("<details open><summary>a</summary>b</details>", "<summary>a</summary>b"),
}


@pytest.mark.parametrize(("text", "html"), HARMLESS.values(), ids=HARMLESS)
def test_what_posts_are_made_of_is_kept(text, html):
    assert html in markdown.render(text).html


HARMFUL = {
    "script": "<script>alert(1)</script>",
    "a script in a picture": "<svg><script>alert(1)</script></svg>",
    "a handler": '<img src="/a.png" onerror="alert(1)">',
    "a handler on a link": '<a href="/" onclick=alert(1)>a</a>',
    "a javascript link": "[a](javascript:alert(1))",
    "a javascript link in HTML": '<a href="javascript:alert(1)">a</a>',
    "a javascript link with an entity": '<a href="java&#10;script:alert(1)">a</a>',
    "a javascript link in capitals": '<a href=" JaVaScRiPt:alert(1)">a</a>',
    "a vbscript link": '<a href="vbscript:alert(1)">a</a>',
    "a data link": '<a href="data:text/html,<script>alert(1)</script>">a</a>',
    "a data image": "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    "a style": '<p style="position:fixed">a</p>',
    "a style sheet": "<style>body{display:none}</style>",
    "a frame": '<iframe src="https://x.org"></iframe>',
    "an object": '<object data="/x.swf"></object><embed src="/x">',
    "a form": '<form action="https://x.org"><input name="password"></form>',
    "another base": '<base href="https://x.org/">',
    "a redirect": '<meta http-equiv="refresh" content="0;https://x.org">',
    "mathematics with a link": '<math><a xlink:href="javascript:alert(1)">a</a></math>',
    "an unclosed comment": "<!-- <script>alert(1)</script>",
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
@pytest.mark.parametrize(
    "render", [lambda text: markdown.render(text).html, markdown.render_comment]
)
def test_what_could_harm_a_reader_is_gone(render, text):
    tags = " ".join(re.findall(r"<[^>]*>", render(text))).lower()
    bad = r"script|alert|onerror|onclick|style|frame|object|embed|form|input|base|meta|data:|svg"
    assert not re.search(bad, tags)


def test_a_class_or_id_of_the_site_cannot_be_borrowed():
    html = markdown.render('<sup class="site-header">a</sup><li id="upload" class="footnote-x">')
    assert "site-header" not in html.html
    assert "upload" not in html.html
    assert "footnote-x" in html.html


def test_a_table_keeps_how_its_columns_stand_without_style():
    html = markdown.render("| a | b |\n|:--|--:|\n| 1 | 2 |").html
    assert '<th align="left">a</th>' in html
    assert '<td align="right">2</td>' in html
    assert "style" not in html


def test_a_footnote_leads_there_and_back():
    rendered = markdown.render("Text[^1].\n\n[^1]: Note.")
    assert '<a href="#fn1" id="fnref1">[1]</a>' in rendered.html
    assert '<li id="fn1" class="footnote-item">' in rendered.html
    assert '<a href="#fnref1" class="footnote-backref">' in rendered.html
    assert rendered.text == "Text.\nNote."
    assert rendered.summary == "Text."


def test_headings_stand_below_the_title_of_the_page():
    html = markdown.render("# a\n\n## b\n\n###### c").html
    assert html == "<h2>a</h2>\n<h3>b</h3>\n<h6>c</h6>\n"


def test_headings_that_begin_at_two_stay():
    assert markdown.render("## a\n\n### b").html == "<h2>a</h2>\n<h3>b</h3>\n"


def test_a_file_name_is_no_address():
    assert "<a" not in markdown.render("Edit manage.py and mail me@home.").html


def test_the_text_for_the_search_is_what_a_reader_reads():
    text = "# Tea & *cake*\n\n![a cup](/a.png) `x < y`\n\n<script>hidden</script>\n\n- one\n- two"
    assert markdown.render(text).text == "Tea & cake\nx < y\none\ntwo"


def test_the_summary_is_the_first_paragraph_with_words():
    assert (
        markdown.render("# Title\n\n![](/a.png)\n\nFirst\nwords.\n\nMore.").summary
        == "First words."
    )
    assert markdown.render("").summary == ""


def test_a_long_summary_ends_at_a_word_or_anywhere_in_scripts_without_spaces():
    summary = markdown.render("word " * 100).summary
    assert summary.endswith("word…")
    assert len(summary) <= markdown.SUMMARY_LENGTH
    assert len(markdown.render("字" * 500).summary) == markdown.SUMMARY_LENGTH


def test_a_comment_has_no_html_images_or_headings_and_its_links_give_no_rank():
    html = markdown.render_comment("# a\n\n![b](/b.png) <b>c</b> https://x.org\n\n```py\n1\n```")
    assert "<h" not in html
    assert "<img" not in html
    assert "&lt;b&gt;c&lt;/b&gt;" in html
    assert '<a href="https://x.org" rel="nofollow ugc noopener">' in html
    assert '<code class="language-py">' in html


def test_deeply_nested_markdown_breaks_nothing():
    for text in (">" * 5000, "[" * 5000, "*a_ " * 5000, "<b>" * 5000, "- " * 2000):
        markdown.render(text)
