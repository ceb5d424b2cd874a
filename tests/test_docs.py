"""Docs that cannot fall behind: what the program has, its pages have."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from outrider.settings import SETTINGS

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_what_is_written_from_the_code_is_up_to_date():
    pages = [str(page) for page in PAGES if "[[[cog" in page.read_text()]
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "--diff", *pages],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"run `make docs`\n{done.stdout}{done.stderr}"


def test_every_setting_is_documented():
    page = (ROOT / "docs/reference/settings.md").read_text()
    for row in SETTINGS:
        assert f"`{row.name}`" in page
        assert row.variable in page


def test_every_error_is_documented():
    modules = sorted(ROOT.glob("src/outrider/errors/*.py"))
    source = "\n".join(path.read_text() for path in modules)
    ids = re.findall(r'return OutriderError\(\s*"([a-z-]+)"', source)
    page = (ROOT / "docs/reference/errors.md").read_text()
    assert len(ids) > 40
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if f"### {i}\n" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_the_readme_opens_with_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert re.search(r"^make run .*\n^make test", readme, re.MULTILINE)
    assert 'pip install "outrider[nginx]"\noutrider run\n' in readme


def test_the_package_depends_on_three_others():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = sorted(re.split(r"[<>=]", d)[0] for d in project["dependencies"])
    assert names == ["click", "gunicorn", "jinja2"]
    assert not [d for d in project["dependencies"] if "<" in d or "==" in d], "floors only"
