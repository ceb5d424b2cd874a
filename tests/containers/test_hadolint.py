"""Hadolint runs, and finds what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.containers.hadolint import complaints
from tests.integration.running import APPS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_dockerfile_of_the_engine_tests_is_accepted():
    assert complaints(APPS / "containers_databases" / "Dockerfile") == []


def test_a_command_in_shell_form_and_an_image_without_a_tag_are_found(tmp_path: Path):
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM python\nCMD gunicorn app:app\n")
    found = "\n".join(complaints(dockerfile))
    assert "DL3006" in found
    assert "DL3025" in found
