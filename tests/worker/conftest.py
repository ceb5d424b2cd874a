"""What the worker's tests share: one server of each kind for all that leaves it unharmed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.integration.conftest import copy_of  # noqa: F401 - a fixture
from tests.worker import hazards
from tests.worker.rig import THERE, Kind, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.worker.rig import Served

settings.register_profile("long", max_examples=20_000)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a server in one process under `--dist loadgroup`."""
    for item in items:
        if "served" in getattr(item, "fixturenames", []) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.xdist_group(f"worker-{item.callspec.params['kind']}"))


@pytest.fixture(scope="session", params=THERE, ids=[kind.name for kind in THERE])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Return one kind of worker after the other."""
    return request.param


@pytest.fixture(scope="session")
def _shared() -> Iterator[Callable[[Kind], Served]]:
    with contextlib.ExitStack() as stack:
        running: dict[Kind, Served] = {}

        def start(kind: Kind) -> Served:
            if kind not in running:
                running[kind] = stack.enter_context(serving(kind))
            return running[kind]

        yield start


@pytest.fixture
def served(kind: Kind, _shared: Callable[[Kind], Served]) -> Iterator[Served]:
    """Return a running server, whose worker has to survive the test."""
    running = _shared(kind)
    before = [worker.pid for worker in running.workers()]
    yield running
    assert [worker.pid for worker in running.workers()] == before, running.log[-3000:]


@pytest.fixture
def expected(request: pytest.FixtureRequest, kind: Kind) -> str:
    """Return what the row of this test says of this kind of worker.

    A test of a row is called `test_` and the row's name.
    """
    name: str = request.function.__name__
    return hazards.HAZARDS[name.removeprefix("test_")].outcome(kind)
