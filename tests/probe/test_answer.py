"""The request and the answer, the one among several candidates, and the app's process."""

from __future__ import annotations

import json
import sys
from dataclasses import fields

import gunicorn
import pytest

from outrider import process
from outrider.facts import App, MediaFolder, StaticFolder
from outrider.probe.answer import REPORT_VARIABLE
from tests.probe.asking import APPS, ENVIRONMENT, PROBE, app_of, error_of, probe


def test_the_answer_has_the_fields_of_the_facts():
    app = app_of("flask_uploads_open")

    assert set(app) == {one.name for one in fields(App)}
    assert [StaticFolder(**one) for one in app["static"]]
    assert [MediaFolder(**one) for one in app["media"]]


def test_the_interpreter_and_its_gunicorn_are_named():
    answer = json.loads(probe("flask_plain", "app").report)

    assert answer["python"] == list(sys.version_info[:3])
    assert answer["gunicorn"] == gunicorn.__version__


def test_gunicorn_is_missing():
    finished = probe(
        "flask_plain", "app", env={"PYTHONPATH": str(APPS / "fake_gunicorns" / "missing")}
    )

    answer = json.loads(finished.report)
    assert answer["gunicorn"] is None
    assert answer["error"] == {"kind": "no-gunicorn"}


def test_gunicorn_is_too_old():
    error = error_of("flask_plain", env={"PYTHONPATH": str(APPS / "fake_gunicorns" / "old")})

    assert error == {"kind": "old-gunicorn", "version": "20.1.0"}


def test_the_variable_is_the_one_that_run_sets():
    assert REPORT_VARIABLE == process.REPORT_VARIABLE


def test_without_a_descriptor_to_answer_on_it_says_who_runs_it():
    finished = process.run([sys.executable, str(PROBE), "{}"], env=ENVIRONMENT)

    assert finished.code == 1
    assert finished.output == "the probe is run by outrider, with one argument\n"


def test_what_the_app_prints_is_not_the_answer():
    finished = probe("prints_at_import", "app")

    assert json.loads(finished.report)["app"]["target"] == "app:app"
    assert '{"app": "not the answer"}\n' in finished.output
    assert "warning\n" in finished.output


def test_the_app_sees_neither_the_request_nor_the_descriptor():
    finished = probe("prints_at_import", "app")

    assert "report None arguments []\n" in finished.output
    assert "children have 0 descriptors more\n" in finished.output


def test_threads_and_exit_functions_of_the_app_do_not_hold_the_answer():
    finished = probe("thread_at_import", "app")

    assert finished.code == 0
    assert "deregistered" not in finished.output


def test_a_child_that_the_app_forks_does_not_answer_again():
    assert app_of("forks_at_import")["target"] == "app:app"


def test_an_interpreter_that_ends_gives_no_answer():
    finished = probe("dies_at_import", "app")

    assert (finished.code, finished.report) == (3, "")


def test_an_import_that_is_slow_is_stopped():
    finished = probe("slow_import", "app", env={"SLOW_IMPORT_S": "60"}, timeout_s=1)

    assert (finished.code, finished.report) == (None, "")


def test_an_import_that_is_fast_enough_is_waited_for():
    assert app_of("slow_import", env={"SLOW_IMPORT_S": "0.2"})["target"] == "app:app"


# -- several candidates ----------------------------------------------------------------------------


def test_the_same_app_in_two_modules_counts_once():
    assert app_of("several", "wsgi", "shop")["target"] == "wsgi:app"


def test_an_app_that_another_is_wrapped_around_does_not_count():
    assert app_of("several", "shop", "wrapped")["target"] == "wrapped:app"


def test_an_app_is_taken_before_a_factory_which_is_not_called():
    assert app_of("several", "factory", "shop:app")["target"] == "shop:app"


@pytest.mark.parametrize("other", ["broken", "script", "server", "nothing"])
def test_a_candidate_that_fails_does_not_matter_beside_one_that_works(other):
    assert app_of("several", other, "shop")["target"] == "shop:app"


def test_two_candidates_are_different_apps():
    assert error_of("several", "shop", "admin") == {
        "kind": "several",
        "targets": ["shop:app  (shop.py)", "admin:app  (admin.py)"],
    }


def test_when_all_fail_the_first_with_something_to_say_is_told():
    assert error_of("several", "script", "broken", "server")["exception"] == "ValueError: broken"
    assert error_of("several", "script")["kind"] == "no-app"
