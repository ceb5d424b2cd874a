"""What each framework says of itself: tests/apps/framework_*, in an environment that has them all.

Decisions that follow from these facts are in tests/test_plan.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.environments import with_every_framework
from tests.probe import asking
from tests.probe.asking import APPS

# One worker makes the environment, and the others would only wait for it.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("frameworks")]

SHOP = "framework_django_shop"


def app_of(folder, *candidates, **env):
    """Return the facts of what is found in a folder, or of a candidate."""
    return asking.app_of(
        folder, *candidates, python=with_every_framework(), env=env, is_found=not candidates
    )


def error_of(folder, *candidates, **env):
    return asking.error_of(
        folder, *candidates, python=with_every_framework(), env=env, is_found=not candidates
    )


def settings(name):
    return {"DJANGO_SETTINGS_MODULE": f"config.settings.{name}"}


def urls(app):
    """Return the folder of each URL that is open to all, relative to the apps."""
    return {
        one["url"]: str(Path(one["directory"]).relative_to(APPS))
        for one in app["static"]
        if one["guard"] is None
    }


def guards(app):
    return {one["url"]: one["guard"] for one in app["static"] if one["guard"]}


def falling_back(app):
    return {one["url"] for one in app["static"] if one["falls_back"]}


def hooks(app):
    return {one["hook"] for one in app["static"]}


# -- all of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "target", "interface", "framework"),
    [
        ("framework_bottle", "app:app", "wsgi", "Bottle 0."),
        ("framework_cherrypy", "app:application", "wsgi", "CherryPy "),
        ("framework_dash", "app:app", "wsgi", "Dash "),
        ("framework_django", "mysite.wsgi:application", "wsgi", "Django "),
        ("framework_falcon", "app:app", "wsgi", "Falcon "),
        ("framework_fastapi", "app.main:app", "asgi", "FastAPI "),
        ("framework_litestar", "app:create_app()", "asgi", "Litestar 2."),
        (
            "framework_paste",
            "paste.deploy:loadapp('config:production.ini', relative_to='.')",
            "wsgi",
            "Pyramid ",
        ),
        ("framework_pyramid", "shop:main({})", "wsgi", "Pyramid "),
        ("framework_quart", "app:app", "asgi", "Quart 0."),
        ("framework_socketio", "app:app", "wsgi", "Flask "),
        ("framework_starlette", "main:app", "asgi", "Starlette "),
        ("framework_whitenoise", "app:app", "wsgi", "Flask "),
    ],
)
def test_it_is_found_and_named(folder, target, interface, framework):
    app = app_of(folder)

    assert (app["target"], app["interface"]) == (target, interface)
    assert app["framework"].startswith(framework)


@pytest.mark.parametrize(
    ("name", "interface", "framework"),
    [
        ("flask_as_asgi", "asgi", "Flask "),
        ("flask_as_asgi_too", "asgi", "Flask "),
        ("fastapi_as_wsgi", "wsgi", "FastAPI "),
    ],
)
def test_the_interface_is_that_of_the_callable_not_of_the_framework(name, interface, framework):
    app = app_of("framework_wrapped", f"app:{name}")

    assert app["interface"] == interface
    assert app["framework"].startswith(framework)
    assert len(app["static"]) == 1


def test_two_frameworks_in_one_project_are_both_named():
    assert error_of("framework_two") == {
        "kind": "several",
        "targets": ["main:app  (main.py)", "mysite.wsgi:application  (manage.py)"],
    }


# -- Django ----------------------------------------------------------------------------------------


def test_a_project_as_startproject_makes_it():
    app = app_of("framework_django")

    assert app["settings_module"] == "mysite.settings"
    assert (app["is_debug"], app["debug_source"]) == (True, "settings.DEBUG is True")
    assert app["trusted_hosts"] == [".localhost", "127.0.0.1", "[::1]"]
    assert app["collect"] == {
        "settings_module": "mysite.settings",
        "static_root": None,
        "is_empty": True,
        "is_local": True,
    }
    (static,) = app["static"]
    assert (static["url"], static["directory"], static["source"]) == ("/static/", "", "STATIC_ROOT")
    assert not static["ignores_prefix"]
    assert app["media"] == []


def test_wsgi_py_says_which_settings_are_in_production_and_manage_py_does_not():
    app = app_of(SHOP)

    assert app["target"] == "config.wsgi:application"
    assert app["import_root"] == str(APPS / SHOP / "src")
    assert app["settings_module"] == "config.settings.production"
    assert app["is_debug"] is False


def test_the_environment_names_other_settings():
    assert app_of(SHOP, **settings("local"))["is_debug"] is True


def test_folders_and_hosts_of_the_settings():
    app = app_of(SHOP)

    (static,), (media,) = app["static"], app["media"]
    assert (static["url"], static["directory"]) == ("/static/", "/srv/shop/static")
    assert static["ignores_prefix"]
    assert media == {
        "url": "/media/",
        "directory": "/srv/shop/media",
        "source": "MEDIA_ROOT",
        "guard": None,
        "ignores_prefix": True,
    }
    assert app["trusted_hosts"] == [".shop.example", "shop.example.org"]
    assert app["hosts_source"] == "ALLOWED_HOSTS"


def test_the_limit_of_forms_is_no_limit_of_uploads():
    app = app_of(SHOP)

    assert app["max_content_length"] is None
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE" in app["limit_note"]


def test_the_limit_of_forms_is_that_of_all_when_no_file_is_taken():
    app = app_of(SHOP, **settings("under_prefix"))

    assert (app["max_content_length"], app["limit_note"]) == (2621440, None)
    assert app["limit_source"] == "DATA_UPLOAD_MAX_MEMORY_SIZE"


def test_a_prefix_is_read_and_stands_before_no_url():
    app = app_of(SHOP, **settings("under_prefix"))

    assert (app["application_root"], app["prefix_source"]) == ("/shop", "FORCE_SCRIPT_NAME")
    assert [(one["url"], one["ignores_prefix"]) for one in app["static"]] == [("/static/", False)]


@pytest.mark.parametrize("name", ["elsewhere", "stored"])
def test_files_that_another_host_or_a_service_has_are_not_nginxs(name):
    app = app_of(SHOP, **settings(name))

    assert (app["static"], app["media"]) == ([], [])


def test_a_service_that_stores_the_files_is_told_of_for_collectstatic():
    assert app_of(SHOP, **settings("stored"))["collect"]["is_local"] is False


def test_with_channels_the_asgi_application_is_the_one():
    app = app_of(SHOP, **settings("channels"))

    assert (app["target"], app["interface"]) == ("config.asgi:application", "asgi")
    assert app["framework"].startswith("Django ")
    assert [one["url"] for one in app["static"]] == ["/static/"]


def test_whitenoise_as_middleware_has_a_root_and_runs_after_others():
    app = app_of(SHOP, **settings("noise"))

    assert {one["url"]: one["directory"] for one in app["static"]} == {
        "/static/": "/srv/shop/static",
        "/": "/srv/shop/public",
    }
    assert falling_back(app) == {"/static/", "/"}
    assert "the middleware Gate runs" in hooks(app)


@pytest.mark.parametrize(
    ("name", "exception", "variable", "is_missing"),
    [
        ("needs", "KeyError: 'SHOP_SECRET_KEY'", "SHOP_SECRET_KEY", False),
        ("raises", "NameError: name 'BASE_DIR' is not defined", None, False),
        ("gone", "ModuleNotFoundError: No module named 'config.settings.gone'", None, True),
    ],
)
def test_settings_that_cannot_be_imported(name, exception, variable, is_missing):
    error = error_of(SHOP, **settings(name))

    assert (error["kind"], error["exception"]) == ("django-settings", exception)
    assert error["module"] == f"config.settings.{name}"
    assert (error["variable"], error["is_missing"]) == (variable, is_missing)
    assert "/outrider/" not in error["traceback"]


# -- Starlette and FastAPI -------------------------------------------------------------------------


def test_a_package_of_fastapi():
    app = app_of("framework_fastapi")

    assert app["import_root"] == str(APPS / "framework_fastapi")
    assert urls(app) == {
        "/static/": "framework_fastapi/app/static",
        "/admin/assets/": "framework_fastapi/app/static",
    }
    assert app["trusted_hosts"] == ["shop.example", "*.shop.example"]
    assert app["hosts_source"] == "TrustedHostMiddleware"
    # Of the app that is mounted, it is not the site's.
    assert app["application_root"] == ""
    assert hooks(app) == {None}


def test_mounts_at_any_depth_and_those_that_are_protected():
    app = app_of("framework_starlette", "main:app")

    assert urls(app) == {
        "/static/": "framework_starlette/files",
        "/docs/": "framework_starlette/files",
        "/plain/": "framework_starlette/files",
        "/deep/deeper/files/": "framework_starlette/files",
        "/old/static/": "framework_starlette/static",
    }
    assert guards(app) == {"/private/": "wrapped in Gate", "/members/": "wrapped in Gate"}
    assert falling_back(app) == {"/docs/", "/static/"}


def test_a_mount_at_the_root_and_a_middleware_that_may_refuse():
    app = app_of("framework_starlette", "main:guarded")

    (static,) = app["static"]
    assert (static["url"], static["falls_back"]) == ("/", True)
    assert static["hook"] == "the middleware check runs"
    assert (app["is_debug"], app["debug_source"]) == (True, "app.debug is True")


@pytest.mark.parametrize("name", ["limited", "wrapped"])
def test_starlettes_limit(name):
    app = app_of("framework_starlette", f"main:{name}")

    assert (app["max_content_length"], app["limit_source"]) == (5000, "max_body_size")


# -- Litestar, Quart, Falcon, Pyramid, CherryPy, Bottle --------------------------------------------


def test_litestar():
    app = app_of("framework_litestar")

    files = "framework_litestar/files"
    assert urls(app) == {"/static/": files, "/pages/": files}
    assert guards(app) == {
        "/members/": "guarded by members_only",
        "/downloads/": "its files are sent as attachments",
    }
    assert falling_back(app) == {"/pages/"}
    assert (app["max_content_length"], app["limit_source"]) == (10_000_000, "request_max_body_size")
    assert (app["trusted_hosts"], app["hosts_source"]) == (["shop.example"], "allowed_hosts")


def test_litestars_widest_limit_counts():
    uploads = app_of("framework_litestar", "more:uploads")

    assert (uploads["max_content_length"], uploads["is_debug"]) == (50_000_000, True)
    assert hooks(uploads) == {"gate runs"}
    assert app_of("framework_litestar", "more:unlimited")["max_content_length"] is None


def test_quart():
    app, configured = app_of("framework_quart"), app_of("framework_quart", "app:configured")

    assert urls(app) == {"/static/": "framework_quart/static"}
    assert app["max_content_length"] == 16 * 2**20
    assert urls(configured) == {"/files/": "framework_quart/assets"}
    assert (configured["max_content_length"], configured["trusted_hosts"]) == (
        5000,
        ["shop.example"],
    )


@pytest.mark.parametrize("name", ["app", "gated", "asynchronous"])
def test_falcon(name):
    app = app_of("framework_falcon", f"app:{name}")

    assert app["interface"] == ("asgi" if name == "asynchronous" else "wsgi")
    files = "framework_falcon/files"
    assert urls(app) == {"/static/": files, "/pages/": files}
    assert guards(app) == {"/downloads/": "its files are sent as attachments"}
    assert falling_back(app) == {"/pages/"}
    gate = {"gated": "Gate.process_request runs", "asynchronous": "AsyncGate.process_request runs"}
    assert hooks(app) == {gate.get(name)}


def test_pyramid():
    app, inner = app_of("framework_pyramid"), app_of("framework_pyramid", "shop:prefixed()")

    assert urls(app) == {"/static/": "framework_pyramid/shop/static"}
    assert (app["static_max_age_s"], hooks(app)) == (600, {None})
    assert urls(inner)["/inner/assets/"] == "framework_pyramid/shop/static"
    assert hooks(inner) == {"the tween shop.tween runs"}


def test_what_pyramid_protects_or_overrides_is_left_to_it():
    guarded = app_of("framework_pyramid", "shop:guarded()")
    overridden = app_of("framework_pyramid", "shop:overridden()")

    assert guards(guarded) == {"/members/": "its permission is 'view'"}
    assert set(urls(guarded)) == {"/static/"}
    assert guards(overridden) == {"/static/": "shop:static/ is overridden"}


def test_an_app_of_pastedeploy_has_the_settings_of_its_file():
    assert urls(app_of("framework_paste")) == {"/static/": "framework_paste/static"}


def test_a_project_of_pastedeploy_that_is_not_installed():
    error = error_of("framework_paste", "paste.deploy:loadapp('config:egg.ini',relative_to='.')")

    assert (error["kind"], error["name"]) == ("not-installed", "a-package-that-nobody-has")


@pytest.mark.parametrize("name", ["application", "tree"])
def test_cherrypy(name):
    app = app_of("framework_cherrypy", f"app:{name}")

    assert urls(app) == {"/static/": "framework_cherrypy/files"}
    assert guards(app) == {"/members/": "tools.auth_basic is on"}
    assert falling_back(app) == {"/static/", "/members/"}
    assert app["max_content_length"] == 100 * 2**20
    assert app["limit_source"] == "server.max_request_body_size"


def test_bottles_routes_that_do_nothing_but_send_a_file():
    app, outer = app_of("framework_bottle"), app_of("framework_bottle", "app:outer")

    files = "framework_bottle/files"
    assert urls(app) == {"/static/": files, "/relative/": files}
    assert urls(outer) == {"/inner/files/": files}
    assert hooks(outer) == {"the hook check runs"}


# -- what is around or beside an app ---------------------------------------------------------------


def test_aiohttp_is_refused_unless_something_else_is_named():
    error = error_of("framework_aiohttp", "app:app")

    assert error == {"kind": "aiohttp", "module": "app", "attribute": "app"}
    assert error_of("framework_aiohttp")["kind"] == "aiohttp"
    assert app_of("framework_aiohttp", "app:asgi")["interface"] == "asgi"


def test_dash_has_the_folders_of_its_server():
    app = app_of("framework_dash")

    assert urls(app)["/assets/"] == "framework_dash/assets"
    assert hooks(app) == {None}
    assert app_of("framework_dash", "app:server")["framework"].startswith("Flask ")


def test_socket_io_needs_one_process():
    app, asgi = app_of("framework_socketio"), app_of("framework_socketio", "app:asgi")

    assert "one process" in app["single_process"]
    assert (app["async_mode"], app["wants_threads"]) == ("threading", 100)
    assert (asgi["interface"], asgi["wants_threads"]) == ("asgi", None)
    assert app_of("framework_whitenoise")["single_process"] is None


def test_the_folders_of_whitenoise():
    app, fresh = app_of("framework_whitenoise"), app_of("framework_whitenoise", "app:fresh")

    assert urls(app) == {
        "/": "framework_whitenoise/root",
        "/assets/": "framework_whitenoise/assets",
    }
    assert falling_back(app) == {"/", "/assets/"}
    assert urls(fresh) == {"/": "framework_whitenoise/root"}
