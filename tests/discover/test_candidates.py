"""Situations of projects and targets: which modules the app could be in."""

from __future__ import annotations

import os

import pytest

from outrider.discover import candidates as module
from outrider.discover.candidates import Candidate, candidates
from outrider.errors import OutriderError

APP = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "def create_app(config=None):\n    return None\n"


@pytest.fixture
def project(write, tmp_path):
    """Write a project and return its directory."""

    def project(files=(), folder="shop"):
        (tmp_path / folder).mkdir(exist_ok=True)
        return write(dict(files), tmp_path / folder)

    return project


def found(root, target=None, env=()):
    """Return (module, attribute, import root relative to the project, label) of each candidate."""
    return [
        (one.module, one.attribute, os.path.relpath(one.import_root, root), one.label)
        for one in candidates(target, str(root), dict(env))
    ]


def labels(root, env=()):
    return [one.label for one in candidates(None, str(root), dict(env))]


def refused(root, target, env=()):
    with pytest.raises(OutriderError) as caught:
        candidates(target, str(root), dict(env))
    assert caught.value.id == "bad-target"
    return caught.value.found[0]


# -- a module is named -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "name", "attribute"),
    [
        ("wsgi", "wsgi", None),
        ("wsgi:app", "wsgi", "app"),
        ("shop.web:app", "shop.web", "app"),
        ("shop:create_app()", "shop", "create_app()"),
        ("shop:create_app('a:b', key=1)", "shop", "create_app('a:b', key=1)"),
        ("my-site:app", "my-site", "app"),
        (" wsgi : app ", "wsgi", "app"),
        ("größe:app", "größe", "app"),
    ],
)
def test_a_module(project, target, name, attribute):
    """Whether it exists is for the probe to say, which knows the app's interpreter."""
    assert found(project(), target) == [(name, attribute, ".", target)]


def test_a_module_is_named_and_the_files_do_not_matter(project):
    root = project({"wsgi.py": APP, ".env": "FLASK_APP=other"})
    assert found(root, "nothing:here", {"FLASK_APP": "third"}) == [
        ("nothing", "here", ".", "nothing:here")
    ]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("", "there is no module before the colon"),
        (":app", "there is no module before the colon"),
        ("wsgi:", "there is nothing after the colon"),
        ("create_app()", "'create_app()' is neither a module nor a path to a file"),
        ("my module:app", "'my module' is neither a module nor a path to a file"),
        (".", "'.' is neither a module nor a path to a file"),
        ("shop..web", "'shop..web' is neither a module nor a path to a file"),
    ],
)
def test_no_module(project, target, why):
    assert refused(project(), target) == why


# -- a file is named -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["wsgi.py", "./wsgi.py", "sub/../wsgi.py"])
def test_a_file(project, target):
    assert found(project({"wsgi.py": APP}), target) == [("wsgi", None, ".", target)]


def test_an_absolute_path(project, tmp_path):
    root, other = project(), project({"wsgi.py": APP}, "other")
    target = f"{other}/wsgi.py:app"
    assert found(root, target) == [("wsgi", "app", "../other", target)]


def test_a_file_with_an_attribute(project):
    root = project({"site/wsgi.py": APP})
    target = "site/wsgi.py:create_app('x')"
    assert found(root, target) == [("wsgi", "create_app('x')", "site", target)]


def test_a_file_in_packages_is_imported_from_above_them(project):
    files = {"src/shop/__init__.py": "", "src/shop/web/__init__.py": "", "src/shop/web/app.py": APP}
    assert found(project(files), "src/shop/web/app.py") == [
        ("shop.web.app", None, "src", "src/shop/web/app.py")
    ]


@pytest.mark.parametrize("target", ["src/shop", "./src/shop/", "src/shop/__init__.py"])
def test_a_package(project, target):
    assert found(project({"src/shop/__init__.py": APP}), target) == [("shop", None, "src", target)]


def test_a_path_without_its_ending(project):
    assert found(project({"src/hello.py": APP}), "src/hello") == [
        ("hello", None, "src", "src/hello")
    ]


def test_a_file_with_a_dash(project):
    assert found(project({"my-site.py": APP}), "my-site.py:app") == [
        ("my-site", "app", ".", "my-site.py:app")
    ]


def test_a_link_stays_a_link(project):
    """`current` leads to a release; the next release is reached by the same path."""
    root = project({"releases/1/wsgi.py": APP})
    (root / "current").symlink_to("releases/1")
    assert found(root, "current/wsgi.py") == [("wsgi", None, "current", "current/wsgi.py")]


def test_files_that_cannot_be_meant(project):
    files = {"my.app.py": APP, "site/x.txt": "", "notes/app.txt": "", "a.b/__init__.py": ""}
    root = project({**files, "a.b/wsgi.py": APP})
    assert refused(root, "gone.py") == f"there is no file {root}/gone.py"
    assert refused(root, "./gone") == f"there is no file {root}/gone"
    assert (
        refused(root, "./site")
        == f"{root}/site is a directory without __init__.py; name a file in it"
    )
    assert refused(root, "notes/app.txt") == f"{root}/notes/app.txt does not end in .py"
    assert refused(root, "my.app.py").startswith("'my.app' has a dot in it")
    assert refused(root, "a.b/wsgi.py").startswith("'a.b' has a dot in it")


# -- FLASK_APP -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hello", ("hello", None, ".")),
        ("hello:app2", ("hello", "app2", ".")),
        ("hello:create_app('x')", ("hello", "create_app('x')", ".")),
        ("src/hello.py", ("hello", None, "src")),
        ("src/hello", ("hello", None, "src")),
    ],
)
def test_flask_app_alone_decides(project, value, expected):
    root = project({"wsgi.py": APP, "src/hello.py": APP})
    assert found(root, None, {"FLASK_APP": value}) == [(*expected, "FLASK_APP")]


def test_flask_app_that_is_wrong(project):
    said = refused(project(), None, {"FLASK_APP": "gone.py"})
    assert said.endswith("gone.py (FLASK_APP names it)")


def test_flask_app_that_is_empty(project):
    assert labels(project({"wsgi.py": APP}), {"FLASK_APP": " "}) == ["wsgi.py"]


@pytest.mark.parametrize(
    "line",
    [
        "FLASK_APP=hello:app",
        "export FLASK_APP=hello:app",
        "FLASK_APP = hello:app",
        'FLASK_APP="hello:app"',
        "FLASK_APP='hello:app'  # the site",
        "FLASK_APP=hello:app # the site",
        "SECRET=1\nFLASK_APP=old\nFLASK_APP=hello:app\n",
    ],
)
@pytest.mark.parametrize("name", [".flaskenv", ".env"])
def test_flask_app_in_a_file(project, name, line):
    assert found(project({name: line, "wsgi.py": APP})) == [("hello", "app", ".", "FLASK_APP")]


def test_dot_env_comes_before_flaskenv(project):
    root = project({".env": "FLASK_APP=first", ".flaskenv": "FLASK_APP=second"})
    assert found(root)[0][0] == "first"
    assert found(root, None, {"FLASK_APP": "zeroth"})[0][0] == "zeroth"


@pytest.mark.parametrize(
    "line",
    ["# FLASK_APP=hello", "MY_FLASK_APP=hello", "FLASK_APP_DIR=x", "FLASK_APP=", "FLASK_APP"],
)
def test_other_lines_of_such_a_file(project, line):
    assert labels(project({".env": line, "wsgi.py": APP})) == ["wsgi.py"]


# -- files of the project --------------------------------------------------------------------------


def test_nothing_is_there(project):
    assert found(project()) == []
    assert candidates(None, "/no/such/directory", {}) == []


def test_one_file(project):
    root = project({"app.py": APP})
    assert candidates(None, str(root), {}) == [
        Candidate(module="app", attribute=None, import_root=str(root), label="app.py")
    ]


def test_djangos_manage_py_is_passed_over_for_its_wsgi_module(project):
    manage = (
        "import os\ndef main():\n    from django.core.management import execute_from_command_line\n"
    )
    wsgi = (
        "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    )
    root = project({"manage.py": manage, "mysite/__init__.py": "", "mysite/wsgi.py": wsgi})
    assert found(root) == [("mysite.wsgi", None, ".", "mysite/wsgi.py")]


def test_asgi_py_stands_in_when_there_is_nothing_else(project):
    """Beside an app.py it wraps that app, which would make two of it."""
    assert labels(project({"asgi.py": APP})) == ["asgi.py"]
    assert labels(project({"asgi.py": APP, "app.py": APP})) == ["app.py"]


def test_a_file_with_another_name(project):
    files = {"hello.py": APP, "models.py": "x = 1\n", "test_hello.py": APP, "setup.py": APP}
    root = project({**files, "conftest.py": "def app(): ...\n"})
    assert found(root) == [("hello", None, ".", "hello.py")]


def test_two_files_with_other_names_are_not_guessed_between(project):
    assert labels(project({"hello.py": APP, "world.py": APP})) == []


def test_a_folder_or_a_dead_link_with_the_name_of_a_file(project):
    root = project({"main.py/x": ""})
    (root / "app.py").symlink_to("gone")
    assert labels(root) == []


def test_a_stray_init_file_makes_no_package_of_the_project(project):
    root = project({"__init__.py": "", "app.py": APP})
    assert found(root) == [("app", None, ".", "app.py")]


# -- packages of the project -----------------------------------------------------------------------


def test_a_package_below_the_project(project):
    root = project({"shop/__init__.py": FACTORY, "shop/models.py": APP})
    assert found(root) == [("shop", None, ".", "shop/__init__.py")]


def test_a_package_below_src(project):
    root = project({"src/shop/__init__.py": "", "src/shop/app.py": APP})
    assert found(root) == [("shop.app", None, "src", "src/shop/app.py")]


def test_in_a_package_wsgi_py_comes_first(project):
    files = dict.fromkeys(["shop/__init__.py", "shop/app.py", "shop/main.py", "shop/wsgi.py"], APP)
    assert labels(project(files)) == [
        "shop/wsgi.py", "shop/__init__.py", "shop/app.py", "shop/main.py",
    ]  # fmt: skip


def test_a_folder_that_is_no_package(project):
    """As with `cd backend` before it is started."""
    assert found(project({"backend/app.py": APP})) == [("app", None, "backend", "backend/app.py")]
    assert found(project({"src/app.py": APP}, "other")) == [("app", None, "src", "src/app.py")]


def test_files_of_the_project_come_before_its_packages(project):
    assert labels(project({"wsgi.py": APP, "shop/__init__.py": FACTORY})) == ["wsgi.py"]


def test_folders_that_hold_no_apps(project):
    names = [
        "tests", "test", "test_shop", "node_modules", ".hidden", "_build", "docs", "venv", "env",
        "shop.egg-info", "deep/shop", "my-env",
    ]  # fmt: skip
    root = project({f"{name}/app.py": APP for name in names})
    (root / "my-env/pyvenv.cfg").write_text("")
    assert labels(root) == []


def test_big_trees_are_not_walked(project, monkeypatch):
    monkeypatch.setattr(module, "_MOST_FOLDERS", 3)
    root = project({f"folder{number}/app.py": APP for number in range(9)})
    assert len(labels(root)) == 3


# -- frameworks that say elsewhere where the app is ------------------------------------------------

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'
WSGI = MANAGE + "from django.core.wsgi import get_wsgi_application\n"
INI = "[app:main]\nuse = egg:shop\n"


def asked(root, target=None, env=()):
    return [
        (one.module, os.path.relpath(one.import_root, root), one.label, one.is_django)
        for one in candidates(target, str(root), dict(env))
    ]


@pytest.mark.parametrize("folder", ["", "src/", "backend/"])
def test_the_settings_that_manage_py_names(project, folder):
    root = project({f"{folder}manage.py": MANAGE, f"{folder}mysite/settings.py": ""})

    place = folder.rstrip("/") or "."
    assert asked(root) == [("mysite.settings", place, f"{folder}manage.py", True)]


@pytest.mark.parametrize("target", ["manage.py", "./manage.py", "manage"])
def test_manage_py_is_named(project, target):
    root = project({"manage.py": MANAGE})

    (found,) = asked(root, target)
    assert found[3] == target.endswith(".py")


def test_a_manage_py_of_something_else_is_a_file_like_others(project):
    root = project({"manage.py": APP})

    assert asked(root) == [("manage", ".", "manage.py", False)]


def test_a_django_project_beside_another_app(project):
    root = project({"manage.py": MANAGE, "main.py": APP})

    assert [one[2] for one in asked(root)] == ["main.py", "manage.py"]


def test_wsgi_and_asgi_of_a_project_without_manage_py(project):
    both = project({"mysite/wsgi.py": WSGI, "mysite/asgi.py": WSGI}, "both")
    one = project({"mysite/asgi.py": WSGI}, "one")
    other = project({"deploy/wsgi.py": WSGI + "application = get_wsgi_application()\n"}, "other")

    assert asked(both) == [("mysite.settings", ".", "mysite/wsgi.py", True)]
    assert asked(one) == [("mysite.settings", ".", "mysite/asgi.py", True)]
    assert asked(other) == [("wsgi", "deploy", "deploy/wsgi.py", False)]


def test_the_settings_of_the_environment_count_when_they_are_in_the_project(project):
    root = project({"mysite/settings.py": ""})

    env = {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    assert asked(root, env=env) == [("mysite.settings", ".", "DJANGO_SETTINGS_MODULE", True)]
    assert asked(root, env={"DJANGO_SETTINGS_MODULE": "another.settings"}) == []


def test_an_app_of_pastedeploy(project):
    root = project({"production.ini": INI, "development.ini": INI, "setup.py": ""})

    call = "loadapp('config:production.ini', relative_to='.')"
    assert found(root) == [("paste.deploy", call, ".", "production.ini")]
    call = "loadapp('config:development.ini', relative_to='.')"
    assert found(root, "development.ini") == [("paste.deploy", call, ".", "development.ini")]


def test_an_ini_file_of_something_else(project):
    assert found(project({"production.ini": "[tool]\n"})) == []


def test_the_main_of_a_pyramid_package(project):
    root = project({"shop/__init__.py": "def main(global_config, **settings):\n    pass\n"})

    assert found(root) == [("shop", "main({})", ".", "shop/__init__.py")]
    other = project({"shop/__init__.py": "def main(arguments):\n    pass\n"}, "other")
    assert found(other) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from .routers import items\n", ("app.main", ".")),
        ("from app.routers import items\n", ("app.main", ".")),
        ("from app import routers\n", ("app.main", ".")),
        ("import app.routers\n", ("app.main", ".")),
        ("from app.other import x\n", ("main", "app")),
        ("import routers\n", ("main", "app")),
    ],
)
def test_a_folder_without_init_is_a_package_when_its_files_import_it(project, line, expected):
    root = project({"app/main.py": line + APP, "app/routers.py": ""})

    assert [one[:2] for one in asked(root)] == [expected]
    assert [one[:2] for one in asked(root, "app/main.py")] == [expected]
