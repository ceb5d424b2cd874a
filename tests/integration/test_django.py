"""A Django project as startproject makes it: its admin pages have their style with no setting."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.integration.environments import with_every_framework
from tests.integration.running import APPS, served_by, serving, start

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("frameworks")]

CSS = "/static/admin/css/base.css"


@pytest.fixture
def project(short_dir):
    where = short_dir / "project"
    shutil.copytree(APPS / "framework_django", where, ignore=shutil.ignore_patterns("__pycache__"))
    return where


def files(project):
    found = (path.relative_to(project) for path in project.rglob("*") if path.is_file())
    return {str(one) for one in found if "__pycache__" not in one.parts}


def add(project, *lines):
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write("\n".join(["", *lines, ""]))


def test_the_admin_pages_have_their_style_and_the_project_is_not_touched(project, free_port):
    before = files(project)
    words = ("--python", str(with_every_framework()), "--workers", "1")
    with serving(*words, cwd=project, port=free_port) as site:
        assert re.search(r"collectstatic: \d+ static files copied to", site.output)
        assert site.get(CSS).status == 200
        assert served_by(site, CSS) == "nginx"
        assert b"Log in" in site.get("/admin/login/").body
        assert served_by(site, "/admin/login/") == "app"
        assert site.stop() == 0
    assert files(project) == before


def test_a_static_root_of_the_project_is_filled_once(project, free_port):
    add(project, 'STATIC_ROOT = BASE_DIR / "public"')
    words = ("--python", str(with_every_framework()), "--workers", "1")
    with serving(*words, cwd=project, port=free_port) as site:
        site.wait_for("collectstatic: ")
        assert site.get(CSS).status == 200
        assert site.stop() == 0
    assert (project / "public/admin/css/base.css").is_file()
    with serving(*words, cwd=project, port=free_port) as site:
        assert "collectstatic: " not in site.output
        assert site.get(CSS).status == 200
        assert site.stop() == 0


def test_collecting_fails_with_the_traceback_of_the_project(project, free_port):
    (project / "finders.py").write_text("raise RuntimeError('no finder today')\n")
    add(project, 'STATICFILES_FINDERS = ["finders.Mine"]')
    with start("--python", str(with_every_framework()), cwd=project, port=free_port) as site:
        assert site.wait() == 10
    assert "error: collectstatic failed" in site.output
    assert "RuntimeError: no finder today" in site.output
    assert "/outrider/" not in site.output.partition("found:")[2].partition("it was to")[0]
    assert "--collectstatic never" in site.output


@pytest.mark.parametrize(
    ("line", "what", "fix"),
    [
        (
            'import os; SECRET_KEY = os.environ["SHOP_KEY"]',
            "importing the Django settings 'mysite.settings' raised KeyError: 'SHOP_KEY'",
            "export SHOP_KEY=",
        ),
        (
            "STATIC_ROOT = ROOT / 'static'",
            "importing the Django settings 'mysite.settings' raised NameError",
            "correct the last line of yours",
        ),
    ],
)
def test_settings_that_cannot_be_imported_end_the_start(project, free_port, line, what, fix):
    add(project, line)
    with start("--python", str(with_every_framework()), cwd=project, port=free_port) as site:
        assert site.wait() == 4
    assert what in site.output
    assert f'File "{project}/mysite/settings.py"' in site.output
    assert fix in site.output
