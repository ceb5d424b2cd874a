"""An import that starts a server is stopped, and every other is not."""

from __future__ import annotations

import json

import pytest

from tests.probe.asking import APPS, app_of, error_of, probe


@pytest.mark.parametrize(
    ("folder", "line", "code"),
    [
        ("starts_server", 7, "app.run(port=0)"),
        ("starts_server_debug", 4, "app.run("),
        ("starts_server_and_holds_it", 5, "app.run(port=0)"),
        ("starts_server_in_factory", 6, "app.run(port=0)"),
        ("starts_server_of_stdlib", 9, 'make_server("127.0.0.1", 0, app).serve_forever()'),
    ],
)
def test_the_module_starts_a_server(folder, line, code):
    file = str(APPS / folder / "app.py")

    assert error_of(folder) == {"kind": "starts-server", "file": file, "line": line, "code": code}


def test_the_module_starts_a_server_that_is_installed():
    packages = str(APPS / "starts_server_of_package" / "site-packages")

    error = error_of("starts_server_of_package", env={"PYTHONPATH": packages})

    assert (error["kind"], error["code"]) == ("starts-server", "waitress.serve(app)")


@pytest.mark.parametrize(
    "env",
    [{"FLASK_RUN_FROM_CLI": "true"}, {"WERKZEUG_RUN_MAIN": "true", "WERKZEUG_SERVER_FD": "0"}],
    ids=["flask run", "the reloader's child"],
)
def test_no_variable_hides_the_server(env):
    assert error_of("starts_server_debug", env=env)["kind"] == "starts-server"


def test_nothing_is_started_again_by_a_reloader():
    finished = probe("starts_server_debug", "app")

    assert "the probe is run by outrider" not in finished.output


def test_a_server_in_a_thread_is_let_be():
    finished = probe("starts_server_for_thread", "app")

    assert "metrics 204\n" in finished.output
    assert json.loads(finished.report)["app"]["target"] == "app:app"


@pytest.mark.parametrize("folder", ["flask_plain", "binds_at_import"])
def test_a_module_that_starts_no_server(folder):
    assert app_of(folder)["target"] == "app:app"
