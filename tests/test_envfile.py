"""Environment files as people write them."""

from __future__ import annotations

import pytest

from outrider.envfile import parse
from outrider.errors import OutriderError


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("A=1", {"A": "1"}),
        ("export A=1\n\n# comment\nB = two words # why\n", {"A": "1", "B": "two words"}),
        ("A='x # y'", {"A": "x # y"}),
        ('A="x"  # why', {"A": "x"}),
        ("A=pa$$word", {"A": "pa$$word"}),
        ("URL=https://x/?a=b#c", {"URL": "https://x/?a=b#c"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
    ],
)
def test_what_is_understood(text, variables):
    assert parse(".env", text) == variables


@pytest.mark.parametrize("text", ["A", "1A=x", "A B=x", 'A="x', "A='x' y", "A=\0"])
def test_what_is_refused_with_its_line(text):
    with pytest.raises(OutriderError) as caught:
        parse(".env", "OK=1\n" + text)
    assert caught.value.what == "line 2 of .env is not KEY=VALUE"


def test_a_secret_is_not_shown():
    with pytest.raises(OutriderError) as caught:
        parse(".env", "PASSWORD='correct horse battery")
    assert "horse" not in str(caught.value.found)
    with pytest.raises(OutriderError) as caught:
        parse(".env", "correct-horse-battery-staple")
    assert "battery" not in str(caught.value.found)
