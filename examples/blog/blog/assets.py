"""Static files whose names change with their content.

`static/style.css` is served as `style.<hash>.css`, which a browser may keep for good, and a changed
file has a new address: nobody sees new pages in an old style. The copies are made when the app is
created, so there is no build step to forget; where they exist nothing is written, as in a container
whose files are read-only. Copies of former versions stay for pages that are still open.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Serve the static files from copies in the instance folder, and let url_for name the copies.

    A template that names a file which is not there fails with a KeyError.
    """
    source = Path(app.root_path) / "static"
    target = Path(app.instance_path) / "static"
    names = {
        path.relative_to(source).as_posix(): copied(path, target / path.relative_to(source).parent)
        .relative_to(target)
        .as_posix()
        for path in sorted(source.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    app.static_folder = str(target)

    @app.url_defaults
    def name_the_copy(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = names[values["filename"]]


def copied(path: Path, folder: Path) -> Path:
    """Return the copy of a file under its fingerprinted name; make it if it is missing."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    copy = folder / f"{path.stem}.{digest}{path.suffix}"
    if not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Renamed when complete: several workers start at once, and Nginx may be asked already.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
            file.write(content)
        os.chmod(file.name, 0o644)  # noqa: PTH101 - Nginx may run as another user
        os.replace(file.name, copy)  # noqa: PTH105
    return copy
