"""The only file that writes: atomic, never over what it did not write, and tidy when it leaves."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outrider import errors
from outrider.render.artifact import Artifact, digest_of, is_untouched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from outrider.site import Paths, User

_PID_FILE = "outrider.pid"


@dataclass(frozen=True, kw_only=True)
class Written:
    """What becomes of an artifact.

    `new`, `changed` and `same` say what they say. `kept` was edited by hand, while what Outrider
    wrote has not changed since. `edited` was edited as well, and Outrider would write another now.
    """

    path: str
    state: str

    @property
    def is_current(self) -> bool:
        """There is nothing to write."""
        return self.state in ("same", "kept")


def write(directory: Path, artifact: Artifact) -> None:
    """Put a file in place in one step, so that nobody ever reads half of it.

    Raises:
        OSError: the directory cannot be written, or the disk is full.
    """
    target = directory / artifact.path
    directory.mkdir(parents=True, exist_ok=True)
    _make_folders(directory, Path(artifact.path).parent)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(artifact.content)
        temporary.chmod(artifact.mode)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _make_folders(directory: Path, below: Path) -> None:
    """Make folders with permissions like those of the files: whatever the umask, all may read."""
    for folder in reversed([below, *below.parents][:-1]):
        with contextlib.suppress(FileExistsError):
            (directory / folder).mkdir()
            (directory / folder).chmod(0o755)


def changes(directory: str, artifacts: Sequence[Artifact]) -> list[Written]:
    """Return what `export` would do, and do nothing.

    Raises:
        OutriderError: a file is there that Outrider did not write.
    """
    root = Path(directory)
    return [Written(path=str(root / a.path), state=_state(root / a.path, a)) for a in artifacts]


def export(directory: str, artifacts: Sequence[Artifact]) -> list[Written]:
    """Write artifacts for the user to keep; hand-edited or foreign files are left alone.

    All are looked at before the first is written.

    Raises:
        OutriderError: a file is not ours, was edited and would be written differently now, or the
            directory cannot be written.
    """
    states = changes(directory, artifacts)
    edited = [a for a, one in zip(artifacts, states, strict=True) if one.state == "edited"]
    if edited:
        path = str(Path(directory) / edited[0].path)
        raise errors.edited_by_hand(path, diff(directory, edited))
    root = Path(directory)
    try:
        for artifact, written in zip(artifacts, states, strict=True):
            if not written.is_current:
                write(root, artifact)
    except OSError as error:
        raise errors.cannot_write(
            str(error.filename or root),
            error.strerror or str(error),
            "choose another directory:  -o DIR",
        ) from None
    return states


def keep_secrets(directory: str, secrets: Mapping[str, str]) -> Written | None:
    """Write what is missing in `.env` at its end; what is there stays as it is.

    Nobody else may read it afterwards, whoever could before.

    Args:
        directory: where it is.
        secrets: values by their variables; of one that is there already, nothing is written.

    Returns:
        None when nothing is missing.

    Raises:
        OutriderError: it cannot be read or written.
    """
    from outrider.render.compose import env_lines  # noqa: PLC0415 - no site needs it to start

    path = Path(directory) / ".env"
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        there = set(re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", before, re.MULTILINE))
        missing = {name: value for name, value in secrets.items() if name not in there}
        if not missing:
            return None
        gap = "" if not before or before.endswith("\n") else "\n"
        text = f"{before}{gap}{env_lines(missing)}"
        write(Path(directory), Artifact(path=".env", content=text, mode=0o600))
    except (OSError, UnicodeDecodeError) as error:
        raise errors.cannot_write(str(path), str(error)) from None
    return Written(path=str(path), state="changed" if before else "new")


def diff(directory: str, artifacts: Sequence[Artifact]) -> str:
    """Return what `export` would change, as a unified diff."""
    lines: list[str] = []
    for artifact in artifacts:
        path = Path(directory) / artifact.path
        if path.is_file() and _state(path, artifact) == "kept":
            continue
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        lines += difflib.unified_diff(
            old.splitlines(keepends=True),
            artifact.content.splitlines(keepends=True),
            str(path) if old else "/dev/null",
            str(path),
        )
    return "".join(lines)


def _state(path: Path, artifact: Artifact) -> str:
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "new"
    except (OSError, UnicodeDecodeError) as error:
        raise errors.not_ours(str(path), str(error)) from None
    if found == artifact.content:
        return "same"
    was = digest_of(found)
    if was is None:
        raise errors.not_ours(
            str(path), "its first line is not the one by which Outrider knows its own"
        )
    if is_untouched(found):
        return "changed"
    return "kept" if was == digest_of(artifact.content) else "edited"


@contextlib.contextmanager
def scratch(artifacts: Callable[[str], Sequence[Artifact]]) -> Iterator[Path]:
    """Hold a private directory with some files for as long as a trial needs it.

    Args:
        artifacts: returns them, given the directory's path.

    Raises:
        OSError: there is nowhere to write.
    """
    with tempfile.TemporaryDirectory(prefix="outrider-") as name:
        for artifact in artifacts(name):
            write(Path(name), artifact)
        yield Path(name)


def hold_standard_streams() -> None:
    """Open what is closed of standard input, output and error on nothing.

    Its number would otherwise be given to the next file or socket, and a child's own replaces that.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


# -- what Nginx looks for at each request ----------------------------------------------------------


def set_mark(path: str, *, is_there: bool) -> None:
    """Make an empty file whose being there is all that it says, or take it away."""
    mark = Path(path)
    if is_there:
        mark.touch(mode=0o644)
    else:
        mark.unlink(missing_ok=True)


def set_maintenance(paths: Paths, *, is_on: bool, allow: Sequence[str] = ()) -> None:
    """Send visitors away, or let them in again.

    Args:
        paths: of any site of the front.
        is_on: for all sites of the front.
        allow: the addresses that see the site all the same, as Nginx writes them; before the first
            visitor is sent away they are let in.

    Raises:
        OutriderError: nothing can be written.
    """
    admitted = Path(paths.admitted)
    try:
        admitted.mkdir(exist_ok=True)
        admitted.chmod(0o755)  # Nginx may be another user
        for address in allow:
            set_mark(str(admitted / address), is_there=True)
        set_mark(paths.maintenance, is_there=is_on)
        for name in {entry.name for entry in admitted.iterdir()} - {*allow}:
            set_mark(str(admitted / name), is_there=False)
    except OSError as error:
        raise errors.cannot_write(
            str(error.filename or admitted), error.strerror or str(error)
        ) from None


# -- the run directory -----------------------------------------------------------------------------


def discard(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def run_directory(path: str, bind: str, user: User) -> Iterator[Path]:
    """Hold a directory of our own for a running site, and leave nothing of it behind.

    A lock on the directory tells a running site from one that was killed; systemd-tmpfiles spares
    locked directories too. https://www.freedesktop.org/software/systemd/man/latest/tmpfiles.d.html#Age

    Args:
        path: absolute.
        bind: the site's address, for messages.
        user: who must be able to write there.

    Raises:
        OutriderError: another site holds it, it is not ours, or it cannot be written.
    """
    root = Path(path)
    try:
        made_parent = _make_parent(root.parent, user)
        descriptor = _lock(root, bind)
    except FileExistsError:
        raise errors.cannot_write(path, "a file of that name is in the way") from None
    except OSError as error:
        raise errors.cannot_write(
            str(error.filename or path), error.strerror or str(error)
        ) from None
    is_ours = False
    try:
        try:
            _empty(root)
            is_ours = True
            (root / _PID_FILE).write_text(f"{os.getpid()}\n", encoding="ascii")
            root.chmod(0o700)
            if user.is_changed:
                os.chown(root, user.uid, user.gid)
        except OSError as error:
            raise errors.cannot_write(
                str(error.filename or path), error.strerror or str(error)
            ) from None
        yield root
    finally:
        if is_ours:
            shutil.rmtree(root, ignore_errors=True)
        os.close(descriptor)
        if made_parent:
            with contextlib.suppress(OSError):  # another site still lives there
                root.parent.rmdir()


def _make_parent(parent: Path, user: User) -> bool:
    """Make the directory above; where others can write, nobody may have planted it."""
    try:
        parent.mkdir(mode=0o700)
        if user.is_changed:
            # As root the run directory belongs to another user, who must be able to pass.
            parent.chmod(0o711)
    except FileExistsError:
        found = parent.lstat()
        if stat.S_ISLNK(found.st_mode) and parent.name.startswith("outrider-"):
            raise errors.not_ours(
                str(parent), "it is a symbolic link that somebody else may have made"
            ) from None
        if parent.name.startswith("outrider-") and found.st_uid != os.geteuid():
            raise errors.not_ours(str(parent), f"it belongs to user {found.st_uid}") from None
        return parent.name.startswith("outrider-")
    except FileNotFoundError:
        parent.mkdir(parents=True)
    return True


def _lock(root: Path, bind: str) -> int:
    for _ in range(10):
        root.mkdir(exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise errors.already_running(bind, pid_of(root), str(root)) from None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), root.stat()):
                return descriptor
        os.close(descriptor)  # its last owner removed it between our two steps
    raise errors.cannot_write(str(root), "it disappears again and again")


def is_run_directory(root: Path) -> bool:
    """Tell whether a site runs there, or did until it was killed.

    Raises:
        PermissionError: nobody but its owner can tell.
    """
    try:
        (root / _PID_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def wait_until_left(root: Path, pid: int) -> None:
    """Wait until a supervisor that is about to end has removed its run directory.

    It is another's as soon as that one wrote its own process id.
    """
    for _ in range(250):
        if not root.exists() or pid_of(root) not in (None, pid):
            return
        time.sleep(0.02)


def pid_of(root: Path) -> int | None:
    """Return the process id of the supervisor that holds, or held, a run directory."""
    try:
        return int((root / _PID_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _empty(root: Path) -> None:
    """Remove what a killed site left; refuse a directory with anything else in it."""
    entries = list(root.iterdir())
    if entries and not (root / _PID_FILE).exists():
        raise errors.not_ours(str(root), f"it holds {entries[0].name}, which is not Outrider's")
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
