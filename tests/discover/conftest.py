"""What the tests of this folder share."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

NO_SUCH_UID = 54321


@pytest.fixture
def everyones(request):
    """A folder that every user can enter; pytest's own tmp_path is for its user alone."""
    folder = Path(tempfile.mkdtemp(prefix="outrider-test-", dir="/tmp")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def as_root():
    if os.geteuid() != 0:
        pytest.skip("needs to be root, to become another user")


@pytest.fixture
def write(tmp_path):
    """Write files below tmp_path: `write({"a/b.txt": "text"})`."""

    def write(files, root=tmp_path):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write
