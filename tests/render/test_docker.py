"""Images as whole files, to be read as prose, and judged by hadolint.

Each folder of tests/golden/images holds `situation.toml` and either what is laid out for it, with
the decisions, or `error.txt`. `make golden` writes them again.
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import tomllib
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from tests.containers.hadolint import complaints
from tests.situations import facts, settings
from tests.test_golden import observe

from outrider.console import Console
from outrider.errors import OutriderError
from outrider.facts import Collect, Dependencies, NodeBuild, PackageIndex
from outrider.plan import plan
from outrider.plan.image import decide_image, place
from outrider.render import docker, server
from outrider.render.artifact import is_untouched
from outrider.servers import SERVERS

GOLDEN = Path(__file__).parent.parent / "golden" / "images"
SITUATIONS = sorted(path.parent.name for path in GOLDEN.glob("*/situation.toml"))
LAID_OUT = ("Dockerfile", ".dockerignore", "deploy/app/health.py", "deploy/app/build.py")


def moved(value, python):
    """Return facts as they are in the container: only their paths differ here."""
    if isinstance(value, str):
        return (place(value, "/srv/shop", python) or value) if value.startswith("/srv/") else value
    if isinstance(value, tuple):
        return tuple(moved(one, python) for one in value)
    if isinstance(value, dict):
        return {moved(key, python): moved(one, python) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.init]
        return replace(value, **{name: moved(getattr(value, name), python) for name in names})
    return value


def read(told):
    """Return the arguments of decide_image for a situation."""
    app = told.get("app", {})
    if "collect" in app:
        app["collect"] = Collect(**app["collect"])
    needed = told.get("dependencies")
    if needed is not None:
        for key in ("names", "extras"):
            needed[key] = frozenset(needed.get(key, ()))
        for key in ("files", "loose", "local"):
            needed[key] = tuple(needed.get(key, ()))
        needed["indexes"] = tuple(
            PackageIndex(**{**one, "variables": tuple(one.get("variables", ()))})
            for one in needed.get("indexes", ())
        )
        needed = Dependencies(**needed)
    return observe(told), needed, SERVERS[told.get("server", "gunicorn")]


def laid_out(told):
    observed, needed, app_server = read(told)
    env_file = told.get("env_file")
    image = decide_image(
        observed,
        needed,
        app_server,
        variant=told.get("variant", "slim"),
        is_single=told.get("is_single", False),
        node=tuple(NodeBuild(**one) for one in told.get("node", ())),
        env_file=env_file and f"/srv/shop/{env_file}",
    )
    site = plan(moved(observed, image.python), settings(server=app_server.name))
    app = [] if image.is_single else server.render(site)
    return image, docker.render(image, site, app, [])


def files_of(situation):
    """Return the files of a situation, or the error that refuses it."""
    out = io.StringIO()
    console = Console(out, out, {"NO_COLOR": "1"})
    told = tomllib.loads((GOLDEN / situation / "situation.toml").read_text())
    try:
        image, artifacts = laid_out(told)
    except OutriderError as error:
        console.error(error)
        return {"error.txt": f"{out.getvalue()}exit code {int(error.exit_code)}\n"}
    lines = [
        f"{'! ' if one.is_warning else ''}{one.name}: {one.value} ({one.origin}; {one.why})\n"
        for one in image.decisions
    ]
    files = {a.path.rpartition("/")[2]: a.content for a in artifacts if a.path in LAID_OUT}
    return {"decisions.txt": "".join(lines), **files}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_golden(situation, request):
    folder, files = GOLDEN / situation, files_of(situation)
    if request.config.getoption("--update-golden"):
        for path in folder.glob("*"):
            if path.name != "situation.toml":
                path.unlink()
        for name, content in files.items():
            (folder / name).write_text(content)
    assert {p.name for p in folder.iterdir()} == {"situation.toml", *files}
    for name, content in files.items():
        assert content == (folder / name).read_text(), (
            f"run `make golden` and read the diff of {name}"
        )


DOCKERFILES = sorted(path.parent.name for path in GOLDEN.glob("*/Dockerfile"))


@pytest.mark.parametrize("situation", DOCKERFILES)
def test_hadolint_accepts_it(situation):
    """With nothing turned off but what a comment of the file itself does."""
    assert complaints(GOLDEN / situation / "Dockerfile") == []


@pytest.mark.parametrize("situation", DOCKERFILES)
def test_each_instruction_has_its_reason(situation):
    lines = (GOLDEN / situation / "Dockerfile").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith(("RUN ", "COPY ", "ENV ")):
            assert before.startswith(("#", "COPY")), line
    assert not lines[0].startswith("# syntax")


@pytest.mark.parametrize("situation", DOCKERFILES)
def test_commands_are_in_the_exec_form(situation):
    for line in (GOLDEN / situation / "Dockerfile").read_text().splitlines():
        for instruction in ("CMD ", "ENTRYPOINT ", "    CMD "):
            if line.startswith(instruction):
                assert isinstance(json.loads(line.removeprefix(instruction)), list)


@pytest.mark.parametrize("situation", DOCKERFILES)
def test_secrets_are_mounted_and_never_written_down(situation):
    text = (GOLDEN / situation / "Dockerfile").read_text()
    assert "ARG " not in text
    for line in text.splitlines():
        if line.startswith("ENV"):
            assert "TOKEN" not in line
            assert "PASSWORD" not in line


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*.py")), ids=lambda path: path.parent.name)
def test_scripts_are_python_of_any_version(path):
    ast.parse(path.read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
def test_a_first_line_is_no_directive_and_knows_its_own(name):
    content = (GOLDEN / "flask-pip" / name).read_text()
    # A directive is `# name=value`: https://docs.docker.com/reference/dockerfile/#parser-directives
    assert content.split("=")[0].count(" ") > 2
    assert is_untouched(content)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a b", r'ENV X="a b"'),
        ("$HOME", r'ENV X="\$HOME"'),
        (r'a"b\c', r'ENV X="a\"b\\c"'),
    ],
)
def test_env_keeps_a_value_as_it_is(value, written):
    assert docker.env([("X", value)]) == written


@pytest.mark.parametrize("value", ["a\nRUN rm -rf /", "a\0b", "a\u2028b"])
def test_a_line_cannot_be_broken(value):
    for write in (
        lambda: docker.env([("X", value)]),
        lambda: docker.copy([value], "/srv/app/"),
        lambda: docker.copy_from("app", value, value),
        lambda: docker.path(value),
        lambda: docker.run_shell(["install", value]),
    ):
        with pytest.raises(OutriderError):
            write()


def test_nothing_of_the_users_reaches_a_dockerfile_unquoted():
    with pytest.raises(TypeError):
        docker.quote("a b")
    with pytest.raises(TypeError):
        docker.quote("a\nb")


def test_a_command_is_not_read_by_a_shell():
    assert json.loads(docker.words(["python", "shop:create_app(\"$HOME\", 'a')"])) == [
        "python",
        "shop:create_app(\"$HOME\", 'a')",
    ]


@pytest.mark.parametrize(
    ("name", "expected"), [("Shop", "shop"), ("my shop_2", "my-shop-2"), ("_", "site")]
)
def test_the_name_of_an_image(name, expected):
    site = replace(plan(facts(), settings()), name=name)
    assert docker.image_name(site) == expected


def test_the_same_image_gives_the_same_bytes():
    for situation in SITUATIONS:
        assert files_of(situation) == files_of(situation)
