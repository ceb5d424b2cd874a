"""Environment files as people write them."""

from __future__ import annotations

import pytest

from outrider.envfile import altered_by_compose, parse, readable
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


@pytest.mark.parametrize(
    "line",
    [
        "A=pa$word",
        "A=${HOME}",
        "A=$$x",
        r"A=a\$b",
        'A="pa$word"',
        r'A="one\ntwo"',
        r'A="say \"hi\""',
        r"A='it\'s'",
        "export A = $x",
    ],
)
def test_what_compose_would_give_another_value(line):
    assert altered_by_compose(f"B=x\n{line}\n") == ("A",)


@pytest.mark.parametrize(
    "line",
    [
        "A='pa$word'",
        "A=a#b",
        "A=cost$",
        "A=x$1",
        r"A=a\nb",
        r'A="back\slash"',
        r"A='back\slash'",
        "A=x # of $HOME",
        'A="x" # of $HOME',
        "A=it's",
        "A=",
        "# A=$x",
        "nothing $x",
    ],
)
def test_what_compose_gives_as_it_stands(line):
    """As `docker compose config` of Compose 5 shows it."""
    assert altered_by_compose(line) == ()


def test_a_line_that_only_others_understand_is_passed_over():
    assert readable("A=1\nB: 2\nC='\nD=4\n") == {"A": "1", "D": "4"}
