"""Uploads that a plain route serves to everyone, and what may guard them."""

from __future__ import annotations

import pytest

from tests.probe.asking import APPS, app_of


def test_uploads_that_a_plain_route_serves_to_everyone():
    root = APPS / "flask_uploads_open"

    assert app_of("flask_uploads_open")["media"] == [
        media("UPLOAD_FOLDER", root / "uploads", "/uploads/"),
        media("MEDIA_ROOT", root / "media", "/media/"),
        media("MEDIA_FOLDER", "/srv/media", "/pictures/"),
        media("UPLOADS_DEFAULT_DEST", root / "unserved", None),
    ]


def media(source, directory, url):
    told = {"directory": str(directory), "source": source, "url": url, "guard": None}
    return {**told, "ignores_prefix": False}


def test_no_uploads():
    assert app_of("flask_plain")["media"] == []


def test_routes_that_do_more_than_send_the_file():
    found = {one["url"]: one["guard"] for one in app_of("flask_uploads_guarded")["media"]}

    assert found == {
        "/uploads/": "decorated with login_required",
        "/media/": "the view uses g, user, abort",
        "/downloads/": "the view does more than send the file",
        "/thumbs/": "the view does more than send the file",
    }


@pytest.mark.parametrize(
    ("factory", "guard"),
    [
        ("on_app", "app.before_request runs check_login"),
        ("on_blueprint", "blueprint 'files'.before_request runs check_login"),
        ("on_values", "app.url_value_preprocessor runs check_login"),
        ("in_subclass", "Private has a preprocess_request of its own"),
        ("below_route", "the app also routes /files/private/<path:name>"),
        ("in_class", "wrapped in BasicAuth"),
        ("in_function", "wrapped in in_function.<locals>.ask_for_password"),
        ("on_other_blueprint", None),
        ("in_proxy_fix", None),
        ("in_csrf_protection", None),
        ("in_csrf_protection_of_reading", "app.before_request runs csrf_protect"),
    ],
)
def test_what_may_stand_before_a_plain_route(factory, guard):
    (folder,) = app_of("flask_before_request", f"app:{factory}()")["media"]

    assert (folder["url"], folder["guard"]) == ("/files/", guard)


def test_routes_that_serve_something_else():
    found = app_of("flask_uploads_elsewhere")["media"]

    assert [one["url"] for one in found] == [None, None]
