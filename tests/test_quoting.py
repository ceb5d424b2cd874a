"""No value reaches nginx.conf unescaped: what was written is what Nginx reads."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.errors import OutriderError
from outrider.render.gunicorn import quote as python_quote
from outrider.render.nginx import HASHED, NEVER, Word, quote

WORDS = st.text(st.characters(exclude_characters="$", exclude_categories=("Cc", "Cs")), min_size=1)


def read_word(text: str) -> str:
    """Read one word as ngx_conf_read_token does: a backslash hides a quote or itself."""
    if not text.startswith('"'):
        return text
    inner = text[1:-1]
    assert not re.search(r'(?<!\\)(\\\\)*"', inner), text
    return re.sub(r'\\(["\\])', r"\1", inner)


@given(WORDS)
def test_nginx_reads_back_what_was_meant(word):
    assert read_word(quote(word)) == word


@given(st.text())
def test_a_dollar_or_a_control_character_is_refused(text):
    for bad in ("$", "\n", "\x00", "\x7f"):
        with pytest.raises(OutriderError):
            quote(text + bad)


@pytest.mark.parametrize("word", ["a b", "a;b", "a{b}", "a#b", "a'b", 'a"b', "a\\b", "ü"])
def test_what_could_end_a_word_is_quoted(word):
    assert quote(word).startswith('"')


@pytest.mark.parametrize(
    "word", ["/srv/static/", "127.0.0.1:8000", "*.example.com", "unix:/run/app.sock"]
)
def test_plain_words_stay_readable(word):
    assert quote(word) == word


def test_syntax_of_ours_and_numbers_pass_as_they_are():
    assert quote(Word("$host")) == "$host"
    assert quote(4096) == "4096"


@pytest.mark.parametrize("value", [None, True, 1.5, [], b"x"])
def test_what_has_no_syntax_is_a_mistake_of_ours(value):
    with pytest.raises(TypeError):
        quote(value)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text())))
def test_python_reads_back_what_was_meant(value):
    assert eval(python_quote(value)) == value


@pytest.mark.parametrize(
    "name",
    [
        "app.3f2a9c1b.js",
        "logo-0a1b2c3d4e5f.css",
        "main.8d7b6a5c.chunk.css",
        "x.d41d8cd98f00b204e9800998ecf8427e.woff2",
    ],
)
def test_names_with_a_hash_are_kept_for_ever(name):
    assert re.search(HASHED, f"/static/{name}")


@pytest.mark.parametrize(
    "name",
    [
        "app.js",
        "report-20261122.pdf",
        "jquery-deadbeef.js",
        "jquery-3.7.1.min.js",
        "v.1a2b3c.js",
        "index-BkX3_a9Q.js",
        "12345678.js",
    ],
)
def test_names_without_a_hash_are_asked_for_again(name):
    assert not re.search(HASHED, f"/static/{name}")


@pytest.mark.parametrize(
    "name", [".env", ".git/HEAD", "a/.htpasswd", "app.py", "APP.PYC", "db.sqlite3", "x~", "n.ipynb"]
)
def test_what_is_never_served(name):
    assert re.search(NEVER, f"/static/{name}", re.IGNORECASE)


@pytest.mark.parametrize(
    "name", ["app.js", "a.b.css", "happy.png", ".well-known/assetlinks.json", "py", "x.pyramid"]
)
def test_what_is_served(name):
    assert not re.search(NEVER, f"/static/{name}", re.IGNORECASE)


@pytest.mark.integration
@settings(max_examples=15, deadline=None)
@given(st.text(st.sampled_from("ab ;{}#'\"\\ü%*~()[]<>|&!,=?"), min_size=1, max_size=12))
def test_nginx_itself_reads_back_what_was_meant(tmp_path_factory, word):
    """`alias` of a folder with that name: Nginx prints its whole configuration with -T."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("the system's Nginx is not installed")
    root = tmp_path_factory.mktemp("quoting")
    # `if_modified_since` takes three words only, and its error shows what was read.
    conf = root / "nginx.conf"
    conf.write_text(
        f"pid {root}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; if_modified_since {quote(word)}; }}\n"
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(root), "-c", str(conf), "-e", "stderr"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f'invalid value "{word}"' in done.stderr
