"""The text is what Prometheus's own parser reads."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.metrics.rows import PAGE, STATIC, of, row

from outrider.metrics import Connections, Metrics, Process, Request, prometheus

FAILED = row("500", 80, "12.000", "500", "2.000")


def request(seconds, *, is_stream=False):
    return Request(method="GET", path="/", seconds=seconds, id="", is_stream=is_stream)


def worker(**more):
    given = {"pid": 7, "title": "Gunicorn", "role": "worker", "state": "busy", "age_s": 1.0}
    given |= {"memory_bytes": 2**20, "cpu_s": 0.5, "requests": 9}
    return Process(**{**given, **more})


def read(figures):
    """Return all samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(prometheus(figures))
        for sample in family.samples
    }


def figures_of(rows=(), sites=(), **more):
    metrics = Metrics(0.0, sites)
    metrics.add(rows, 1.0)
    return metrics.figures(10.0, **more)


def test_counters_are_read():
    samples = read(figures_of([PAGE, PAGE, FAILED, STATIC]))

    assert samples["outrider_http_requests_total", "", "200"] == 3
    assert samples["outrider_http_requests_total", "", "500"] == 1
    assert samples["outrider_http_requests_without_app_total", ""] == 1
    assert samples["outrider_http_response_bytes_total", ""] == 1680 + 10443
    assert samples["outrider_slow_client_seconds_total", ""] == pytest.approx(10.02)


def test_histograms_are_read():
    samples = read(figures_of([PAGE, PAGE, FAILED]))
    name = "outrider_http_request_duration_seconds"

    assert samples[f"{name}_bucket", "", "0.025"] == 0
    assert samples[f"{name}_bucket", "", "0.05"] == 2
    assert samples[f"{name}_bucket", "", "30.0"] == 3
    assert samples[f"{name}_bucket", "", "+Inf"] == samples[f"{name}_count", ""] == 3
    assert samples[f"{name}_sum", ""] == pytest.approx(12.1)
    assert samples["outrider_app_response_duration_seconds_sum", ""] == pytest.approx(2.08)


def test_several_sites_are_labels():
    samples = read(figures_of([of("blog", PAGE), of("shop", FAILED)], ["blog", "shop"]))

    assert samples["outrider_http_requests_total", "200", "blog"] == 1
    assert samples["outrider_http_requests_total", "500", "shop"] == 1


def test_workers_are_told_of_together():
    stream, slow = request(4000, is_stream=True), request(3)
    processes = [
        worker(pid=7, doing=(stream, slow), in_flight=2),
        worker(pid=8, doing=(), in_flight=0, state="idle"),
    ]
    figures = figures_of(processes=processes)
    samples, json = read(figures), figures.as_json()

    assert samples["outrider_processes", "", "Gunicorn", "worker"] == 2
    assert samples["outrider_process_resident_memory_bytes", "", "Gunicorn", "worker"] == 2**21
    assert samples["outrider_requests_in_flight", ""] == 2
    assert samples["outrider_workers_busy", ""] == 1
    assert samples["outrider_slowest_request_seconds", ""] == 3
    assert (json["requests_in_flight"], json["slowest"]["seconds"]) == (2, 3)


def test_connections_are_told_of_where_they_are_known():
    connections = Connections(active=6, reading=1, writing=2, waiting=3)

    assert read(figures_of(connections=connections))["outrider_connections", "waiting"] == 3
    assert "outrider_connections" not in prometheus(figures_of())


def test_nginx_tells_its_connections_to_one_of_them():
    told = (
        "Active connections: 6 \nserver accepts handled requests\n 9 9 12 \n"
        "Reading: 1 Writing: 3 Waiting: 2 \n"
    )

    assert Connections.told(told) == Connections(active=5, reading=1, writing=2, waiting=2)
    assert Connections.told("") is None
    assert Connections.told("<html>") is None


def test_any_label_can_be_read_again():
    odd = 'a\\b"c\nd'

    assert read(figures_of([of(odd, PAGE)]))["outrider_http_requests_total", "200", odd] == 1


def test_each_metric_is_explained_and_has_a_type():
    families = list(text_string_to_metric_families(prometheus(figures_of([PAGE]))))

    assert families
    assert all(one.documentation and one.type != "unknown" for one in families)


def test_nothing_has_happened_yet():
    assert ("outrider_slow_client_seconds_total", "") in read(figures_of())
