"""What may be measured, and how much of it fits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from outrider import cli
from outrider.bench.command import refuse_what_needs_a_start, words_of
from outrider.bench.options import (
    DEFAULT_CLIENTS,
    Options,
    Room,
    Schedule,
    clients_of,
    is_url,
    parse_request_path,
    place_of,
    room_elsewhere,
)
from outrider.errors import Exit, OutriderError
from outrider.settings import SETTINGS
from outrider.values import Address, BadValueError

HERE = Options(
    clients=None, rate=20, seconds=10, path=None, upload_path=None, large_path=None
)  # fmt: skip
ELSEWHERE = "192.0.2.7"


def place(url, mine=None, options=HERE, at="127.0.0.1"):
    return place_of(url, mine, options, lambda host, port: at)


# -- URLs ------------------------------------------------------------------------------------------


def test_a_url_is_told_from_an_app():
    assert is_url("http://127.0.0.1:8000/")
    assert is_url("https://shop.example")
    assert not is_url("app:app")
    assert not is_url("shop:create_app('production')")
    assert not is_url(None)


def test_a_url_of_this_machine():
    found = place("http://localhost:8000/shop/?page=2")
    assert found.address == Address(host="127.0.0.1", port=8000)
    assert (found.host, found.path) == ("localhost:8000", "/shop/?page=2")


def test_a_url_without_port_and_path():
    found = place("http://[::1]", at="::1")
    assert found.address == Address(host="::1", port=80)
    assert (found.host, found.path) == ("[::1]", "/")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://localhost/", "only http:// is spoken"),
        ("ftp://localhost/", "only http:// is spoken"),
        ("http://", "only http:// is spoken"),
        ("http://localhost:99999/", "Port out of range"),
        ("http://localhost:eighty/", "Port could not be cast"),
        ("http://localhost/a b", "its path is not a path that begins with '/'"),
    ],
)
def test_a_url_that_cannot_be_measured_says_why(url, why):
    with pytest.raises(OutriderError) as raised:
        place(url)
    assert raised.value.id == "bench-bad-url"
    assert why in raised.value.found[0]


def test_a_host_that_nobody_knows():
    def unknown(host, port):
        raise OSError(-2, "Name or service not known")

    with pytest.raises(OutriderError) as raised:
        place_of("http://shop.invalid/", None, HERE, unknown)
    assert raised.value.found == ("shop.invalid: Name or service not known",)


# -- another machine -------------------------------------------------------------------------------


def test_another_machine_is_refused_because_against_a_strangers_it_is_an_attack():
    with pytest.raises(OutriderError) as raised:
        place("http://shop.example/", at=ELSEWHERE)
    assert raised.value.id == "bench-host-not-confirmed"
    assert "attack" in raised.value.found[0]
    assert raised.value.fix[-1].endswith("--this-host-is-mine shop.example")


def test_the_name_of_this_machine_does_not_make_another_address_ones_own():
    with pytest.raises(OutriderError) as raised:
        place("http://localhost/", at=ELSEWHERE)
    assert raised.value.id == "bench-host-not-confirmed"


def test_confirming_another_host_than_that_of_the_url_is_no_confirmation():
    with pytest.raises(OutriderError) as raised:
        place("http://shop.example/", "shop.test", at=ELSEWHERE)
    assert raised.value.found == ("--this-host-is-mine names 'shop.test', not 'shop.example'",)


def test_a_confirmed_host_is_measured():
    assert place("http://Shop.example/", "shop.example", at=ELSEWHERE).address.host == ELSEWHERE


@pytest.mark.parametrize(
    ("option", "asked"), [("--clients", 201), ("--rate", 21), ("--seconds", 61)]
)
def test_another_machine_is_only_asked_for_little(option, asked):
    options = replace(HERE, **{option.removeprefix("--"): asked})
    with pytest.raises(OutriderError) as raised:
        place("http://shop.example/", "shop.example", options, at=ELSEWHERE)
    assert raised.value.id == "bench-immodest"
    assert option in raised.value.what
    assert place("http://127.0.0.1/", options=options).address.host == "127.0.0.1"


def test_another_machine_gets_fewer_slow_clients_unless_a_number_is_given():
    there = place("http://shop.example/", "shop.example", at=ELSEWHERE)
    assert room_elsewhere(10_000, there).most == 200
    assert room_elsewhere(10_000, place("http://localhost/")).most == 60_000


# -- how many --------------------------------------------------------------------------------------


def test_as_many_slow_clients_as_usual_or_as_fit():
    assert clients_of(None, Room(5000, "")) == DEFAULT_CLIENTS
    assert clients_of(None, Room(300, "")) == 300
    assert clients_of(5000, Room(5000, "")) == 5000


def test_more_slow_clients_than_fit_are_refused_with_the_number_that_fits():
    with pytest.raises(OutriderError) as raised:
        clients_of(5000, Room(300, "Nginx is small", "make room"))
    error = raised.value
    assert (error.id, error.exit_code) == ("bench-too-many-clients", Exit.SETTINGS)
    assert error.found == ("Nginx is small",)
    assert error.fix == ("take fewer:  --clients 300", "or make room")


def test_a_fifth_of_the_time_is_without_slow_clients_and_two_fifths_are_with_all_of_them():
    assert HERE.schedule == Schedule(2, 6, 10)


# -- paths -----------------------------------------------------------------------------------------


def test_a_path_with_its_query():
    assert parse_request_path(" /shop/?page=2&size=a%20b ") == "/shop/?page=2&size=a%20b"


@pytest.mark.parametrize("raw", ["shop", "", "/a b", "/a#b", "/é", "/a\r\nX: y"])
def test_a_path_that_cannot_stand_in_a_request(raw):
    with pytest.raises(BadValueError):
        parse_request_path(raw)


# -- the words of `run` ----------------------------------------------------------------------------


def test_flags_become_the_words_of_run_again():
    given = {"target": "app:app", "workers": "2", "static": ("/a/=a", "/b/=b")}
    assert words_of(given) == ["--workers=2", "--static=/a/=a", "--static=/b/=b", "app:app"]


def test_flags_that_say_how_a_site_starts_are_refused_beside_the_url_of_one_that_runs():
    url = "http://127.0.0.1:8000/"
    refuse_what_needs_a_start({"target": url}, compare=False)
    for given, compare, option in [
        ({"target": url, "workers": "2"}, False, "--workers"),
        ({"target": url}, True, "--compare"),
    ]:
        with pytest.raises(OutriderError) as raised:
            refuse_what_needs_a_start(given, compare=compare)
        assert raised.value.id == "bench-needs-a-target"
        assert option in raised.value.what


def test_bench_takes_every_setting_but_those_that_it_decides_itself():
    options = {word for one in cli.outrider.commands["bench"].params for word in one.opts}
    for row in SETTINGS:
        assert (row.option in options) == (row.name not in cli.bench.DECIDES) or (
            row.name == "target"
        )
    assert not [word for word in options if not re.fullmatch(r"--[a-z-]+|target", word)]
