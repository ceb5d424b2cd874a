"""The user's modules and ours do not meet, though they live in one process."""

from __future__ import annotations

import json

import pytest

from outrider.probe.layers import FRAMEWORKS
from tests.probe.asking import PROBE, probe

SIBLINGS = sorted(path.stem for path in PROBE.parent.glob("*.py") if path.stem[:2] != "__")


@pytest.mark.parametrize("env", [{}, {"PYTHONSAFEPATH": "1"}], ids=["plain", "safe path"])
@pytest.mark.parametrize("is_linked", [False, True], ids=["itself", "through a link"])
def test_modules_with_names_of_ours_are_the_users(tmp_path, is_linked, env):
    program = PROBE
    if is_linked:
        (tmp_path / "outrider").symlink_to(PROBE.parent.parent)
        program = tmp_path / "outrider" / "probe" / "__main__.py"

    finished = probe("names_of_ours", "app", program=program, env=env)

    assert json.loads(finished.report)["app"]["target"] == "app:app"
    mine, ours = finished.output.splitlines()
    # Flask itself is imported, too, and not our flask.py.
    packages = {*FRAMEWORKS, "socketio", "whitenoise"}
    assert {"mine:", *SIBLINGS} - packages <= set(mine.split())
    assert ours.split() == ["Outrider's:", *(f"outrider_probe.{name}" for name in SIBLINGS)]
