"""How slow clients are divided among processes and addresses, and what they send."""

from __future__ import annotations

import pytest

from outrider.bench.slow import KINDS, Counts, SlowClients, opening, shares
from outrider.values import Address


def test_as_many_processes_as_the_limit_of_open_files_asks_for():
    assert shares(1000, "127.0.0.1", 10_000) == [(1000, "")]
    assert [count for count, _ in shares(1001, "10.0.0.1", 500)] == [334, 334, 333]


def test_thirty_thousand_come_from_three_addresses_so_that_each_finds_a_port_at_once():
    divided = shares(30_000, "127.0.0.1", 10_000)
    assert [count for count, _ in divided] == [10_000] * 3
    assert [source for _, source in divided] == ["", "127.0.0.2", "127.0.0.3"]


def test_of_another_machine_nobody_pretends_to_have_more_addresses():
    assert {source for _, source in shares(60_000, "192.0.2.1", 10_000)} == {""}


@pytest.mark.parametrize("kind", KINDS)
def test_no_slow_request_is_complete(kind):
    at_once, dripped = opening(kind, "/page", "shop.example")
    head, end, body = at_once.partition("\r\n\r\n")
    assert head.split("\r\n")[0].endswith(" /page HTTP/1.1")
    assert "\r\nHost: shop.example" in head
    if kind == "headers":
        assert not end
        assert dripped == "x"
    elif kind == "body":
        assert "Content-Length: 100000" in head
        assert len(body) < 100000
        assert dripped == "x"
    else:  # complete, and then read a little at a time
        assert (body, dripped) == ("", "")


def test_the_rate_of_coming_is_that_of_all_processes_together():
    clients = SlowClients(Address(host="127.0.0.1", port=80), "headers", 25_000, connect_per_s=1000)
    assert sum(orders.count for orders in clients._orders) == 25_000
    assert sum(orders.connect_per_s for orders in clients._orders) == pytest.approx(1000)


def test_counts_of_several_processes_are_added_up():
    total = sum(
        [Counts(held=1, dropped=2, answers={"408": 2}), Counts(held=3, answers={"408": 1})],
        Counts(),
    )
    assert total == Counts(held=4, dropped=2, answers={"408": 3})
