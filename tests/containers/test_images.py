"""Each stand-in is what its name says, and can do what a Dockerfile asks of the official image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers.images import STAND_INS, named_in, provide

if TYPE_CHECKING:
    from pathlib import Path

    from tests.containers.engine import Engine

SAYS = {
    "python": ("python --version", "Python {}."),
    "node": ("node --version", "v{}."),
    "nginx": ("nginx -v 2>&1", "nginx version: nginx/1.30."),
    "postgres": ("postgres --version", "postgres (PostgreSQL) {}."),
    "mariadb": ("mariadbd --version | grep --only-matching 'Ver .*'", "Ver {}."),
    "redis": ("redis-server --version", "Redis server v={}."),
    "mongo": ("mongosh --eval 'db.dropDatabase()' 2>&1 || true", "this stand-in"),
}

BUILDS = {
    # A virtual environment moves from one stage to the next.
    "python:3.13-slim": """\
FROM python:3.13-slim AS build
RUN python -m venv /opt/venv
RUN --mount=type=cache,target=/root/.cache /opt/venv/bin/pip install --require-hashes -r /dev/null
RUN /opt/venv/bin/pip install iniconfig
FROM python:3.13-slim
COPY --from=build /opt/venv /opt/venv
USER 10001
RUN test "$(which python pip)" = "$(printf '/usr/local/bin/python\\n/usr/local/bin/pip')"
RUN /opt/venv/bin/python -c "import iniconfig, ssl, sqlite3"
""",
    "node:22-slim": """\
FROM node:22-slim
WORKDIR /site
RUN npm install --no-audit --no-fund is-number@7.0.0
RUN test "$(node --print 'require(\"is-number\")(7)')" = true
""",
    # What a dependency without a wheel needs.
    "python:3.11-slim": """\
FROM python:3.11-slim
RUN --mount=type=secret,id=index test "$(cat /run/secrets/index)" = https://user:word@example.org/
RUN apt-get update && apt-get install --yes --no-install-recommends libmagic1
""",
}


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_has_the_version_of_its_name(engine: Engine, name):
    _with_stand_ins(engine)
    kind, _, version = name.partition(":")
    command, expected = SAYS[kind]
    provide(engine, name)
    said = engine.docker("run", "--rm", "--entrypoint", "sh", name, "-c", command)
    assert said.startswith(expected.format(version.removesuffix("-slim")))


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_reaches_the_package_indexes_with_no_setting_of_its_own(
    engine: Engine, tmp_path: Path, name
):
    _with_stand_ins(engine)
    provide(engine, name)
    (tmp_path / "Dockerfile").write_text(BUILDS[name])
    secret = tmp_path / "secret"
    secret.write_text("https://user:word@example.org/")
    words = ("build", "--quiet", f"--secret=id=index,src={secret}", str(tmp_path))
    engine.docker("image", "rm", engine.docker(*words).strip())


def test_the_images_that_a_file_names_are_found():
    dockerfile = "FROM python:3.13-slim AS app\nFROM nginx:stable-alpine\n"
    assert named_in([dockerfile, "image: 'redis:8'"]) == ["python:3.13-slim", "redis:8"]


def _with_stand_ins(engine: Engine) -> None:
    if not engine.has_stand_ins:
        pytest.skip("the engine that runs here has the official images")
