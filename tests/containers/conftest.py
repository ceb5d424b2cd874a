"""What the container tests share: one engine, and Compose projects that are always removed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import compose as real
from tests.containers.engine import Engine, running_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.containers.compose import Compose

HERE = Path(__file__).parent
# A cold run makes several stand-ins for official images within one test.
_PATIENCE_S = 1200

_up: list[Compose] = []
"""The projects that tests of this process have not removed yet."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a module's tests, which share projects, in one process under `--dist loadgroup`."""
    for item in items:
        if item.path.is_relative_to(HERE) and "engine" in getattr(item, "fixturenames", []):
            item.add_marker(pytest.mark.docker)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(_PATIENCE_S))
            item.add_marker(pytest.mark.xdist_group(f"docker-{item.path.stem}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the containers have said."""
    report = yield
    if report.failed and item.path.is_relative_to(HERE):
        for project in _up:
            with contextlib.suppress(pytest.fail.Exception):
                report.sections.append((f"containers of {project.project}", project("ps", "--all")))
                said = project("logs", "--no-color", "--timestamps", "--tail", "60")
                report.sections.append((f"logs of {project.project}", said))
    return report


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Return the engine that runs here, or else one of the tests' own."""
    with running_engine() as running:
        yield running


@pytest.fixture(scope="module")
def compose(engine: Engine) -> Iterator[Callable[..., Compose]]:
    """Return a function that makes a Compose project of a folder, until the module's tests end."""
    program = real.program()
    with contextlib.ExitStack() as stack:

        def project(folder: Path, **env: Any) -> Compose:
            made = real.Compose(
                engine, program, folder, {name: str(value) for name, value in env.items()}
            )
            stack.callback(_up.remove, made)
            stack.callback(made.away)
            _up.append(made)
            return made

        yield project
