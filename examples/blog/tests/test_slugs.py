from itertools import islice

import pytest

from blog import slugs


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("你好 世界", "你好-世界"),
        ("Über uns", "über-uns"),
        ("../../etc/passwd", "etc-passwd"),
        ("Tom &amp; Jerry", "tom-amp-jerry"),
        ("ﬁne", "fine"),
        ("🙂", ""),
        ("---", ""),
    ],
)
def test_a_title_gives_a_slug_of_its_letters_and_digits(title, slug):
    assert slugs.normal(title) == slug
    assert slugs.normal(slug) == slug


def test_letters_composed_otherwise_give_the_same_slug():
    assert slugs.normal("Cafe\u0301") == slugs.normal("Caf\u00e9") == slugs.asked("cafe\u0301")


def test_a_long_title_ends_at_a_word_and_one_long_word_is_cut():
    assert slugs.normal("word " * 40) == "-".join(["word"] * 16)
    assert slugs.normal("字" * 200) == "字" * slugs.LONGEST


def test_the_first_free_one_of_the_candidates_can_be_taken():
    assert list(islice(slugs.candidates("A b", "post"), 3)) == ["a-b", "a-b-2", "a-b-3"]
    assert next(slugs.candidates("🙂", "post")) == "post"
