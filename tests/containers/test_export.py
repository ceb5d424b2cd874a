"""What `outrider export compose` writes is built and started, unchanged, by a real engine."""

from __future__ import annotations

import http.client
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.integration.running import ROOT, outrider
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.containers.compose import Compose

_PATIENCE_S = 60


def exported(folder: Path, port: int, *words: str) -> None:
    """Write the Compose project of a site into its own folder."""
    done = outrider("export", "compose", "--bind", f"127.0.0.1:{port}", *words, cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def blog(compose: Callable[..., Compose], tmp_path_factory) -> Iterator[Compose]:
    folder = tmp_path_factory.mktemp("containers") / "blog"
    shutil.copytree(
        ROOT / "examples" / "blog",
        folder,
        ignore=shutil.ignore_patterns("instance", "tests", "__pycache__", ".*cache"),
    )
    with reserved() as port:
        exported(folder, port)
        project = compose(folder)
        project.up()
        yield project


def test_a_page_comes_through_the_proxy(blog):
    assert "<title>" in ask(blog, "/")


def ask(site: Compose, path: str, method: str = "GET") -> str:
    connection = http.client.HTTPConnection(*site.address("proxy", 8080), timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        return text
    finally:
        connection.close()
