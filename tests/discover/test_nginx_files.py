"""Configuration files of Nginx are read as Nginx reads them."""

from __future__ import annotations

import pytest

from outrider.discover.nginx_files import parse
from outrider.errors import OutriderError


def read(text: str):
    return parse("/etc/nginx/site.conf", text)


def test_directives_have_their_words_their_block_and_their_line():
    [server] = read("# a comment\nserver {\n    listen 80;\n\n    location /a { return 204; }\n}\n")
    listen, location = server.block
    assert (str(listen), listen.line, listen.block) == ("listen 80", 3, None)
    assert (location.words, location.where) == (("/a",), "site.conf:5")
    assert [str(one) for one in server.inside("return")] == ["return 204"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log_format main '$a [$b] \"$c\"';", ("main", '$a [$b] "$c"')),
        (r'return 200 "a \" quote; and {braces}";', ("200", 'a " quote; and {braces}')),
        ("location ~ \\.php$ {}", ("~", "\\.php$")),
        ('location ~ "^/[0-9]{4}/" {}', ("~", "^/[0-9]{4}/")),
        ("set $x ${y}z;", ("$x", "${y}z")),
        ("return 200 a#b;", ("200", "a#b")),
        ("map $a $b { default 1; }", ("$a", "$b")),
    ],
)
def test_words_as_people_write_them(text, words):
    [one] = read(text)
    assert one.words == words


def test_an_empty_file_says_nothing():
    assert read("\n# nothing yet") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("server {\n listen 80;\n", "line 1: the block that opens here is not closed"),
        ("server {}\n}\n", "line 2: '}' closes nothing"),
        ("server {\n listen 80\n}\n", "line 3: no ';' after 'listen 80'"),
        ("listen 80", "line 1: no ';' after 'listen 80'"),
        ("a b;\n;", "line 2: ';' is unexpected"),
        ("\nreturn 200 'a;\n", "line 2: a quote is not closed, or not followed by ';'"),
        ("location / {\n proxy_pass;\n}", "line 2: proxy_pass has no value"),
    ],
)
def test_what_nginx_would_refuse_is_refused_with_its_line(text, why):
    with pytest.raises(OutriderError) as refused:
        read(text)
    assert refused.value.id == "bad-nginx-file"
    assert refused.value.found == (why,)
