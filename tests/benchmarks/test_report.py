"""The tables as they are printed."""

import json

from benchmarks.tables import report
from benchmarks.tables.command import main
from benchmarks.tables.contenders import BY_NAME, CONTENDERS
from benchmarks.tables.fronts import nginx_conf
from benchmarks.tables.layouts import LAYOUTS
from benchmarks.tables.records import Record, Records


def slow(held: float) -> Records:
    return Records(
        (
            Record("slow", 0, "outrider", "none before 1000", {"rate": 900.0, "p99_ms": 2}),
            Record("slow", 0, "outrider", "body 1000", {"rate": 850.4, "p99_ms": 3, "held": held}),
        )
    )


def test_a_figure_that_is_missing_is_a_dash_and_a_table_without_figures_has_no_row():
    text = report.tables("slow", slow(1000))
    assert "| outrider | 900 | - | - | 850 | 3 | - | - |" in text
    assert text.count("| outrider |") == 1  # not in the table of 5,000


def test_slow_clients_that_were_not_held_are_said_beside_the_rate():
    assert "| 850 (held 250) |" in report.tables("slow", slow(250))


def test_who_is_compared_with_itself_gets_a_dash():
    found = Records(
        tuple(
            Record("uploads", 0, name, "1m", {"rate": rate, "p99_ms": 1, "errors": 0})
            for name, rate in (("outrider", 150.0), ("nginx+sync", 100.0))
        )
    )
    text = report.tables("uploads", found)
    assert "| outrider | 150 | 1.50 | 1 | 0 |" in text
    assert "| nginx+sync | 100 | - | 1 | 0 |" in text


def test_every_head_has_as_many_columns_as_its_rows():
    for layout in LAYOUTS:
        head = report.markdown([["", *(column.heading for column in layout.columns)]])
        first, second = head.split("\n")
        assert first.count("|") == second.count("|")


def test_results_can_be_shown_again_without_measuring(tmp_path, capsys):
    file = tmp_path / "results.json"
    kept = {
        "machine": {"date": "2026-11-23"},
        "versions": {"gunicorn": ["gunicorn==27.0.1"]},
        "absent": {"mod_wsgi": "cannot be had: there is no apxs"},
        "spent_s": {"slow": 2.0},
        "records": [record.as_json() for record in slow(1000).all],
    }
    file.write_text(json.dumps(kept))
    assert main(["--show", str(file)]) == 0
    text = capsys.readouterr().out
    assert "2026-11-23" in text
    assert "- `mod_wsgi` cannot be had: there is no apxs" in text
    assert "## Goals" in text
    assert "gunicorn==27.0.1" in text


def test_each_contender_has_a_name_and_an_exact_version_of_its_own():
    assert len(BY_NAME) == len(CONTENDERS)
    for contender in CONTENDERS:
        packages = [one for one in contender.environment.packages if not one.startswith("--")]
        assert all("==" in package for package in packages)


def test_all_peers_behind_nginx_have_one_configuration_but_for_the_way_to_the_app():
    texts = {
        nginx_conf(contender.upstream, run="/r", app="/a", socket="/r/app.sock", port=8000)
        .partition("location / {")[0]
        .replace(" keepalive 64; }", "  }")
        for contender in CONTENDERS
        if contender.front == "nginx"
    }
    assert len(texts) == 1
