"""Situations of single files: what their text says, without importing them."""

from __future__ import annotations

import warnings

import pytest

from outrider.discover import source
from outrider.discover.source import has_pyramid_main, makes_app, settings_module, text_of

APP = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "def create_app(config=None):\n    return None\n"
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'


@pytest.fixture
def file(tmp_path):
    """Write a file and return its path."""

    def file(text, name="main.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return file


# -- an app ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        APP,
        FACTORY,
        "import flask\nsite = flask.Flask(__name__)\n",
        "from flask import Flask\nsite: Flask = Flask(__name__)\n",
        "application: object = object()\n",
        "from shop import app\n",
        "from shop import create_app as make_app\n",
        "import shop.web as application\n",
        "from shop import create_app\napp = create_app()\n",
        "app, db = build()\n",
        "app = api = build()\n",
        "def app(environ, start_response): ...\n",
        "async def app(scope, receive, send): ...\n",
        "class application: ...\n",
        "try:\n    from local import app\nexcept ImportError:\n    from shop import app\n",
        "if DEBUG:\n    app = 1\nelse:\n    app = 2\n",
        "if __name__ != '__main__':\n    from shop import app\n",
        "if __name__ == '__main__':\n    pass\nelse:\n    from shop import app\n",
        "with setup():\n    app = 1\n",
        "app = 1\nif __name__ == '__main__':\n    app.run()\n",
    ],
)
def test_a_file_that_could_give_an_app(file, text):
    assert makes_app(file(text)) is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "print('hello')\n",
        "if __name__ == '__main__':\n    from shop import app\n    app.run()\n",
        "if '__main__' == __name__:\n    app = 1\n",
        "if TYPE_CHECKING:\n    from shop import app\n",
        "def main():\n    app = Flask(__name__)\n    app.run()\n",
        "app: object\n",
        "app.config['X'] = 1\n",
        "from shop import *\n",
        "import app.models\n",
        "apps = 1\n",
        "x = [app for app in y]\n",
    ],
)
def test_a_file_that_could_not(file, text):
    assert makes_app(file(text)) is False


def test_in_wsgi_py_an_import_of_everything_is_the_app(file):
    assert makes_app(file("from shop import *\n", "wsgi.py"))


def test_a_file_that_imports_the_app_does_not_make_it_itself(file):
    assert makes_app(file(APP), itself=True)
    assert not makes_app(file("from shop import app\n"), itself=True)


@pytest.mark.parametrize(
    "text", ["app = Flask(\n", "\0\0\0", "# -*- coding: no-such -*-\n", "(" * 5000 + ")" * 5000]
)
def test_what_does_not_parse_is_neither(file, text):
    assert makes_app(file(text)) is None


def test_a_file_in_another_encoding(file):
    text = "# -*- coding: latin-1 -*-\nname = 'café'\napp = 1\n"
    assert makes_app(file(text.encode("latin-1")))


def test_warnings_about_the_users_code_are_not_ours(file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert makes_app(file("app = '\\d'\n"))


def test_a_file_that_is_too_large_is_not_read(file, monkeypatch):
    monkeypatch.setattr(source, "_MOST_BYTES", 100)
    path = file(APP + "#" * 200)
    assert makes_app(path) is False
    assert len(text_of(path)) == 100


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    gone = tmp_path / "gone.py"
    assert (makes_app(gone), settings_module(gone), text_of(gone)) == (False, None, "")


# -- what frameworks say ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        'os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"\n',
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", os.getenv("X", "mysite.settings"))\n',
        MANAGE.replace("mysite.settings", "mysite.test_settings") + MANAGE,
    ],
)
def test_other_ways_to_name_the_settings(file, line):
    assert settings_module(file(f"import os\n{line}")) == "mysite.settings"


def test_the_settings_of_something_else(file):
    assert settings_module(file(MANAGE.replace("DJANGO", "FLASK"))) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("def main(global_config, **settings):", True),
        ("def main(global_conf, **kwargs):", True),
        ("def main(global_config):", False),
        ("def main(arguments, **settings):", False),
        ("def run(global_config, **settings):", False),
    ],
)
def test_the_factory_of_pyramid(file, line, expected):
    assert has_pyramid_main(file(f"{line}\n    pass\n")) == expected
