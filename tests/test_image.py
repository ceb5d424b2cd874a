"""Decisions about the image of an app: Python, system packages, installation, folders."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.errors import OutriderError
from outrider.facts import (
    Collect,
    Dependencies,
    Directory,
    MediaFolder,
    NodeBuild,
    PackageIndex,
    StaticFolder,
)
from outrider.packages import ALPINE, NEEDS, SLIM
from outrider.plan.image import (
    OLD_PYTHONS,
    PYTHONS,
    allows,
    choose_python,
    decide_image,
    place,
)
from outrider.servers import SERVERS
from tests.situations import facts

FLASK = Dependencies(
    tool="pip",
    files=("requirements.txt",),
    names=frozenset({"flask", "gunicorn"}),
    is_locked=True,
)
UI = NodeBuild(
    directory="ui", output="static/ui", output_source="ui/vite.config.js", tool="npm", lock="x"
)


def needing(*names: str, **more: Any) -> Dependencies:
    usual: dict[str, Any] = {"tool": "pip", "files": ("requirements.txt",), "is_locked": True}
    return Dependencies(**{**usual, **more}, names=frozenset(names))


def image(dependencies=FLASK, observed=None, server="gunicorn", **more):
    return decide_image(observed or facts(), dependencies, SERVERS[server], **more)


def said(found, name):
    [one] = [one for one in found.decisions if one.name == name]
    return one


def commands(found):
    return [" ".join(command) for step in found.steps for command in step.commands]


def refused(*args, **more):
    with pytest.raises(OutriderError) as caught:
        image(*args, **more)
    return caught.value


# -- which Python ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "running", "chosen"),
    [
        ("", (3, 12), (3, 12)),
        ("", (3, 9), (3, 11)),
        ("3.13", (3, 11), (3, 13)),
        ("3.12.4", (3, 11), (3, 12)),
        (">=3.10,<4", (3, 12), (3, 12)),
        (">=3.12", (3, 11), (3, 12)),
        (">=3.10 <3.12", (3, 13), (3, 11)),
        ("^3.12", (3, 11), (3, 12)),
        ("~3.12", (3, 11), (3, 12)),
        ("~=3.12", (3, 11), (3, 12)),
        ("~=3.12.1", (3, 13), (3, 12)),
        ("<3.13", (3, 14), (3, 12)),
        ("==3.13.*", (3, 11), (3, 13)),
        (">=3.11, !=3.11.*", (3, 11), (3, 12)),
        (">3.11", (3, 11), (3, 12)),
        ("*", (3, 11), (3, 11)),
        ("^2.7 || ^3.12", (3, 11), (3, 12)),
        ("3", (3, 13), (3, 13)),
        ("3.9", (3, 9), (3, 9)),
    ],
)
def test_the_python_of_the_image(asked, running, chosen):
    assert choose_python(asked, ".python-version", running)[0] == chosen


@pytest.mark.parametrize("asked", ["3.7", "2.7", "4.0", "pypy3.10", "<3", "3.99", "soon"])
def test_a_python_that_no_image_has(asked):
    error = refused(needing("flask", "gunicorn", python=asked, python_source=".python-version"))
    assert error.id == "no-python-image"
    assert f".python-version asks for {asked}" in error.found
    assert "3.15" in error.found[1]


def test_a_python_without_security_fixes_is_told():
    found = image(needing("flask", "gunicorn", python="3.9", python_source="runtime.txt"))
    assert found.python_image == "python:3.9-slim"
    assert said(found, "python image").is_warning


def test_the_python_that_runs_it_here_is_taken_where_there_is_a_choice():
    found = image()
    assert found.python == (3, 11)
    assert said(found, "python image").why == "the one that runs it here"


@pytest.mark.parametrize("minor", [*OLD_PYTHONS, *PYTHONS])
def test_each_python_is_allowed_by_its_own_name(minor):
    assert allows(f"{minor[0]}.{minor[1]}", minor)


# -- how it is installed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "is_locked", "expected"),
    [
        ("pip", True, "/opt/venv/bin/python -m pip install --requirement requirements.txt"),
        ("uv", True, "uv sync --locked --no-default-groups --no-install-project"),
        ("pyproject", False, "uv pip install --requirement pyproject.toml"),
        ("poetry", True, "poetry install --only main --no-root"),
        ("poetry", False, "poetry install --only main --no-root"),
        ("pipenv", True, "pipenv install --deploy"),
        ("pipenv", False, "pipenv install --skip-lock"),
    ],
)
def test_each_tool_installs_in_its_own_way(tool, is_locked, expected):
    wanted = needing("flask", "gunicorn", tool=tool, is_locked=is_locked)
    found = image(wanted)
    assert commands(found)[-1] == expected
    assert "python -m venv /opt/venv" in commands(found)
    variables = dict(found.variables)
    assert tool == "pip" or variables["VIRTUAL_ENV"] == "/opt/venv"


def test_a_server_that_the_dependencies_lack_is_added_and_said():
    found = image(needing("flask"))
    assert commands(found)[-1] == "/opt/venv/bin/python -m pip install gunicorn>=23.0.0"
    assert said(found, "server").value == "Gunicorn is added"
    assert not [one for one in image().decisions if one.name == "server"]


def test_the_server_of_an_asgi_app_is_new_enough_for_it():
    found = image(needing("fastapi"), facts(app={"interface": "asgi"}))
    assert commands(found)[-1].endswith("gunicorn>=27.0.0")
    found = image(needing("fastapi"), facts(app={"interface": "asgi"}), server="uvicorn")
    assert commands(found)[-1].endswith("uvicorn>=0.30.0")


def test_another_server_is_added_by_its_package():
    found = image(needing("flask", "gunicorn", tool="uv"), server="uwsgi")
    assert commands(found)[-1] == "uv pip install pyuwsgi>=2.0.26"


def test_an_unpinned_project_is_warned_with_what_to_type():
    loose = ("flask>=3", "a", "b", "c")
    decision = said(image(needing("flask", is_locked=False, loose=loose)), "unpinned")
    assert decision.is_warning
    assert decision.value == "flask>=3, a, b, ..."
    assert "pip freeze --exclude-editable > constraints.txt" in decision.why
    for tool in ("pyproject", "poetry", "pipenv"):
        one = said(image(needing("flask", tool=tool, is_locked=False, loose=loose)), "unpinned")
        assert " lock" in one.why


def test_no_file_says_what_is_needed():
    error = refused(None)
    assert error.id == "no-dependencies"
    assert "Flask 3.1.3, Gunicorn 27.0.1" in error.found[1]
    assert error.fix[0] == (
        "/srv/shop/.venv/bin/python -m pip freeze --exclude-editable > requirements.txt"
    )


def test_code_of_the_project_among_the_dependencies_is_said():
    found = image(needing("flask", local=("./libs/money",)))
    assert found.needs_code
    assert "./libs/money" in said(found, "cached dependencies").why


def test_a_single_image_has_nginx_and_outrider():
    found = image(is_single=True)
    assert "nginx" in [name for one in found.run_packages for name in one.names]
    assert "outrider>=" in commands(found)[-1]


def test_a_single_image_is_not_made_for_a_python_that_outrider_does_not_run_on():
    wanted = needing("flask", python="3.9", python_source="runtime.txt")
    assert refused(wanted, is_single=True).id == "no-python-image"


# -- private indexes -------------------------------------------------------------------------------


def secrets_of(tool, **index):
    return image(
        needing("flask", tool=tool, indexes=(PackageIndex(host="packages.example", **index),))
    ).secrets


@pytest.mark.parametrize(
    ("tool", "index", "ids"),
    [
        ("pip", {}, ["pip_conf"]),
        ("pip", {"variables": ("TOKEN",)}, ["TOKEN"]),
        (
            "uv",
            {"name": "corp-main"},
            ["UV_INDEX_CORP_MAIN_USERNAME", "UV_INDEX_CORP_MAIN_PASSWORD"],
        ),
        ("uv", {}, ["netrc"]),
        (
            "poetry",
            {"name": "corp"},
            ["POETRY_HTTP_BASIC_CORP_USERNAME", "POETRY_HTTP_BASIC_CORP_PASSWORD"],
        ),
        ("pipenv", {"name": "corp", "variables": ("WHO", "TOKEN")}, ["WHO", "TOKEN"]),
        ("pipenv", {"name": "corp"}, ["netrc"]),
    ],
)
def test_a_private_index_is_given_as_each_tool_takes_it(tool, index, ids):
    assert [secret.id for secret in secrets_of(tool, **index)] == ids


def test_a_private_index_is_said():
    found = image(needing("flask", indexes=(PackageIndex(host="packages.example"),)))
    assert said(found, "package index").value == "packages.example"


def test_a_password_in_a_file_is_refused():
    index = PackageIndex(host="packages.example", password_in="requirements.txt")
    assert refused(needing("flask", indexes=(index,))).id == "password-in-file"


# -- system packages -------------------------------------------------------------------------------


def packages(which, *names, variant=SLIM, **more):
    found = image(needing(*names, "gunicorn", **more), variant=variant)
    return [name for one in getattr(found, f"{which}_packages") for name in one.names]


def test_what_is_compiled_needs_a_compiler_and_leaves_it_behind():
    assert packages("build", "psycopg2") == ["gcc", "libc6-dev", "libpq-dev"]
    assert packages("run", "psycopg2") == ["libpq5"]
    assert packages("build", "psycopg2", variant=ALPINE) == ["gcc", "musl-dev", "libpq-dev"]
    assert packages("run", "psycopg2", variant=ALPINE) == ["libpq"]


@pytest.mark.parametrize("name", ["flask", "psycopg2-binary", "lxml", "pillow", "xmlsec"])
def test_what_has_all_in_its_wheel_needs_nothing(name):
    for variant in (SLIM, ALPINE):
        assert packages("build", name, variant=variant) == []
        assert packages("run", name, variant=variant) == []


def test_psycopg_needs_the_library_unless_a_package_brings_it():
    assert packages("run", "psycopg") == ["libpq5"]
    assert packages("run", "psycopg", "psycopg-binary") == []
    assert packages("run", "psycopg", extras=frozenset({"psycopg[binary]"})) == []
    assert packages("build", "psycopg", extras=frozenset({"psycopg[c]"})) == [
        *("gcc", "libc6-dev", "libpq-dev")
    ]


def test_a_dependency_from_a_git_repository_needs_git():
    assert packages("build", "flask", is_from_git=True) == ["git"]


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.of[0])
def test_each_row_is_whole(need):
    assert need.source.startswith("https://")
    assert need.why
    assert need.is_compiled or need.run
    for variant in (SLIM, ALPINE):
        assert bool(need.run_packages(variant)) == bool(need.run)
        assert need.build_packages(variant) == () or need.is_compiled


# -- folders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/srv/shop", "/srv/app"),
        ("/srv/shop/static", "/srv/app/static"),
        ("/srv/shop-old/static", None),
        ("/var/www/static", None),
        (
            "/srv/shop/.venv/lib/python3.11/site-packages/flask_admin/static",
            "/opt/venv/lib/python3.13/site-packages/flask_admin/static",
        ),
        (
            "/usr/lib/python3.11/dist-packages/x/static",
            "/opt/venv/lib/python3.13/site-packages/x/static",
        ),
    ],
)
def test_where_a_path_is_in_the_image(path, there):
    assert place(path, "/srv/shop", (3, 13)) == there


def with_static(directory, **more):
    static = (StaticFolder(url="/static/", directory=directory, source="Flask app 'shop'"),)
    return facts(app={"static": static, **more}, directories={directory: Directory(path=directory)})


def test_a_static_folder_outside_the_project_is_refused():
    error = refused(observed=with_static("/var/www/static"))
    assert error.id == "folder-outside-image"
    assert "/var/www/static, named by Flask app 'shop'" in error.found


def test_so_is_one_that_a_setting_names():
    error = refused(folders=(("/docs/", "/var/www/docs", "--static"),))
    assert "/var/www/docs, named by --static" in error.found


def test_a_folder_that_is_not_there_is_nobodys_loss():
    gone = Directory(path="/var/www/static", exists=False)
    observed = facts(
        app={"static": (StaticFolder(url="/static/", directory=gone.path, source="x"),)},
        directories={gone.path: gone},
    )
    assert image(observed=observed).python == (3, 11)


def test_a_folder_that_collectstatic_fills_may_be_anywhere():
    collect = Collect(settings_module="shop.settings", static_root="/var/www/static")
    assert image(observed=with_static("/var/www/static", collect=collect)).imports_app is False


def test_a_folder_in_flasks_instance_folder_is_made_by_an_import():
    found = image(observed=with_static("/srv/shop/instance/static"))
    assert found.imports_app
    assert "instance folder" in said(found, "import in the build").why
    assert "instance" in found.ignored, "it may hold passwords and a database"


def test_so_may_be_one_that_git_ignores():
    ignored = frozenset({"/srv/shop/static"})
    assert image(ignored_by_git=ignored).imports_app
    assert not image().imports_app
    ui = frozenset({"/srv/shop/static/ui"})
    found = image(observed=with_static("/srv/shop/static/ui"), ignored_by_git=ui, node=(UI,))
    assert not found.imports_app, "Node makes it"


def test_a_node_build_is_said_and_warned_about_without_a_lock_file():
    assert not said(image(node=(UI,)), "Node build").is_warning
    unlocked = NodeBuild(directory="", output="dist", output_source="package.json", tool="npm")
    assert said(image(node=(unlocked,)), "Node build").is_warning


def test_media_are_volumes_and_not_in_the_image():
    media = (
        MediaFolder(directory="/srv/shop/media", source="UPLOAD_FOLDER"),
        MediaFolder(directory="/var/lib/shop", source="MEDIA_ROOT"),
    )
    found = image(observed=facts(app={"media": media}), env_file="/srv/shop/prod.env")
    assert found.volumes == ("/srv/app/media", "/var/lib/shop")
    assert {"media", "prod.env"} <= set(found.ignored)
    assert found.env_file == "prod.env", "no path of this machine"
    assert not any(path.startswith("/") for path in found.ignored)
