"""What is imported, and what stands behind the colon."""

from __future__ import annotations

import pytest
from gunicorn.errors import AppImportError
from gunicorn.util import import_app

from tests.probe.asking import APPS, app_of, error_of

# -- the module ------------------------------------------------------------------------------------


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


# -- what stands behind the colon -----------------------------------------------------------------


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


def test_apps_are_offered_in_place_of_an_attribute_that_does_not_exist():
    assert error_of("wsgi_class_instance", "wsgi:app")["names"] == ["site", "method"]


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


# -- what we rely on ------------------------------------------------------------------------------


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
