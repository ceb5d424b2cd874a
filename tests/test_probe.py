"""The probe, run as `discover` runs it, on the apps in tests/apps: one folder is one situation."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import fields
from pathlib import Path

import gunicorn
import pytest
from gunicorn.errors import AppImportError
from gunicorn.util import import_app

from outrider import process
from outrider.facts import App, MediaFolder, StaticFolder

APPS = Path(__file__).parent / "apps"
PROBE = Path(process.__file__).with_name("probe.py")

# Nothing of the environment that the tests were started in, but what measures coverage.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name == "PATH" or name[:8] == "COVERAGE"
}


def probe(folder, *candidates, env=None, timeout_s=30):
    """Run the probe on `module` or `module:attribute` of a folder; return what `run` returns."""
    root = APPS / folder
    request = {"cwd": str(root), "candidates": [candidate(root, one) for one in candidates]}
    return process.run(
        [sys.executable, str(PROBE), json.dumps(request)],
        env={**ENVIRONMENT, **(env or {})},
        cwd=str(root),
        timeout_s=timeout_s,
        report=True,
    )


def candidate(root, target):
    place, _, attribute = target.partition(":")
    folder, _, module = place.rpartition("/")
    return {
        "module": module,
        "attribute": attribute or None,
        "import_root": str(root / folder),
        "label": f"{place}.py",
    }


def app_of(folder, *candidates, env=None):
    finished = probe(folder, *(candidates or ["app"]), env=env)
    answer = json.loads(finished.report)
    assert finished.code == 0
    assert "error" not in answer, answer["error"]
    return answer["app"]


def error_of(folder, *candidates, env=None):
    finished = probe(folder, *(candidates or ["app"]), env=env)
    assert finished.code == 0
    return json.loads(finished.report)["error"]


def urls_of(app):
    return {one["url"]: str(Path(one["directory"]).relative_to(APPS)) for one in app["static"]}


# -- the answer ----------------------------------------------------------------------------------


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


def test_without_a_descriptor_to_answer_on_it_says_who_runs_it():
    finished = process.run([sys.executable, str(PROBE), "{}"], env=ENVIRONMENT)

    assert finished.code == 1
    assert finished.output == "probe.py is run by outrider, with one argument\n"


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
    finished = probe("thread_at_import", "app", timeout_s=10)

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


# -- what is imported ----------------------------------------------------------------------------


@pytest.mark.parametrize("env", [{}, {"PYTHONSAFEPATH": "1"}], ids=["plain", "safe path"])
def test_modules_with_names_of_ours_are_the_users(env):
    app = app_of("names_of_ours", env=env)

    assert app["static"][0]["source"] == "Flask app 'mine mine mine'"


def test_the_import_root_stands_before_the_project():
    app = app_of("below_root", "src/site_of_ours")

    assert app["import_root"] == str(APPS / "below_root" / "src")
    assert app["module_file"] == str(APPS / "below_root" / "src" / "site_of_ours.py")
    assert app["static"][0]["source"] == "Flask app 'from src'"


def test_a_module_with_dashes():
    assert app_of("module_with_dashes", "my-app")["target"] == "my-app:app"


def test_a_package_with_relative_imports():
    assert app_of("flaskr", "flaskr")["target"] == "flaskr:create_app()"


@pytest.mark.parametrize(
    ("module", "near"), [("ap", ["app"]), ("quite_different", []), ("app.web", [])]
)
def test_the_module_does_not_exist(module, near):
    assert error_of("flask_plain", module) == {"kind": "no-module", "module": module, "near": near}


def test_the_module_does_not_exist_in_its_package():
    assert error_of("flaskr", "flaskr.page")["near"] == ["flaskr.pages"]


def test_the_app_imports_what_is_not_installed():
    error = error_of("missing_dependency")

    assert error["kind"] == "missing-dependency"
    assert error["name"] == "a_package_that_nobody_has"
    assert error["traceback"].splitlines()[:3] == [
        "Traceback (most recent call last):",
        f'  File "{APPS}/missing_dependency/app.py", line 1, in <module>',
        "    import a_package_that_nobody_has.http",
    ]


def test_a_package_that_imports_a_module_it_lacks_exists_all_the_same():
    error = error_of("missing_own_module", "shop.web")

    assert (error["kind"], error["name"]) == ("missing-dependency", "shop.web")


def test_the_module_raises():
    error = error_of("import_raises")

    assert error["kind"] == "import-raised"
    assert error["exception"] == "RuntimeError: PORT is not a number"


def test_a_traceback_is_the_users_with_its_causes():
    trace = error_of("import_raises")["traceback"]

    files = {line.split('"')[1] for line in trace.splitlines() if line.startswith("  File ")}
    assert files == {f"{APPS}/import_raises/{name}.py" for name in ("app", "settings")}
    assert "ValueError: invalid literal for int() with base 10: '80 80'" in trace
    assert "During handling of the above exception, another exception occurred:" in trace
    assert trace.endswith("RuntimeError: PORT is not a number\nat all\n")


def test_a_syntax_error_keeps_its_caret():
    error = error_of("syntax_error")

    assert (error["kind"], error["exception"]) == (
        "import-raised",
        "SyntaxError: '(' was never closed",
    )
    assert error["traceback"].splitlines() == [
        f'  File "{APPS}/syntax_error/app.py", line 3',
        "    app = Flask(__name__",
        "               ^",
        "SyntaxError: '(' was never closed",
    ]


def test_the_module_exits():
    error = error_of("exits_at_import")

    assert (error["kind"], error["exception"]) == (
        "import-raised",
        "SystemExit: SECRET_KEY is not set",
    )


# -- no servers ----------------------------------------------------------------------------------


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

    assert "probe.py is run by outrider" not in finished.output


def test_a_server_in_a_thread_is_let_be():
    finished = probe("starts_server_for_thread", "app")

    assert "metrics 204\n" in finished.output
    assert json.loads(finished.report)["app"]["target"] == "app:app"


@pytest.mark.parametrize("folder", ["flask_plain", "binds_at_import"])
def test_a_module_that_starts_no_server(folder):
    assert app_of(folder)["target"] == "app:app"


# -- which app -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "candidate", "target"),
    [
        ("flask_plain", "app", "app:app"),
        ("wsgi_function", "wsgi", "wsgi:application"),
        ("wsgi_class_instance", "wsgi", "wsgi:site"),
        ("flask_other_name", "site_of_ours", "site_of_ours:site"),
        ("flask_factory", "app", "app:create_app()"),
        ("flask_factory", "app:create_app( testing = True )", "app:create_app(testing=True)"),
        ("flask_factory_args", "app:create_app('a', debug=1)", "app:create_app('a', debug=1)"),
        ("flask_wrapped", "app:server", "app:server"),
        ("validator", "app", "app:create_app()"),
    ],
)
def test_the_target_in_gunicorns_words(folder, candidate, target):
    assert app_of(folder, candidate)["target"] == target


def test_several_apps_in_one_module():
    error = error_of("two_apps")

    assert error == {"kind": "several-in-module", "module": "app", "names": ["shop", "admin"]}


def test_nothing_in_the_module_is_an_app():
    error = error_of("no_callable")

    assert error == {
        "kind": "no-app",
        "module": "app",
        "names": ["build_wsgi()", "app_for('name', 'port')"],
    }


def test_what_accepts_anything_must_be_named():
    assert error_of("wsgi_unreadable", "wsgi")["kind"] == "no-app"


def test_the_attribute_does_not_exist():
    error = error_of("flask_factory_args", "app:site")

    assert error == {
        "kind": "no-attribute",
        "module": "app",
        "attribute": "site",
        "names": ["make_wsgi_app()", "create_app('name')"],
    }


@pytest.mark.parametrize(
    "attribute", ["flask.app", "create_app(name)", "create_app(", "1", "create_app(**{1: []})"]
)
def test_the_attribute_cannot_be_read(attribute):
    error = error_of("flask_factory", f"app:{attribute}")

    assert (error["kind"], error["attribute"]) == ("bad-attribute", attribute)
    assert error["message"]


@pytest.mark.parametrize(
    ("folder", "candidate", "factory", "signature"),
    [
        ("flask_factory_args", "app", "create_app", "(name, *, debug=False)"),
        ("flask_factory_args", "app:create_app()", "create_app", "(name, *, debug=False)"),
        ("flask_factory", "app:create_app(1, 2)", "create_app", "(testing=False)"),
        ("flask_factory_fails_inside", "app:Site(x=1)", "Site", "(name='site')"),
    ],
)
def test_the_factory_takes_other_arguments(folder, candidate, factory, signature):
    error = error_of(folder, candidate)

    assert (error["kind"], error["factory"], error["signature"]) == (
        "factory-arguments",
        factory,
        signature,
    )
    assert "argument" in error["message"]


def test_the_factory_raises():
    error = error_of("flask_factory_raises")

    assert (error["kind"], error["exception"]) == ("factory-raised", "KeyError: 'SECRET_KEY'")
    assert error["traceback"].count("  File ") == 2


@pytest.mark.parametrize("factory", ["create_app()", "Site()"])
def test_a_type_error_inside_the_factory_is_not_about_its_arguments(factory):
    error = error_of("flask_factory_fails_inside", f"app:{factory}")

    assert error["kind"] == "factory-raised"
    assert error["exception"].startswith("TypeError: len()")


@pytest.mark.parametrize(
    ("folder", "candidate", "kind", "why"),
    [
        ("no_callable", "app:app", "of type str", "it cannot be called"),
        ("no_callable", "app:app()", "of type str", "it cannot be called"),
        ("no_callable", "app:os", "of type module", "it cannot be called"),
        ("flask_plain", "app:Flask", "the class Flask", "an app is an instance of a class"),
        ("flask_factory_forgets", "app", "None", "create_app() returned no app"),
        ("flask_factory", "app:create_app", "of type function", "type  app:create_app()"),
        ("flask_factory_args", "app:create_app", "of type function", "app:create_app('name')"),
        ("asgi_function", "asgi:create", "of type function", "it takes 0 positional arguments"),
        ("wsgi_class_instance", "wsgi:view", "of type View", "1 positional argument, a WSGI app 2"),
    ],
)
def test_the_target_is_no_app(folder, candidate, kind, why):
    error = error_of(folder, candidate)

    assert (error["kind"], error["type"]) == ("not-an-app", kind)
    assert why in error["why"]


# -- several candidates --------------------------------------------------------------------------


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


# -- WSGI or ASGI --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "candidate", "interface"),
    [
        ("wsgi_function", "wsgi", "wsgi"),
        ("wsgi_class_instance", "wsgi:site", "wsgi"),
        ("wsgi_class_instance", "wsgi:method", "wsgi"),
        ("wsgi_unreadable", "wsgi:wrapper", "wsgi"),
        ("wsgi_unreadable", "wsgi:loose", "wsgi"),
        ("wsgi_unreadable", "wsgi:partial", "wsgi"),
        ("wsgi_unreadable", "wsgi:from_c", "wsgi"),
        ("asgi_function", "asgi", "asgi"),
        ("asgi_function", "asgi:without_async", "asgi"),
        ("asgi_class", "asgi", "asgi"),
        ("asgi_class", "asgi:Legacy", "asgi"),
    ],
)
def test_the_interface_is_what_the_callable_takes(folder, candidate, interface):
    app = app_of(folder, candidate)

    assert app["interface"] == interface
    assert app["framework"] == interface.upper()
    assert (app["static"], app["media"], app["max_content_length"]) == ([], [], None)


# -- Flask ---------------------------------------------------------------------------------------


def test_a_plain_flask_app():
    app = app_of("flask_plain")

    assert app["framework"].startswith("Flask 3.")
    assert app["max_content_length"] == 16 * 1024 * 1024
    assert (app["application_root"], app["server_name"]) == (None, None)
    assert (app["trusted_hosts"], app["static_max_age_s"]) == ([], None)
    assert (app["is_debug"], app["has_debugger"]) == (False, False)
    assert 5_000_000 < app["rss_bytes"] < 500_000_000


def test_what_flask_is_configured_to():
    app = app_of("flask_configured")

    assert app["application_root"] == "/shop"
    assert app["server_name"] == "shop.example"
    assert app["trusted_hosts"] == ["shop.example", ".shop.example"]
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


# -- static files --------------------------------------------------------------------------------


def test_flasks_own_static_folder():
    (folder,) = app_of("flask_plain")["static"]

    assert folder == {
        "url": "/static/",
        "directory": str(APPS / "flask_plain" / "static"),
        "source": "Flask app 'app'",
        "is_default": True,
    }


def test_a_static_folder_that_was_named():
    (folder,) = app_of("flask_configured")["static"]

    assert (folder["url"], folder["is_default"]) == ("/files/", False)
    assert folder["directory"] == str(APPS / "flask_configured" / "assets")


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


# -- uploads -------------------------------------------------------------------------------------


def test_uploads_that_a_plain_route_serves_to_everyone():
    root = APPS / "flask_uploads_open"

    assert app_of("flask_uploads_open")["media"] == [
        media("UPLOAD_FOLDER", root / "uploads", "/uploads/"),
        media("MEDIA_ROOT", root / "media", "/media/"),
        media("MEDIA_FOLDER", "/srv/media", "/pictures/"),
        media("UPLOADS_DEFAULT_DEST", root / "unserved", None),
    ]


def media(source, directory, url):
    return {"directory": str(directory), "source": source, "url": url, "guard": None}


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
    ],
)
def test_what_may_stand_before_a_plain_route(factory, guard):
    (folder,) = app_of("flask_before_request", f"app:{factory}()")["media"]

    assert (folder["url"], folder["guard"]) == ("/files/", guard)


def test_routes_that_serve_something_else():
    found = app_of("flask_uploads_elsewhere")["media"]

    assert [one["url"] for one in found] == [None, None]


# -- what we rely on -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("no_such_name", AttributeError),
        ("create_app(", SyntaxError),
        ("create_app(name)", ValueError),
        ("create_app(1, 2)", TypeError),
        ("APPS.name", type(None)),
        ("APPS", type(None)),
    ],
)
def test_import_app_tells_its_refusals_apart_by_their_cause(expression, cause):
    """gunicorn.util.import_app is not documented; the probe reads the `__context__`."""
    with pytest.raises(AppImportError) as refusal:
        import_app(f"{__name__}:{expression}")

    assert type(refusal.value.__context__) is cause


def test_import_app_returns_the_object_itself():
    found: object = import_app(f"{__name__}:create_app")
    made: object = import_app(f"{__name__}:create_app()")

    assert found is made is create_app


def create_app(itself=None):
    return create_app


def test_the_variable_is_the_one_that_run_sets():
    assert f'"{process.REPORT_VARIABLE}"' in PROBE.read_text(encoding="utf-8")
