"""Dockerfiles are read as far as they tell how the app is run."""

from __future__ import annotations

import pytest

from outrider.discover.dockerfiles import parse, words


def read(text: str):
    return parse("/srv/before/Dockerfile", text)


def test_the_last_stage_counts_and_knows_the_image_below_it():
    found = read(
        "ARG PY=3.12\n"
        "FROM --platform=linux/amd64 python:${PY}-slim AS base\nUSER root\nCMD old\n"
        "FROM base AS app\nWORKDIR /srv\nWORKDIR app\nUSER web\n"
        'ENTRYPOINT ["gunicorn"]\nCMD ["shop:app"]\n'
    )
    assert found.image == "python:3.12-slim"
    assert (found.workdir, found.user) == ("/srv/app", "web")
    assert found.command == ("gunicorn", "shop:app")
    assert found.line == 10


def test_an_instruction_goes_on_over_lines_and_comments():
    found = read("FROM python\nCMD gunicorn \\\n# not now: --reload\n  -b :80 \\\n  shop:app\n")
    assert found.command == ("gunicorn", "-b", ":80", "shop:app")
    assert found.line == 2


def test_variables_are_replaced_and_unknown_ones_stay():
    found = read("FROM python\nENV PORT=8000 APP=shop:app\nCMD gunicorn -b :$PORT $APP $MORE\n")
    assert found.command == ("gunicorn", "-b", ":8000", "shop:app", "$MORE")


def test_what_is_no_dockerfile_says_nothing():
    assert read("hello\n").command == ()


@pytest.mark.parametrize(
    ("command", "split"),
    [
        ("sh -c 'gunicorn shop:app'", ("gunicorn", "shop:app")),
        ("gunicorn 'shop:create_app()'", ("gunicorn", "shop:create_app()")),
        ("it's", ("it's",)),
    ],
)
def test_words_of_a_command(command, split):
    assert words(command) == split
