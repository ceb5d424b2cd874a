"""What Git says of the project's folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider import process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def ignored_by_git(
    directory: str, folders: Sequence[str], env: Mapping[str, str]
) -> frozenset[str]:
    """Return the folders that Git ignores, so that a fresh copy of the project has none of them.

    https://git-scm.com/docs/git-check-ignore; no Git and no repository ignore nothing.

    Args:
        directory: the project's, absolute.
        folders: absolute.
        env: the environment.
    """
    if not folders:
        return frozenset()
    # A pattern that ends with a slash is about folders, also about one that is not there yet.
    asked = {f"{folder}/": folder for folder in folders}
    try:
        done = process.run(
            ["git", "-c", "core.quotePath=false", "check-ignore", "--no-index", *asked],
            env=env,
            cwd=directory,
            timeout_s=10,
        )
    except OSError:
        return frozenset()
    return frozenset(asked[line] for line in done.output.splitlines() if line in asked)
