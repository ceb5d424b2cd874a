"""What an uploaded file really is, and the same picture with nothing else in it.

A file is never stored as it came: Pillow decodes it and writes it anew. What was hidden behind
the picture (HTML, script, an archive) and what it tells about the photographer (where, when and
with which camera) is gone:
https://cheatsheetseries.owasp.org/cheatsheets/File_Upload_Cheat_Sheet.html
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps, ImageSequence

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PIXELS = 40_000_000
"""Of all frames together; each takes up to four bytes of memory while it is decoded."""
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp"}
_SAVED_WITH: dict[str, dict[str, Any]] = {
    # The colours of a photograph are not thinned out a second time (subsampling).
    "JPEG": {"quality": 90, "subsampling": 0, "progressive": True, "comment": b""},
    "PNG": {"optimize": True},
    "GIF": {"comment": b""},
    "WEBP": {"quality": 90},
}
_JPEG_MODES = {"L", "RGB"}


class NotAPictureError(Exception):
    """The file is refused; the text is a sentence for whoever sent it."""


@dataclass(frozen=True)
class Picture:
    """A picture as it will be stored."""

    content: bytes
    suffix: str
    width: int
    height: int


def read(content: bytes, name: str) -> Picture:
    """Return the picture that a file holds, written anew.

    Raises:
        NotAPictureError: it holds none, whatever its name and its declared type say.
    """
    with _opened(content, name) as image:
        return _anew(image)


def measure(content: bytes, name: str) -> Picture:
    """Return a picture that was written by this site before, as it is.

    Raises:
        NotAPictureError: it is none.
    """
    with _opened(content, name) as image:
        image.load()
        return Picture(content, SUFFIXES[_format(image)], image.width, image.height)


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Any]:
    """Decode a file; whatever goes wrong while it is open becomes a sentence."""
    if not content:
        raise NotAPictureError(f"“{name}” is empty.")
    try:
        with Image.open(io.BytesIO(content), formats=tuple(SUFFIXES)) as image:
            if image.width * image.height * _frames(image) > MOST_PIXELS:
                raise _too_large(name)
            yield image
    except NotAPictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(name) from None
    except Exception as error:  # decoders fed with anything raise anything
        raise NotAPictureError(_sentence(content, name)) from error


def _format(image: Any) -> str:
    # Phones write a JPEG with a second picture in it and call that MPO.
    return "JPEG" if image.format == "MPO" else image.format


def _frames(image: Any) -> int:
    return 1 if _format(image) == "JPEG" else getattr(image, "n_frames", 1)


def _anew(image: Any) -> Picture:
    form = _format(image)
    options = dict(_SAVED_WITH[form])
    if profile := image.info.get("icc_profile"):
        options["icc_profile"] = profile  # how its colours are meant
    if _frames(image) > 1:
        bare, options = _moving(image, options)
    else:
        bare = _bare(image)
        if form == "JPEG" and bare.mode not in _JPEG_MODES:
            bare = bare.convert("RGB")
            options.pop("icc_profile", None)  # it was that of the former colour space
    stored = io.BytesIO()
    bare.save(stored, form, **options)
    return Picture(stored.getvalue(), SUFFIXES[form], bare.width, bare.height)


def _bare(image: Any) -> Any:
    """Return the picture upright, with only what belongs to its pixels."""
    upright = ImageOps.exif_transpose(image)
    upright.info = {
        key: value for key, value in upright.info.items() if key in {"transparency", "duration"}
    }
    return upright


def _moving(image: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the first frame of an animation, and the options that add the others."""
    loop = image.info.get("loop")
    frames = [_bare(frame) for frame in ImageSequence.Iterator(image)]
    options |= {
        "save_all": True,
        "append_images": frames[1:],
        "duration": [frame.info.get("duration", 100) for frame in frames],
    }
    if loop is not None:
        options["loop"] = loop
    return frames[0], options


def _too_large(name: str) -> NotAPictureError:
    most = MOST_PIXELS // 1_000_000
    return NotAPictureError(f"“{name}” has more than {most} million pixels: make it smaller.")


def _sentence(content: bytes, name: str) -> str:
    start = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        what = "is SVG or HTML, which can carry script, whatever its name says"
    elif start.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF")):
        what = "is damaged: perhaps only a part of it arrived"
    else:
        what = "is not an image that browsers show"
    return f"“{name}” {what}. Choose a JPEG, PNG, GIF or WebP file."
