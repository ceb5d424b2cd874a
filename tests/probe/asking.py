"""Run the probe as `discover` does, on the apps in tests/apps: one folder is one situation."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from outrider import discover, process
from outrider.discover.candidates import candidates as found

APPS = Path(__file__).parent.parent / "apps"
PROBE = Path(discover.probe_path())

# Nothing of the environment that the tests were started in, but what measures coverage.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name == "PATH" or name[:8] == "COVERAGE"
}


def probe(
    folder,
    *candidates,
    program=PROBE,
    python=sys.executable,
    env=None,
    timeout_s=60,
    is_found=False,
    server="gunicorn",
):
    """Run the probe on `module` or `module:attribute` of a folder; return what `run` returns.

    With `is_found`, on the candidates that are found there.
    """
    root = APPS / folder
    if is_found:
        asked = [asdict(one) for one in found(None, str(root), env or {})]
    else:
        asked = [candidate(root, one) for one in candidates]
    request = {"cwd": str(root), "server": server, "candidates": asked}
    return process.run(
        [str(python), str(program), json.dumps(request)],
        env={**ENVIRONMENT, **(env or {})},
        cwd=str(root),
        timeout_s=timeout_s,
        report=True,
    )


def candidate(root, target):
    place, _, attribute = target.partition(":")
    folder, _, module = place.rpartition("/")
    return {
        "module": module,
        "attribute": attribute or None,
        "import_root": str(root / folder),
        "label": f"{place}.py",
    }


def app_of(folder, *candidates, env=None, **how):
    finished = probe(folder, *(candidates or ["app"]), env=env, **how)
    answer = json.loads(finished.report)
    assert finished.code == 0
    assert "error" not in answer, answer["error"]
    return answer["app"]


def error_of(folder, *candidates, env=None, **how):
    finished = probe(folder, *(candidates or ["app"]), env=env, **how)
    assert finished.code == 0
    return json.loads(finished.report)["error"]
