"""Which variables a project reads, and what Compose would make of its `.env`."""

from __future__ import annotations

import pytest

from outrider.discover.variables import look_at_variables


@pytest.fixture
def look(tmp_path):
    def looked(source="", **files):
        (tmp_path / "app.py").write_text(source)
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return look_at_variables(str(tmp_path))

    return looked


@pytest.mark.parametrize(
    "source",
    [
        'os.environ["DATABASE_URL"]',
        "from os import environ, path\nenviron [ 'DATABASE_URL' ]",
        'env("DATABASE_URL")',
        'env.str("DATABASE_URL")',
        "config('DATABASE_URL')",
    ],
)
def test_what_the_source_cannot_do_without(look, source):
    found = look(source)
    assert (found.named, found.required) == ({"DATABASE_URL"}, {"DATABASE_URL"})


@pytest.mark.parametrize(
    "source",
    [
        'env.get("DATABASE_URL")',
        'os.environ.get("DATABASE_URL")',
        'os.environ.get("DATABASE_URL", "")',
        "os.getenv('DATABASE_URL')",
        'os.environ.pop("DATABASE_URL", None)',
        'env("DATABASE_URL", default="sqlite://")',
        "config('DATABASE_URL', cast=str)",
        'env.dj_db_url(\n    "DATABASE_URL", default="sqlite://"\n)',
    ],
)
def test_what_the_source_reads_if_it_is_there(look, source):
    found = look(source)
    assert (found.named, found.required) == ({"DATABASE_URL"}, frozenset())


@pytest.mark.parametrize(
    "source",
    [
        'app.config["DATABASE_URL"]',
        "os.environ[name]",
        "os.environ['path']",
        'DATABASE_URL = "x"',
        'os.environ["DATABASE_URL"] = "x"',
        'environ["REMOTE_ADDR"]',
        'request.environ["REMOTE_ADDR"]',
        'from os import environ\nrequest.environ.get("REMOTE_ADDR")',
    ],
)
def test_what_is_no_variable_that_is_read(look, source):
    assert not look(source).named


def test_a_comparison_is_no_assignment(look):
    assert look('x = os.environ["MODE"] == "live"').required == {"MODE"}


def test_an_example_file_names_more(look):
    found = look(_dot_env_dot_example="# comment\nDATABASE_URL=\nexport REDIS_URL=x\nlower=x\n")
    assert found.named == {"DATABASE_URL", "REDIS_URL"}
    assert found.required == frozenset()
    assert found.dotenv is None


def test_tests_environments_and_packages_are_not_the_project(look):
    source = 'os.environ["ELSEWHERE"]'
    found = look(
        tests__app_dot_py=source,
        node_modules__x_dot_py=source,
        own__pyvenv_dot_cfg="",
        own__lib__x_dot_py=source,
        shop__settings_dot_py='os.environ["HERE"]',
    )
    assert found.named == {"HERE"}


def test_dotenv_is_read_as_outrider_reads_it(look):
    text = "A='pa$word'\nB=pa$word\nC=\"one\nnot a line\nD=x # why\n"
    found = look(_dot_env=text)
    assert found.dotenv == {"A": "pa$word", "B": "pa$word", "D": "x"}
    assert found.altered == ("B",)


def test_a_file_that_is_no_text_stops_nothing(look, tmp_path):
    (tmp_path / "latin.py").write_bytes(b'# \xe9\nos.environ["MODE"]\n')
    assert look().named == {"MODE"}


def test_a_folder_that_is_not_there_has_none(tmp_path):
    assert look_at_variables(str(tmp_path / "gone")).named == frozenset()
