"""Files that tests upload."""

import io

from PIL import Image


def file(form="PNG", size=(4, 3), mode="RGB", **options) -> bytes:
    """Return a picture as a camera or a program would have written it."""
    stored = io.BytesIO()
    Image.new(mode, size, options.pop("color", 0)).save(stored, form, **options)
    return stored.getvalue()


def opened(content: bytes):
    return Image.open(io.BytesIO(content))
