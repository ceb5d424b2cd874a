"""The pages of the user's own that Nginx shows when the app cannot answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from outrider import errors

if TYPE_CHECKING:
    from outrider.settings import Settings

MOST_BYTES = 256 * 1024


def look_at_error_pages(settings: Settings) -> dict[str, str]:
    """Return what the HTML files of the folder hold, by their names.

    They are read now, since they are needed when something is wrong.

    Raises:
        OutriderError: the folder or a page cannot be read.
    """
    given = settings.get("error_pages")
    if given is None:
        return {}
    folder = Path(given.value)
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".html")
    except OSError as error:
        why = error.strerror or str(error)
        raise errors.error_pages_unreadable(str(folder), given.origin, why) from None
    return {path.name: _read(path, given.origin) for path in paths}


def _read(path: Path, origin: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise errors.bad_error_page(str(path), origin, "it has more than 256 kB")
        return data.decode()
    except UnicodeDecodeError:
        raise errors.bad_error_page(str(path), origin, "it is not UTF-8") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise errors.bad_error_page(str(path), origin, why) from None
