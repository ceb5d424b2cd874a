"""What `status` shows, as an operator reads it."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.control.standing import age, duration, shown

NOW = 1_000_000.0
STATE = {
    "pid": 812,
    "started": NOW - 100_000,
    "names": ["shop"],
    "url": "http://127.0.0.1:8000/",
    "run_dir": "/var/tmp/outrider-1000/127.0.0.1-8000",
    "directories": ["/srv/shop"],
    "generation": 3,
    "phase": "serving",
    "is_reloading": False,
    "is_stopping": False,
    "processes": [
        {"title": "Nginx", "pid": 820, "generation": 1, "state": "ready", "since": NOW - 99_000},
        {
            "title": "Gunicorn",
            "pid": 913,
            "generation": 3,
            "state": "ready",
            "since": NOW - 59,
            "workers": [914, 915],
        },
    ],
}
REQUEST = {"method": "GET", "path": "/report", "seconds": 12.44, "id": "18d80797aa"}
STREAM = {"method": "GET", "path": "/events", "seconds": 4000.0, "id": "1", "is_stream": True}
RATES = {
    "requests_per_second": 41.23,
    "error_share": 0.004,
    "static_share": 0.62,
    "client": {"p50": 0.005, "p95": 0.08, "p99": 2.14},
    "app": {"p50": 0.003, "p95": 0.041, "p99": 0.23},
    "slow_client_workers": 2.3,
}
TRAFFIC = {
    "requests": 123456,
    "statuses": {"200": 123000, "404": 400, "500": 50, "502": 6},
    "without_app": 70000,
    "sent_bytes": 1,
    "slow_client_s": 11_520.0,
    "last_minute": RATES,
    "recent": [],
}
FIGURES: dict[str, Any] = {
    "uptime_s": 100_000.0,
    "traffic": TRAFFIC,
    "sites": {},
    "connections": {"active": 118, "reading": 3, "writing": 5, "waiting": 110},
    "processes": [
        {
            "pid": 820, "title": "Nginx", "role": "master", "site": "", "generation": 1,
            "state": "running", "age_s": 99_000.0, "memory_bytes": 7 * 2**20, "requests": None,
            "in_flight": 0, "doing": [],
        },
        {
            "pid": 914, "title": "Gunicorn", "role": "worker", "site": "", "generation": 3,
            "state": "busy", "age_s": 59.0, "memory_bytes": 48 * 2**20, "requests": 940,
            "in_flight": 3, "doing": [REQUEST, STREAM],
        },
        {
            "pid": 915, "title": "Gunicorn", "role": "worker", "site": "", "generation": 3,
            "state": "idle", "age_s": 58.0, "memory_bytes": 47 * 2**20, "requests": 12,
            "in_flight": 0, "doing": [],
        },
    ],
}  # fmt: skip


def test_everything_there_is():
    assert shown({**STATE, "figures": FIGURES}, NOW).splitlines() == [
        "shop  http://127.0.0.1:8000/",
        "  state          serving; up for 1 day 3 h, generation 3",
        "  project        /srv/shop",
        "  run directory  /var/tmp/outrider-1000/127.0.0.1-8000",
        "",
        "requests of the last minute",
        "  rate           41.2 a second",
        "  errors         0.4 % answered with 500 and above",
        "  static         62 % answered without the app",
        "  app took       p50 3 ms, p95 41 ms, p99 230 ms",
        "  client waited  p50 5 ms, p95 80 ms, p99 2.1 s",
        "  slow clients   would have kept 2.3 workers busy; since the start 3 h 12 min of one",
        "  in all         123456 requests since the start, 50 x 500, 6 x 502",
        "",
        "now",
        "  connections    118 open: 5 answered, 3 asking, 110 idle",
        "  in progress    3; the longest: GET /report for 12.4 s, in pid 914  [18d80797]",
        "",
        "process            pid  state    code    age        memory  requests  doing",
        "  Nginx            820  running          1 day 3 h  7 MB",
        (
            "  Gunicorn worker  914  busy     gen. 3  59 s       48 MB   940"
            "       GET /report for 12.4 s (+2)"
        ),
        "  Gunicorn worker  915  idle     gen. 3  58 s       47 MB   12",
    ]


def test_before_there_are_figures_the_processes_are_shown():
    assert shown(STATE, NOW).splitlines()[4:] == [
        "",
        "process     pid  state  code    age        doing",
        "  Nginx     820  ready          1 day 3 h",
        "  Gunicorn  913  ready  gen. 3  59 s       2 workers",
    ]


def test_maintenance_and_a_reload_stand_at_the_top():
    busy = {"is_reloading": True, "maintenance": True, "allow": ["10.0.0.5/32"]}
    assert shown({**STATE, **busy}, NOW).splitlines()[1:3] == [
        "  state          serving, and being reloaded; up for 1 day 3 h, generation 3",
        "  maintenance    on: everyone but 10.0.0.5/32 is answered 503",
    ]


def test_a_site_that_nobody_visits_has_no_figures_of_requests():
    nothing = dict.fromkeys(("requests_per_second", "error_share", "static_share"), 0.0)
    idle = {"p50": None, "p95": None, "p99": None}
    rates = {**nothing, "client": idle, "app": idle, "slow_client_workers": 0.0}
    traffic = {"requests": 0, "statuses": {}, "slow_client_s": 0.0, "last_minute": rates}
    figures: dict[str, Any] = {
        "traffic": traffic,
        "sites": {},
        "connections": None,
        "processes": [],
    }
    assert shown({**STATE, "figures": figures}, NOW).splitlines()[4:9] == [
        "",
        "requests of the last minute",
        "  rate           0.0 a second",
        "  slow clients   would have kept no worker busy",
        "  in all         0 requests since the start",
    ]


def test_each_of_several_sites_has_its_own_figures():
    figures = {**FIGURES, "sites": {"shop": TRAFFIC, "blog": TRAFFIC}}
    lines = shown({**STATE, "names": ["shop", "blog"], "figures": figures}, NOW).splitlines()
    assert lines[0] == "shop, blog  http://127.0.0.1:8000/"
    assert lines.count("  rate           41.2 a second") == 3
    assert "site blog" in lines


def test_a_url_does_not_steer_the_terminal():
    worker = {**FIGURES["processes"][1], "doing": [{**REQUEST, "path": "/\x1b[2J\nall is well"}]}
    text = shown({**STATE, "figures": {**FIGURES, "processes": [worker]}}, NOW)
    assert "\x1b" not in text
    assert "GET /?[2J?all is well for 12.4 s" in text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h 0 min"),
        (86400 * 2 + 7200, "2 days 2 h"),
    ],
)
def test_an_age_has_the_units_that_matter(seconds, told):
    assert age(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 ms"), (0.0034, "3 ms"), (2.14, "2.1 s"), (240, "4 min")]
)
def test_a_duration_has_the_units_that_matter(seconds, told):
    assert duration(seconds) == told
