"""Environments of their own for apps, made once and shared by all tests that want the same."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Kept between runs, as pytest keeps its own cache: making them takes a network and a minute.
# `make clean` removes it.
CACHE = ROOT / ".pytest_cache" / "environments"
SYSTEM_PYTHON = "/usr/bin/python3"
_PATIENCE_S = 600
"""Whoever waits for an environment has pytest's own limit, which is longer."""


def made_with(
    *requirements: str,
    has_pip: bool = False,
    base: str = sys.executable,
    cache: Path = CACHE,
) -> Path:
    """Return the Python of an environment that holds these requirements and nothing else.

    The first test that asks for it makes it; pytest's other workers wait for that.

    Args:
        requirements: as pip takes them.
        has_pip: pip itself is in it as well.
        base: the interpreter that it is made from.
        cache: where environments are kept.
    """
    version = subprocess.run([base, "--version"], capture_output=True, text=True, check=True)
    key = repr((version.stdout, os.path.realpath(base), has_pip, sorted(requirements)))
    place = cache / hashlib.sha256(key.encode()).hexdigest()[:12]
    cache.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = place / "made"
        if not made.exists():
            shutil.rmtree(place, ignore_errors=True)
            _make(place, requirements, base, has_pip=has_pip)
            made.write_text(key)
    return place / "bin" / "python"


@functools.cache
def with_every_framework() -> Path:
    """Return the Python of an environment with every framework and every application server.

    Versions are named, so that a release of theirs is taken when somebody has looked at it.
    """
    return made_with(
        "a2wsgi==1.10.10",
        "aiohttp==3.14.5",
        "bottle==0.13.4",
        "channels==4.3.2",
        "cherrypy==18.10.0",
        "dash==4.4.1",
        "django==5.2.19",
        "falcon==4.4.0",
        "fastapi==0.165.0",
        "flask==3.1.3",
        "flask-socketio==5.7.0",
        "jinja2==3.1.6",
        "litestar==2.25.0",
        "pyramid==2.1",
        "pyramid-jinja2==2.10.1",
        "quart==0.22.0",
        "setuptools<82",  # Pyramid imports its pkg_resources
        "starlette==1.10.0",
        "whitenoise==6.12.0",
        # The newest servers, as most people have them.
        *("gunicorn", "granian", "pyuwsgi", "uvicorn", "uvicorn-worker", "waitress", "websockets"),
    )


def running_from(source: Path) -> list[str]:
    """Return the words behind a Python that run Outrider, which need not be in its environment."""
    words = f"import sys; sys.path.insert(0, {str(source)!r})", "from outrider.cli import main"
    return ["-I", "-c", "; ".join([*words, "main()"])]


@contextlib.contextmanager
def outrider_for_everybody() -> Iterator[list[str]]:
    """Yield the words that run Outrider, from where every user can read it and its interpreter.

    The interpreter has Flask and Gunicorn as well.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    if not Path(SYSTEM_PYTHON).exists():
        pytest.skip(f"there is no {SYSTEM_PYTHON}, an interpreter that everybody can read")
    where = Path(tempfile.mkdtemp(prefix="otr-", dir="/tmp"))
    try:
        where.chmod(0o755)
        python = made_with("click", "jinja2", "gunicorn", "flask", base=SYSTEM_PYTHON, cache=where)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "outrider", where / "outrider", ignore=ignored)
        yield [str(python), *running_from(where)]
    finally:
        shutil.rmtree(where)


def _make(place: Path, requirements: tuple[str, ...], base: str, *, has_pip: bool) -> None:
    _run([base, "-m", "venv", *([] if has_pip else ["--without-pip"]), str(place)])
    if requirements:
        pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python")]
        _run([*pip, "--quiet", "--disable-pip-version-check", "install", *requirements])


def _run(argv: list[str]) -> None:
    # Without the tests' poison, some of which means something to a build.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if done.returncode == 0:
        return
    said = f"{' '.join(argv)} failed:\n{done.stdout[-3000:]}"
    if "CI" not in os.environ and "NewConnectionError" in said:
        pytest.skip("the package index is not reached, so that no environment can be made")
    pytest.fail(said)
