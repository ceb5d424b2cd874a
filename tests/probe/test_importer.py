"""The app is found with the function of the server that will run it, and both find the same."""

from __future__ import annotations

import json

import pytest

from tests.probe.asking import APPS, probe

SITUATIONS = [
    ("flask_plain", "app:app"),
    ("flask_factory", "app:create_app()"),
    ("flask_factory_args", "app:create_app"),
    ("flask_factory_args", "app:create_app()"),
    ("flask_factory_forgets", "app:create_app()"),
    ("flask_factory_raises", "app:create_app()"),
    ("flask_factory_fails_inside", "app:create_app()"),
    ("bad_object", "objects:missing"),
    ("bad_object", "objects:a b"),
    ("import_raises", "app:app"),
    ("no_callable", "app:app"),
]


def answer(folder, target, server, **more):
    return json.loads(probe(folder, target, server=server, **more).report)


@pytest.mark.parametrize(("folder", "target"), SITUATIONS)
def test_another_server_is_told_the_same_as_gunicorn(folder, target):
    theirs, ours = (answer(folder, target, server) for server in ("gunicorn", "waitress"))
    for one in (theirs, ours):
        one.get("app", {}).pop("rss_bytes", None)
        one.pop("gunicorn")
        if one.get("error", {}).get("kind") == "bad-attribute":
            assert one["error"].pop("message")
    assert ours == theirs


@pytest.mark.parametrize("which", ["missing", "old"])
def test_gunicorn_is_not_needed_for_another_server(which):
    env = {"PYTHONPATH": str(APPS / "fake_gunicorns" / which)}
    assert answer("flask_plain", "app:app", "waitress", env=env)["app"]["target"] == "app:app"
