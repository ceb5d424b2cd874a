"""The other side of the conversation: what `status`, `reload`, `stop` and the like say and hear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider import errors, files, sockets
from outrider.discover.sites import owner_of
from outrider.errors import Exit, OutriderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedRWPair

PATIENCE_S = 10
"""How long the other side may say nothing; it shows signs of life more often than that."""


def ask(
    run_dir: str,
    command: str,
    hear: Callable[[dict[str, Any]], None] | None = None,
    patience_s: float = PATIENCE_S,
    **fields: Any,
) -> dict[str, Any]:
    """Ask the site of a run directory, and return the result.

    Args:
        run_dir: absolute.
        command: what is asked for: `status`, `reload`, `stop`, `logs`, `maintenance`.
        hear: called with what is told before the result.
        patience_s: after how long a silence is the end of it.
        fields: what belongs to the command.

    Raises:
        OutriderError: it refuses, cannot be asked, or is silent.
    """
    pid = files.pid_of(Path(run_dir))
    try:
        connection = sockets.connect_private(f"{run_dir}/control.sock", patience_s)
    except PermissionError:
        raise errors.site_of_another(run_dir, owner_of(run_dir) or "root") from None
    except TimeoutError:
        raise errors.site_is_silent(run_dir, pid, patience_s) from None
    except OSError:
        raise errors.site_runs_no_more(run_dir, pid) from None
    with connection, connection.makefile("rwb") as stream:
        for said in _conversation(stream, {"do": command, **fields}, run_dir, patience_s):
            if said.get("end"):
                return _result(said)
            if said and hear is not None:
                hear(said)
    raise errors.site_went_away(run_dir)


def _conversation(
    stream: BufferedRWPair, asked: dict[str, Any], run_dir: str, patience_s: float
) -> Iterator[dict[str, Any]]:
    """Say one line, and yield what is answered."""
    try:
        stream.write(json.dumps(asked).encode() + b"\n")
        stream.flush()
    except OSError:
        raise errors.site_went_away(run_dir) from None
    while True:
        try:
            line = stream.readline()
            said = json.loads(line) if line else None
        except TimeoutError:
            pid = files.pid_of(Path(run_dir))
            raise errors.site_is_silent(run_dir, pid, patience_s) from None
        except (OSError, ValueError):
            raise errors.site_went_away(run_dir) from None
        if said is None:
            return
        yield said


def _result(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("ok"):
        result: dict[str, Any] = said["result"]
        return result
    error = said["error"]
    raise OutriderError(
        error["id"],
        error["text"],
        found=error["found"],
        fix=error["fix"],
        exit_code=Exit(error["exit_code"]),
    )
