"""What the integration tests share: both builds of Nginx, private copies of apps, running sites."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import POISON
from tests.integration.running import APPS, NGINXES, serving
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.running import Running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a site in one process under `--dist loadgroup`."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "serve" in names and isinstance(item, pytest.Function):
            build = item.callspec.params["nginx"] if hasattr(item, "callspec") else ""
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{build}"))


@pytest.fixture(scope="module", params=sorted(NGINXES))
def nginx(request: pytest.FixtureRequest) -> str:
    """Return the path of one build of Nginx after the other."""
    path = NGINXES[request.param]
    if path is None:
        pytest.skip(f"the {request.param} Nginx is not installed")
    return path


@pytest.fixture(scope="module")
def copy_of() -> Iterator[Callable[..., Path]]:
    """Return a function that copies an app of tests/apps to a place that other users may enter."""
    with contextlib.ExitStack() as stack:

        def copy(app: str, name: str = "site") -> Path:
            place = Path(tempfile.mkdtemp(prefix="otr-", dir="/tmp"))
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            place.chmod(0o755)
            shutil.copytree(APPS / app, place / name, ignore=shutil.ignore_patterns("__pycache__"))
            return place / name

        yield copy


@pytest.fixture(scope="module")
def serve(nginx: str) -> Iterator[Callable[..., Running]]:
    """Return a function that serves a folder until the module's tests are over.

    One worker is enough, unless the words say otherwise.
    """
    with contextlib.ExitStack() as stack:

        def start(*words: str, cwd: Path, env: dict[str, str] | None = None) -> Running:
            return stack.enter_context(
                serving(
                    *("--workers", "1", *words),
                    cwd=cwd,
                    port=stack.enter_context(reserved()),
                    nginx=nginx,
                    env={**_poisoned_environment(), **(env or {})},
                )
            )

        yield start


def _poisoned_environment() -> dict[str, str]:
    """Return what the function-scoped fixture of tests/conftest.py makes of the environment."""
    unwanted = ("OUTRIDER_", "FLASK_", "XDG_", "VIRTUAL_ENV", "CONDA_PREFIX")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, **POISON, "NO_COLOR": "1", "PYTHONPATH": ""}
