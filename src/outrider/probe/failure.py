"""What stands in the answer when there is no app, and the user's part of a traceback."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import NamedTuple

HERE = str(Path(__file__).parent)


class Failure(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A candidate that gives no app: what to answer as `error`."""

    def __init__(self, kind: str, **fields: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.fields = fields


class Told(NamedTuple):
    """An exception in words.

    Attributes:
        line: the exception itself, `ValueError: …`.
        traceback: all of it, as Python prints it.
        has_frames: whether any of the user's code, or of a library, was running.
    """

    line: str
    traceback: str
    has_frames: bool


def describe(exc: BaseException) -> Told:
    """Tell of an exception as Python does, without the frames between ours and the user's."""
    told = traceback.TracebackException(type(exc), exc, exc.__traceback__)
    _trim(told)
    lines = traceback.format_exception_only(type(exc), exc)
    line = lines[-1 if isinstance(exc, SyntaxError) else 0].strip().partition("\n")[0]
    return Told(line, "".join(told.format()), bool(told.stack))


def _trim(told: traceback.TracebackException) -> None:
    told.stack[:] = [frame for frame in told.stack if not is_machinery(frame.filename)]
    group = getattr(told, "exceptions", None) or ()  # of an ExceptionGroup, from Python 3.11
    for other in (told.__cause__, told.__context__, *group):
        if other is not None:
            _trim(other)


def is_machinery(file: str) -> bool:
    """Tell whether code is only how we reach the user's: ours, Python's import or Gunicorn's."""
    ours = (f"{HERE}/", "<frozen importlib", importlib.import_module.__code__.co_filename)
    return file.startswith(ours) or file.endswith(("gunicorn/util.py", "/shim/target.py"))
