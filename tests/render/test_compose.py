"""compose.yaml as a whole file, to be read as prose.

Each folder of tests/golden/compose holds `situation.toml`, what is laid out for it, and what was
decided. `make golden` writes them again.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.render.test_docker import read

from outrider.envfile import altered_by_compose, parse
from outrider.facts import Variables
from outrider.plan.container import plan_contained
from outrider.plan.image import decide_image
from outrider.plan.services import plan_stack, told_variables
from outrider.render import compose
from outrider.render.artifact import Comment, is_untouched
from outrider.settings import TomlSource, resolve
from outrider.stack import BuildSecret, Volume
from outrider.values import parse_address

GOLDEN = Path(__file__).parent.parent / "golden" / "compose"
SITUATIONS = sorted(path.parent.name for path in GOLDEN.glob("*/situation.toml"))


def stack_of(situation):
    told = tomllib.loads((GOLDEN / situation / "situation.toml").read_text())
    observed, needed, server = read(told)
    observed = replace(
        observed, programs=told.get("programs", {"python": "/srv/shop/.venv/bin/python"})
    )
    table = TomlSource(name="outrider.toml", directory="/srv/shop", table=told.get("settings", {}))
    image = decide_image(observed, needed, server)
    known = Variables(
        named=frozenset(told.get("named", ())),
        required=frozenset(told.get("required", ())),
        dotenv=told.get("dotenv"),
        altered=tuple(told.get("altered", ())),
    )
    packages = needed.names | needed.extras
    variables = frozenset(told_variables(told["name"], packages, known.named))
    return plan_stack(
        plan_contained(observed, resolve({}, {}, table, "/srv/shop"), image, variables),
        image,
        name=told["name"],
        published=parse_address(told.get("published", "127.0.0.1:8000")),
        packages=packages,
        known=known,
        release=tuple(told.get("release", ())),
    )


def files_of(situation):
    stack = stack_of(situation)
    lines = [
        f"{'! ' if one.is_warning else ''}{one.name}: {one.value} ({one.origin}; {one.why})\n"
        for one in stack.decisions
    ]
    [artifact] = compose.render(stack)
    assert is_untouched(artifact.content)
    return {"decisions.txt": "".join(lines), "compose.yaml": artifact.content}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_golden(situation, request):
    folder, files = GOLDEN / situation, files_of(situation)
    if request.config.getoption("--update-golden"):
        for name, content in files.items():
            (folder / name).write_text(content)
    assert {path.name for path in folder.iterdir()} == {"situation.toml", *files}
    for name, content in files.items():
        assert content == (folder / name).read_text(), (
            f"run `make golden` and read the diff of {name}"
        )


@pytest.mark.parametrize("situation", SITUATIONS)
def test_rendering_twice_gives_the_same_bytes(situation):
    assert files_of(situation) == files_of(situation)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_line_has_space_at_its_end_and_none_is_a_tab(situation):
    for line in files_of(situation)["compose.yaml"].splitlines():
        assert line == line.rstrip()
        assert "\t" not in line


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("app", "app"),
        ("/srv/app", "/srv/app"),
        # YAML would take these for something else than text.
        ("no", '"no"'),
        ("Null", '"Null"'),
        ("1.5", '"1.5"'),
        ("-", '"-"'),
        ("", '""'),
        ("a: b", '"a: b"'),
        ("ü", '"ü"'),
        ('"', '"\\""'),
        (("a", "b c"), '[a, "b c"]'),
        (5, "5"),
        (Comment("x"), "x"),
    ],
)
def test_values_in_yaml(value, written):
    assert compose.quote(value) == written


def test_a_value_without_a_form_in_yaml_is_our_mistake():
    with pytest.raises(TypeError):
        compose.quote(object())


@pytest.mark.parametrize(
    ("volume", "written"),
    [
        (Volume(name="media", directory="/srv/app/media"), "media:/srv/app/media"),
        (
            Volume(name="media", directory="/srv/new", is_read_only=True),
            "media:/srv/new:ro",
        ),
        (
            Volume(name="media", directory="/srv/a: b", is_read_only=True),
            '{type: volume, source: media, target: "/srv/a: b", read_only: true}',
        ),
    ],
)
def test_where_a_volume_lies(volume, written):
    assert compose.mounted(volume) == written


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        ("id=TOKEN,env=TOKEN", ("environment", "TOKEN")),
        (
            "id=pip_conf,src=$HOME/.config/pip/pip.conf",
            ("file", "$HOME/.config/pip/pip.conf"),
        ),
    ],
)
def test_what_a_secret_is_taken_from(given_as, expected):
    assert compose.source(BuildSecret(id="x", given_as=given_as)) == expected


def test_passwords_stand_in_dotenv_so_that_compose_takes_them_whole():
    written = compose.env_lines({"A": "x", "B": "y"})
    assert parse(".env", written) == {"A": "x", "B": "y"}
    assert altered_by_compose(written) == ()
