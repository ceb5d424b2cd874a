"""Situations of a folder that a build with Node makes."""

from __future__ import annotations

import json

import pytest

from outrider.discover.node import look_at_node
from outrider.facts import NodeBuild

BUILD = {"scripts": {"build": "vite build"}}


@pytest.fixture
def look(tmp_path):
    """Look at a project with these files, which serves a folder of it."""

    def look(files, folder="static/dist"):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text if isinstance(text, str) else json.dumps(text))
        return look_at_node(str(tmp_path), [str(tmp_path / folder)])

    return look


def test_vite_into_a_folder_of_the_app(look):
    files = {
        "frontend/package.json": {**BUILD, "engines": {"node": "^22"}},
        "frontend/package-lock.json": "{}",
        "frontend/vite.config.ts": "export default { build: { outDir: '../static/dist' } }",
    }
    assert look(files) == (
        NodeBuild(
            directory="frontend",
            output="static/dist",
            output_source="frontend/vite.config.ts",
            tool="npm",
            lock="package-lock.json",
            engine="22",
        ),
    )


def test_webpack(look):
    config = "output: { path: path.resolve(__dirname, '../static', 'dist') }"
    files = {"ui/package.json": BUILD, "ui/webpack.config.js": config, "ui/yarn.lock": ""}
    [build] = look(files)
    assert (build.output, build.tool, build.lock) == ("static/dist", "yarn", "yarn.lock")


@pytest.mark.parametrize(
    "script",
    [
        "vite build --outDir static/dist",
        "esbuild src/main.js --bundle --outfile=static/dist/main.js",
        "tailwindcss -i src/main.css -o ./static/dist/main.css --minify",
        "parcel build src/index.html --dist-dir static/dist",
    ],
)
def test_the_script_itself_says_where_to(look, script):
    [build] = look({"package.json": {"scripts": {"build": script}}})
    assert (build.directory, build.output) == ("", "static/dist")
    assert build.lock == ""


def test_the_usual_folder_beside_package_json(look):
    [build] = look({"frontend/package.json": BUILD}, "frontend/dist")
    assert build.output == "frontend/dist"


def test_a_folder_within_what_is_built(look):
    [build] = look({"frontend/package.json": BUILD}, "frontend/dist/assets")
    assert build.output == "frontend/dist"


def test_the_version_of_the_tool_that_is_asked_for(look):
    package = {**BUILD, "packageManager": "pnpm@9.1.0+sha512.aa", "engines": {"node": ">=18"}}
    [build] = look({"package.json": package, "pnpm-lock.yaml": ""}, "dist")
    assert (build.tool, build.manager, build.engine) == ("pnpm", "pnpm@9.1.0", "")


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": BUILD},
        {"package.json": {"scripts": {"test": "x"}, "x": "static/dist"}},
        {"package.json": "{"},
        {"package.json": "[]"},
        {"node_modules/x/package.json": BUILD, "node_modules/x/dist/x.js": ""},
        {"package.json": {"scripts": {"build": "vite build --outDir ../static/dist"}}},
        {},
    ],
)
def test_what_makes_no_folder_of_the_site(look, files):
    assert look(files) == ()


def test_the_whole_project_is_no_output(look):
    assert look({"package.json": {"scripts": {"build": "x -o ."}}}) == ()
