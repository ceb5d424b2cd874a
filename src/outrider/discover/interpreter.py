"""Which Python runs the app, and which application servers are in it."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from outrider import errors
from outrider.facts import Interpreter
from outrider.process import run
from outrider.servers import SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outrider.facts import Account

    Found = tuple[str, str] | None

OWN = "the one that runs outrider"
NAMES = ("python", "python3")
"""As the first word of a command, they mean the app's."""
_POETRY_TIMEOUT_S = 30
_ANSWER_TIMEOUT_S = 30

# Any Python must understand it, so that one that is too old can be told so by its version. It
# answers on the descriptor, because .pth files and sitecustomize may print.
_QUESTION = """\
import os, sys
answer = ".".join(str(part) for part in sys.version_info[:3])
for package in sys.argv[1:]:
    try:
        from importlib.metadata import version
        answer += " " + package + "=" + version(package)
    except Exception:
        pass
os.write(int(os.environ["OUTRIDER_REPORT_FD"]), answer.encode("ascii"))
"""


def search_path(python: str, env: Mapping[str, str]) -> str:
    """Return where programs are looked for: beside the app's interpreter first, as if activated."""
    beside = os.path.dirname(python)  # noqa: PTH120 - a link must stay one
    return os.pathsep.join([beside, env.get("PATH") or os.defpath])


def find_interpreter(
    named: str | None,
    project: str,
    env: Mapping[str, str],
    own: str,
    own_prefix: str,
    *,
    is_elsewhere: bool = False,
) -> tuple[str, str]:
    """Return the path and origin of the Python that has the app's packages.

    Links are never followed: a virtual environment's `bin/python` is one, and leads out of it.
    https://docs.python.org/3/library/site.html (pyvenv.cfg beside the executable)

    Args:
        named: what the user named, a program or a virtual environment.
        project: absolute path of the project's directory.
        env: the environment.
        own: the interpreter that runs Outrider (`sys.executable`).
        own_prefix: its environment (`sys.prefix`).
        is_elsewhere: the project is another directory than the one that Outrider was started in, so
            that its own environment is meant before the one that is active there.

    Raises:
        OutriderError: what was named or found has no Python that can be started.
    """
    if named is not None:
        is_directory = os.path.isdir(named)  # noqa: PTH112 - is_dir raises where it may not look
        return _usable(_python_in(named) if is_directory else named, "--python"), "--python"
    places: list[Callable[[], Found]] = [
        lambda: _own_inside(project, own, own_prefix),
        *([lambda: _inside(project)] if is_elsewhere else []),
        lambda: _activated(env, "VIRTUAL_ENV"),
        lambda: _inside(project),
        lambda: _conda(env),
        lambda: _poetry(project, env),
        lambda: _uv(project, env),
    ]
    for place in places:
        found = place()
        if found is not None:
            return _usable(*found), found[1]
    return own, OWN


def look_at_interpreter(
    path: str, origin: str, env: Mapping[str, str], *, account: Account | None = None
) -> Interpreter:
    """Ask a Python for its version and those of the servers, without importing any.

    Args:
        path: the interpreter.
        origin: how it was found.
        env: the environment that the app will have.
        account: as root, whom to ask it as; the environment's own code runs when it starts.

    Raises:
        OutriderError: it cannot be started or gives no answer.
    """
    try:
        # From "/", so that no json.py or os.py of the project is imported instead.
        finished = run(
            [path, "-c", _QUESTION, *(server.package for server in SERVERS.values())],
            env=env,
            cwd="/",
            timeout_s=_ANSWER_TIMEOUT_S,
            account=account,
            report=True,
        )
    except OSError as error:
        why = f"it cannot be started: {error.strerror or error}"
        raise errors.interpreter_unusable(path, origin, why) from None
    answer = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)((?: \S+=\S+)*)", finished.report)
    if answer is None:
        said = finished.output.strip() or "nothing"
        how = "in time" if finished.code is None else f"(exit code {finished.code})"
        why = f"asked for its version it gave no answer {how}; it said: {said[-1000:]}"
        raise errors.interpreter_unusable(path, origin, why)
    version = (int(answer[1]), int(answer[2]), int(answer[3]))
    packages = dict(part.split("=", 1) for part in answer[4].split())
    found = {
        name: packages[server.package]
        for name, server in SERVERS.items()
        if server.package in packages
    }
    gunicorn = found.pop("gunicorn", None)
    return Interpreter(path=path, origin=origin, version=version, gunicorn=gunicorn, servers=found)


def _own_inside(project: str, own: str, own_prefix: str) -> Found:
    inside = Path(own_prefix).resolve().is_relative_to(Path(project).resolve())
    return (own, OWN) if inside and _has(own_prefix, "pyvenv.cfg") else None


def _activated(env: Mapping[str, str], variable: str) -> Found:
    return (_python_in(env[variable]), variable) if env.get(variable) else None


def _inside(project: str) -> Found:
    for name in (".venv", "venv", "env"):
        # A folder without pyvenv.cfg is anything, for instance settings called `env`:
        # https://peps.python.org/pep-0405/
        if _has(os.path.join(project, name), "pyvenv.cfg"):  # noqa: PTH118 - as it was named
            return _python_in(os.path.join(project, name)), name  # noqa: PTH118
    return None


def _conda(env: Mapping[str, str]) -> Found:
    # Conda's base is active in every shell that has Conda, so that it says nothing of the project:
    # https://github.com/jupyter/jupyter_core/pull/324
    if env.get("CONDA_DEFAULT_ENV") in ("base", "root"):
        return None
    return _activated(env, "CONDA_PREFIX")


def _poetry(project: str, env: Mapping[str, str]) -> Found:
    """Ask Poetry, whose environments lie in a cache: https://python-poetry.org/docs/cli/#env-info."""
    if not (_has(project, "poetry.lock") or "poetry" in _tools(project)):
        return None
    poetry = shutil.which("poetry", path=env.get("PATH", ""))
    if poetry is None:
        return None
    argv = [poetry, "env", "info", "--executable", "--no-interaction", "--no-ansi"]
    try:
        finished = run(argv, env=env, cwd=project, timeout_s=_POETRY_TIMEOUT_S)
    except OSError:
        return None
    # Warnings may come before the path. No environment yet is an exit code and no path.
    lines = finished.output.splitlines() if finished.code == 0 else []
    paths = [line.strip() for line in lines if line.strip().startswith("/")]
    return (paths[-1], "poetry env info") if paths else None


def _uv(project: str, env: Mapping[str, str]) -> Found:
    """Return where uv keeps the environment, when that is not `.venv`.

    A relative path is meant from the project: https://github.com/astral-sh/uv/pull/6834
    """
    place = env.get("UV_PROJECT_ENVIRONMENT")
    if not place or not _has(project, "uv.lock"):
        return None
    return _python_in(str(Path(project, place))), "UV_PROJECT_ENVIRONMENT"


def _tools(project: str) -> Mapping[str, object]:
    try:
        with Path(project, "pyproject.toml").open("rb") as file:
            tools = tomllib.load(file).get("tool", {})
    except (OSError, ValueError):
        return {}
    return tools if isinstance(tools, dict) else {}


def _has(directory: str, name: str) -> bool:
    return os.path.isfile(os.path.join(directory, name))  # noqa: PTH113, PTH118 - never raises


def _python_in(environment: str) -> str:
    """Return the environment's program; `python3` only where there is no `python`."""
    programs = [str(Path(environment, "bin", name).absolute()) for name in NAMES]
    return next((one for one in programs if os.path.lexists(one)), programs[0])


def _usable(path: str, origin: str) -> str:
    if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114 - never raise
        target = os.path.realpath(path)
        why = f"it leads to {target}, which does not exist: make the environment again"
    elif not os.path.lexists(path):
        why = "there is no such file"
    elif not os.path.isfile(path):  # noqa: PTH113 - never raises
        why = "it is not a program"
    elif not os.access(path, os.X_OK):
        why = "it may not be executed"
    else:
        return path
    raise errors.interpreter_unusable(path, origin, why)
