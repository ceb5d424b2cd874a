"""Situations of a project that says what it needs, in each of the ways that there are."""

from __future__ import annotations

import json

import pytest

from outrider.discover.dependencies import look_at_dependencies
from outrider.errors import OutriderError
from outrider.facts import PackageIndex

SECRET = "hunter2"
PUBLIC = ".".join(("pypi", "org"))  # noqa: FLY002 - no commit names a registry
"""The index that needs no secret."""


@pytest.fixture
def look(tmp_path):
    """Look at a project with these files."""

    def look(files):
        for name, text in files.items():
            path = tmp_path / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, bytes):
                path.write_bytes(text)
            else:
                path.write_text(text)
        return look_at_dependencies(str(tmp_path / "project"))

    return look


def requirements(look, text, **more):
    return look({"requirements.txt": text, **more})


# -- requirements.txt ------------------------------------------------------------------------------


def test_names_are_normalised_and_pins_counted(look):
    found = requirements(
        look,
        "# what the shop needs\n"
        "Flask==3.1.3  # the framework\n"
        "\n"
        "zope.interface>=5,<8\n"
        "Ruamel_Yaml ~= 0.18\n"
        "tzdata\n"
        "pinned-by-star==3.*\n"
        "exact===1.0\n",
    )
    assert found.tool == "pip"
    assert found.files == ("requirements.txt",)
    assert found.names == {
        *("flask", "zope-interface", "ruamel-yaml", "tzdata", "pinned-by-star", "exact")
    }
    assert found.loose == (
        *("zope.interface>=5,<8", "Ruamel_Yaml ~= 0.18", "tzdata", "pinned-by-star==3.*"),
    )
    assert not found.is_locked
    assert not found.has_hashes


def test_hashes_over_several_lines_with_markers_and_extras(look):
    found = requirements(
        look,
        'flask[async]==3.1.3 ; python_version >= "3.9" \\\n'
        "    --hash=sha256:aa \\\n"
        "    --hash=sha256:bb\n"
        "psycopg[binary, pool]==3.2.1 --hash=sha256:cc\r\n",
    )
    assert found.names == {"flask", "psycopg"}
    assert found.extras == {"flask[async]", "psycopg[binary]", "psycopg[pool]"}
    assert found.has_hashes
    assert found.is_locked


def test_a_marker_is_no_pin(look):
    assert requirements(look, 'tomli; python_version == "3.10"\n').loose == ("tomli",)


def test_included_files_and_constraints_count_once(look):
    found = look(
        {
            "requirements.txt": "-r requirements/base.txt\n--requirement=requirements/more.txt\n",
            "requirements/base.txt": "flask\n-c constraints.txt\n-rmore.txt\n",
            "requirements/constraints.txt": "flask==3.1.3\nnot-wanted==1.0\n-r ../pins.txt\n",
            "requirements/more.txt": "-r base.txt\npymongo==4.8\n",
            "pins.txt": "click==8.1\n",
        }
    )
    assert found.names == {"flask", "pymongo"}
    assert found.files == (
        *("requirements.txt", "requirements/base.txt", "requirements/constraints.txt"),
        *("pins.txt", "requirements/more.txt"),
    )
    assert found.is_locked, "the constraint holds flask to one version"


@pytest.mark.parametrize("name", ["production", "prod", "base"])
def test_a_folder_of_requirements(look, name):
    found = look({f"requirements/{name}.txt": "flask==3.1\n", "requirements/dev.txt": "pytest\n"})
    assert found.files == (f"requirements/{name}.txt",)
    assert found.names == {"flask"}


def test_code_of_the_project_has_to_be_there(look):
    found = requirements(
        look,
        "-e .\n--editable libs/money\n./wheels/tool-1.0-py3-none-any.whl\n"
        "plugin @ file:///srv/plugin\nflask==3.1\n",
    )
    assert found.local == (
        *(".", "./libs/money", "./wheels/tool-1.0-py3-none-any.whl", "plugin @ file:///srv/plugin"),
    )
    assert found.names == {"flask", "plugin"}


@pytest.mark.parametrize(
    ("line", "names", "is_git", "is_locked"),
    [
        ("tool @ https://files.example/tool-1.0.tar.gz", {"tool"}, False, True),
        ("https://files.example/tool-1.0.tar.gz", set(), False, True),
        ("tool @ git+https://git.example/tool.git@v1.2", {"tool"}, True, True),
        ("-e git+https://git.example/tool.git@v1.2#egg=Tool", {"tool"}, True, True),
        ("git+ssh://git@git.example/tool.git#egg=tool", {"tool"}, True, False),
    ],
)
def test_urls(look, line, names, is_git, is_locked):
    found = requirements(look, f"{line}\n")
    assert found.names == names
    assert found.is_from_git is is_git
    assert found.is_locked is is_locked
    assert found.local == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("-r missing.txt\n", "missing.txt"),
        ("-r ../outside.txt\n", "outside the project"),
        ("-r https://elsewhere.example/requirements.txt\n", "from elsewhere"),
        ('--index-url "https://packages.example\n', "closing quotation"),
        (b"flask\xff\xfe==3\n", "not UTF-8"),
    ],
)
def test_broken_requirements_are_told_in_a_sentence(look, text, what):
    with pytest.raises(OutriderError) as caught:
        requirements(look, text)
    assert caught.value.id == "bad-dependencies"
    assert what.lower() in " ".join([caught.value.what, *caught.value.found]).lower()


def test_a_mistake_in_a_line_with_a_password_does_not_show_it(look):
    with pytest.raises(OutriderError) as caught:
        requirements(look, f'--index-url "https://ann:{SECRET}@packages.example/simple\n')
    assert SECRET not in " ".join([caught.value.what, *caught.value.found])


# -- package indexes -------------------------------------------------------------------------------


def test_a_private_index_is_known_by_its_host_alone(look):
    found = requirements(
        look,
        f"--index-url https://ann:{SECRET}@packages.example:8443/simple/\n"
        "--extra-index-url=https://${WHO}:${TOKEN}@more.example/simple\n"
        "-i https://open.example/simple\nflask==3.1\n",
    )
    assert found.indexes == (
        PackageIndex(host="packages.example", password_in="requirements.txt"),
        PackageIndex(host="more.example", variables=("WHO", "TOKEN")),
        PackageIndex(host="open.example"),
    )
    assert SECRET not in repr(found)


@pytest.mark.parametrize("host", [PUBLIC, f"test.{PUBLIC}"])
def test_the_public_index_is_none_of_them(look, host):
    assert requirements(look, f"-i https://{host}/simple\n").indexes == ()


@pytest.mark.parametrize("host", ["pypi.internal", "pypi.corp.example", f"my{PUBLIC}"])
def test_one_that_only_sounds_like_it_is(look, host):
    assert [one.host for one in requirements(look, f"-i https://{host}/simple\n").indexes] == [host]


# -- lock files ------------------------------------------------------------------------------------

UV_LOCK = """
version = 1
requires-python = ">=3.11"

[[package]]
name = "shop"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "flask", extra = ["async"] }, { name = "money" }]

[package.optional-dependencies]
pg = [{ name = "psycopg2" }]

[package.dev-dependencies]
dev = [{ name = "gunicorn" }]

[[package]]
name = "flask"
version = "3.1.3"
source = { registry = "https://packages.example/simple" }
dependencies = [{ name = "click" }]

[package.optional-dependencies]
async = [{ name = "asgiref" }]

[[package]]
name = "money"
version = "1"
source = { editable = "libs/money" }

[[package]]
name = "click"
version = "8"
source = { git = "https://git.example/click?rev=1#0a" }

[[package]]
name = "asgiref"
version = "3"
source = { registry = "https://PUBLIC/simple" }

[[package]]
name = "gunicorn"
version = "23"

[[package]]
name = "psycopg2"
version = "2"
""".replace("PUBLIC", PUBLIC)
UV_PROJECT = """
[project]
name = "shop"
requires-python = ">=3.11"
dependencies = ["flask[async]", "money"]

[[tool.uv.index]]
name = "corp"
url = "https://packages.example/simple"
"""


def test_uv_installs_what_the_project_reaches_and_no_development_tools(look):
    found = look({"uv.lock": UV_LOCK, "pyproject.toml": UV_PROJECT, "requirements.txt": "django\n"})
    assert found.tool == "uv"
    assert found.files == ("pyproject.toml", "uv.lock")
    assert found.names == {"flask", "money", "click", "asgiref"}
    assert found.is_locked
    assert found.local == ("./libs/money",)
    assert found.is_from_git
    assert found.indexes == (PackageIndex(host="packages.example", name="corp"),)
    assert (found.python, found.python_source) == (">=3.11", "requires-python in pyproject.toml")


POETRY_LOCK = """
[[package]]
name = "Flask"
version = "3.1.3"
optional = false
groups = ["main", "dev"]

[[package]]
name = "money"
version = "1"
optional = false
groups = ["main"]

[package.source]
type = "directory"
url = "libs/money"

[[package]]
name = "gunicorn"
version = "23"
optional = false
groups = ["dev"]

[[package]]
name = "psycopg2"
version = "2"
optional = true
groups = ["main"]

[[package]]
name = "of-an-old-poetry"
version = "1"
category = "dev"
"""


def test_poetry_installs_its_main_group(look):
    project = (
        '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "*"\n'
        '[[tool.poetry.source]]\nname = "corp"\nurl = "https://packages.example/simple"\n'
    )
    found = look({"poetry.lock": POETRY_LOCK, "pyproject.toml": project})
    assert found.tool == "poetry"
    assert found.names == {"flask", "money"}
    assert found.local == ("./libs/money",)
    assert found.indexes == (PackageIndex(host="packages.example", name="corp"),)
    assert found.python == "^3.11"


def test_poetry_without_its_lock_file_is_loose(look):
    project = (
        '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^3"\n'
        'psycopg = { version = "3", extras = ["binary"] }\nown = { path = "../own" }\n'
    )
    found = look({"pyproject.toml": project})
    assert (found.tool, found.is_locked, found.files) == ("poetry", False, ("pyproject.toml",))
    assert found.names == {"flask", "psycopg", "own"}
    assert found.extras == {"psycopg[binary]"}
    assert found.loose == ("flask", "psycopg", "own")
    assert found.local == ("./../own",)


def test_pipenv(look):
    lock = {
        "_meta": {
            "requires": {"python_version": "3.12"},
            "sources": [
                {"name": "pypi", "url": f"https://{PUBLIC}/simple"},
                {"name": "corp", "url": "https://$WHO:$TOKEN@packages.example/simple"},
            ],
        },
        "default": {
            "flask": {"version": "==3.1.3"},
            "psycopg": {"version": "==3", "extras": ["binary"]},
            "own": {"path": "./own", "editable": True},
            "tool": {"git": "https://git.example/tool", "ref": "0a"},
        },
        "develop": {"pytest": {"version": "==8"}},
    }
    found = look({"Pipfile.lock": json.dumps(lock), "Pipfile": ""})
    assert (found.tool, found.files) == ("pipenv", ("Pipfile", "Pipfile.lock"))
    assert found.names == {"flask", "psycopg", "own", "tool"}
    assert found.extras == {"psycopg[binary]"}
    assert found.local == ("./own",)
    assert found.is_from_git
    assert (found.python, found.python_source) == ("3.12", "Pipfile")
    assert found.indexes == (
        PackageIndex(host="packages.example", name="corp", variables=("WHO", "TOKEN")),
    )


def test_pipenv_without_its_lock_file_is_loose(look):
    found = look({"Pipfile": '[packages]\nflask = "*"\n[requires]\npython_version = "3.12"\n'})
    assert (found.tool, found.is_locked, found.files) == ("pipenv", False, ("Pipfile",))
    assert (found.names, found.python) == ({"flask"}, "3.12")


def test_pyproject_with_pip(look):
    project = '[project]\nname = "x"\ndependencies = ["flask>=3", "psycopg[c]==3.2.1"]\n'
    found = look({"pyproject.toml": project})
    assert (found.tool, found.files) == ("pyproject", ("pyproject.toml",))
    assert found.names == {"flask", "psycopg"}
    assert found.extras == {"psycopg[c]"}
    assert found.loose == ("flask>=3",)


def test_nothing_says_anything(look):
    assert look({"app.py": "", "pyproject.toml": "[tool.ruff]\n"}) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", "version = \n"),
        ("poetry.lock", "[[package]\n"),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[]"),
        ("pyproject.toml", "[project\n"),
        ("Pipfile", "[packages\n"),
    ],
)
def test_broken_files_are_told_in_a_sentence(look, name, text):
    with pytest.raises(OutriderError) as caught:
        look({name: text})
    assert caught.value.id == "bad-dependencies"
    assert caught.value.what == f"{name} cannot be read"


def test_a_file_of_odd_shapes_is_read_as_far_as_it_says_something(look):
    look({"uv.lock": "package = 3\n", "pyproject.toml": 'project = "x"\ntool = []\n'})
    look({"uv.lock": "[[package]]\nname = 3\nsource = 4\ndependencies = [1]\n"})


# -- which Python ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "python", "source"),
    [
        ({".python-version": "3.12\n"}, "3.12", ".python-version"),
        (
            {".python-version": "# ours\n\ncpython-3.12.4-linux-x86_64\n"},
            "3.12.4",
            ".python-version",
        ),
        ({".python-version": "pypy3.10-7.3\n"}, "pypy3.10-7.3", ".python-version"),
        ({".python-version": "shop-env\n"}, ">=3.11", "requires-python in pyproject.toml"),
        ({"runtime.txt": "python-3.11.9\n"}, "3.11.9", "runtime.txt"),
        ({"runtime.txt": "python-3.11.9", ".python-version": "3.12"}, "3.12", ".python-version"),
        ({".python-version": ""}, ">=3.11", "requires-python in pyproject.toml"),
    ],
)
def test_which_python_is_asked_for(look, files, python, source):
    project = '[project]\nname = "x"\nrequires-python = ">=3.11"\ndependencies = []\n'
    found = look({"pyproject.toml": project, **files})
    assert (found.python, found.python_source) == (python, source)


def test_no_python_is_asked_for(look):
    found = requirements(look, "flask==3.1\n")
    assert (found.python, found.python_source) == ("", "")
