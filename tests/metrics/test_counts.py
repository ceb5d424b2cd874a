"""Figures from lines of the access log."""

import json
import random
from itertools import pairwise

import pytest
from tests.metrics.rows import PAGE, STATIC, of, row

from outrider.metrics import RECENT_S, Metrics


def figures_of(*rows, now=110.5, started=100.0):
    metrics = Metrics(started)
    metrics.add(rows, 105.2)
    return metrics.figures(now)


def test_an_idle_site_has_figures_too():
    figures = Metrics(100.0).figures(100.0)

    assert figures.traffic.requests == 0
    assert figures.traffic.last_minute.requests_per_second == 0
    assert figures.traffic.last_minute.app.p50 is None
    assert figures.slowest is None
    json.dumps(figures.as_json())


def test_requests_bytes_and_statuses_are_counted():
    traffic = figures_of(STATIC, PAGE, row("404", "7", "0.001", "404", "0.001")).traffic

    assert traffic.requests == 3
    assert traffic.sent_bytes == 10443 + 800 + 7
    assert traffic.statuses == {"200": 2, "404": 1}
    assert traffic.without_app == 1


def test_only_the_servers_own_faults_are_errors():
    refused, failed = (
        row("404", "7", "0.001", "404", "0.001"),
        row("500", "7", "0.001", "500", "0.001"),
    )
    rates = figures_of(PAGE, PAGE, refused, failed).traffic.last_minute

    assert rates.error_share == 0.25


def test_rates_are_of_the_time_since_the_start_while_that_is_short():
    rates = figures_of(*[PAGE] * 21, now=110.5).traffic.last_minute

    assert rates.requests_per_second == 2


def test_what_is_older_than_a_minute_counts_in_the_totals_only():
    figures = figures_of(PAGE, now=300.0)

    assert figures.traffic.requests == 1
    assert figures.traffic.last_minute.requests_per_second == 0


def test_totals_do_not_forget_what_the_window_has_left():
    metrics = Metrics(0.0)
    for second in range(3 * RECENT_S):
        metrics.add([PAGE, STATIC], float(second))
    traffic = metrics.figures(3.0 * RECENT_S).traffic

    assert traffic.requests == 6 * RECENT_S
    assert traffic.client.count == 6 * RECENT_S
    assert traffic.app.count == 3 * RECENT_S
    assert len(traffic.recent) == RECENT_S
    assert traffic.last_minute.requests_per_second == 2


def test_slow_clients_would_have_held_workers():
    """Two clients that took thirty seconds each for what the app did in a second."""
    slow = row("200", "100000", "31.000", "200", "1.000")
    traffic = figures_of(slow, slow, STATIC, now=160.0).traffic

    assert traffic.slow_client_s == 60
    assert traffic.last_minute.slow_client_workers == 1


def test_a_client_who_left_before_the_app_had_answered_gives_nothing_back():
    gone, slow = row("499", "0", "1.000", "-", "3.000"), row("200", "1", "3.000", "200", "1.000")

    assert figures_of(gone, slow).traffic.slow_client_s == 2


def test_a_slow_download_of_a_static_file_would_have_held_none():
    traffic = figures_of(row("200", "100000", "31.000", "-", "-")).traffic

    assert traffic.slow_client_s == 0


@pytest.mark.parametrize("empty", ["-", ""])
def test_nginx_alone_has_answered_where_there_is_no_upstream(empty):
    assert figures_of(row("200", "1", "0.001", empty, empty)).traffic.without_app == 1


@pytest.mark.parametrize(
    ("upstream_status", "upstream_seconds", "app_s"),
    [
        ("502, 200", "0.001, 0.002", 0.003),  # another try
        ("404 : 200", "0.010 : 0.020", 0.030),  # another location
        ("200, 404 : 200", "0.010, 0.001 : 0.020", 0.031),
        ("502", "-, 0.004", 0.004),
        ("-", "0.250", 0.25),  # the client left before the app had answered
    ],
)
def test_several_answers_of_the_app_are_one_request(upstream_status, upstream_seconds, app_s):
    traffic = figures_of(row("200", "1", "1.000", upstream_status, upstream_seconds)).traffic

    assert traffic.app.sum_s == app_s
    assert traffic.app.count == 1
    assert traffic.last_minute.app.p99 == pytest.approx(app_s, rel=0.016)


def test_the_hours_of_a_websocket_are_nobodys_latency():
    traffic = figures_of(row("101", "500", "7200.000", "101", "7199.000")).traffic

    assert traffic.requests == 1
    assert traffic.client.count == 0
    assert traffic.slow_client_s == 0


def test_percentiles_are_those_of_the_sorted_times():
    rng = random.Random(7)
    times = [rng.randrange(1, 60_000) for _ in range(1000)]
    rows = [row("200", "1", f"{ms / 1000:.3f}", "200", "0.001") for ms in times]
    client = figures_of(*rows).traffic.last_minute.client

    times.sort()
    for found, rank in ((client.p50, 500), (client.p95, 950), (client.p99, 990)):
        assert found == pytest.approx(times[rank - 1] / 1000, rel=0.016)


def test_percentiles_of_one_request_are_its_time():
    client = figures_of(PAGE).traffic.last_minute.client

    assert (client.p50, client.p95, client.p99) == (0.05, 0.05, 0.05)


def test_histograms_only_grow_from_bound_to_bound():
    rows = [row("200", "1", f"{2**power / 1000:.3f}", "-", "-") for power in range(20)]
    client = figures_of(*rows).traffic.client

    assert all(a <= b for a, b in pairwise(client.counts))
    assert client.counts[-1] == 16  # 2 ** 15 ms are within a minute, 2 ** 16 are not
    assert client.count == 20


def test_each_second_is_told_of_once_it_is_over():
    metrics = Metrics(100.0)
    metrics.add([PAGE] * 3, 103.1)
    metrics.add([PAGE], 103.9)
    metrics.add([PAGE] * 5, 104.2)

    recent = metrics.figures(104.5).traffic.recent

    assert [one.requests_per_second for one in recent] == [0, 0, 0, 4]


def test_each_of_several_sites_has_its_own_figures():
    metrics = Metrics(100.0, ["blog", "shop", "idle"])
    metrics.add([of("blog", PAGE), of("shop", STATIC), of("blog", PAGE), PAGE], 101.0)
    figures = metrics.figures(102.0)

    assert {name: one.requests for name, one in figures.sites.items()} == {
        "blog": 2,
        "shop": 1,
        "idle": 0,
    }
    assert figures.sites["blog"].sent_bytes == 2 * 800
    assert figures.sites["shop"].sent_bytes == 10443
    # Of a host that no site has, Nginx itself has answered.
    assert figures.traffic.requests == 4


def test_figures_are_json():
    figures = figures_of(PAGE, STATIC)

    assert (
        json.loads(json.dumps(figures.as_json()))["traffic"]["last_minute"]["static_share"] == 0.5
    )
