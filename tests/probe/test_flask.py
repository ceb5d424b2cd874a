"""What Flask is configured to, behind middleware and mounts, and its static folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.probe.asking import APPS, app_of


def test_a_plain_flask_app():
    app = app_of("flask_plain")

    assert app["framework"].startswith("Flask 3.")
    assert app["max_content_length"] == 16 * 1024 * 1024
    assert (app["application_root"], app["static_max_age_s"]) == (None, None)
    assert app["trusted_hosts"] == []
    assert (app["is_debug"], app["has_debugger"]) == (False, False)
    assert 5_000_000 < app["rss_bytes"] < 500_000_000


def test_what_flask_is_configured_to():
    app = app_of("flask_configured")

    assert app["application_root"] == "/shop"
    assert app["trusted_hosts"] == ["shop.example", ".shop.example"]
    assert app["hosts_source"] == "TRUSTED_HOSTS"
    assert app["static_max_age_s"] == 3600


def test_debug_mode_and_a_debugger_are_told_apart():
    debug, debugger = app_of("flask_debug", "app:app"), app_of("flask_debug", "app:site")

    assert (debug["is_debug"], debug["has_debugger"]) == (True, False)
    assert (debugger["is_debug"], debugger["has_debugger"]) == (False, True)


def test_flasks_debug_variable_is_heard():
    assert app_of("flask_plain", env={"FLASK_DEBUG": "1"})["is_debug"] is True


@pytest.mark.parametrize("name", ["app", "replaced", "method"])
def test_flask_is_found_behind_middleware(name):
    app = app_of("flask_wrapped", f"app:{name}")

    assert app["framework"].startswith("Flask ")
    assert [one["url"] for one in app["static"]] == ["/static/"]


def test_mounted_apps_have_their_static_files_below_the_mount():
    app = app_of("flask_dispatcher")

    assert {one["url"]: one["source"] for one in app["static"]} == {
        "/front_files/": "Flask app 'front'",
        "/api/api_files/": "Flask app 'api'",
        "/api/deep/deep_files/": "Flask app 'deep'",
    }


def test_the_widest_upload_limit_of_several_apps_counts():
    assert app_of("flask_dispatcher")["max_content_length"] == 5000
    assert app_of("flask_dispatcher", "app:unlimited")["max_content_length"] is None


# -- static folders --------------------------------------------------------------------------------


def test_flasks_own_static_folder():
    (folder,) = app_of("flask_plain")["static"]

    assert folder == {
        "url": "/static/",
        "directory": str(APPS / "flask_plain" / "static"),
        "source": "Flask app 'app'",
        "is_default": True,
        "hook": None,
        "falls_back": False,
        "guard": None,
        "ignores_prefix": False,
    }


def test_a_static_folder_that_was_named():
    (folder,) = app_of("flask_configured")["static"]

    assert (folder["url"], folder["is_default"]) == ("/files/", False)
    assert folder["directory"] == str(APPS / "flask_configured" / "assets")


def urls_of(app):
    return {one["url"]: str(Path(one["directory"]).relative_to(APPS)) for one in app["static"]}


def test_static_files_at_the_root():
    assert urls_of(app_of("flask_root_static")) == {"/": "flask_root_static/public"}


def test_no_static_folder():
    assert app_of("flask_without_static")["static"] == []


def test_blueprints_nested_and_registered_twice():
    app = app_of("flask_blueprints")

    assert urls_of(app) == {
        "/static/": "flask_blueprints/static",
        "/boss/admin_files/": "flask_blueprints/admin_files",
        "/boss/charts/chart_files/": "flask_blueprints/chart_files",
        "/admin/admin_files/": "flask_blueprints/admin_files",
        "/admin/charts/chart_files/": "flask_blueprints/chart_files",
    }
    assert {one["source"] for one in app["static"]} == {
        "Flask app 'app'",
        "blueprint 'boss'",
        "blueprint 'boss.charts'",
        "blueprint 'admin'",
        "blueprint 'admin.charts'",
    }
    assert [one["is_default"] for one in app["static"]].count(True) == 1


@pytest.mark.parametrize(
    "name", ["app", "hosts", "parts", "variable"], ids=["overridden", "host", "subdomain", "<user>"]
)
def test_static_routes_that_nginx_cannot_take_over(name):
    assert app_of("flask_static_not_for_nginx", f"app:{name}")["static"] == []
