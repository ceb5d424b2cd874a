"""How each tool installs the dependencies into the virtual environment of an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outrider import __version__
from outrider.stack import BuildSecret, BuildStep

if TYPE_CHECKING:
    from outrider.facts import Dependencies, PackageIndex
    from outrider.servers import Server

VENV = "/opt/venv"
PYTHON = f"{VENV}/bin/python"
_PIP_CACHE, _UV_CACHE = "/root/.cache/pip", "/root/.cache/uv"


def install(
    dependencies: Dependencies, server: Server, interface: str, *, is_single: bool
) -> tuple[tuple[BuildStep, ...], tuple[tuple[str, str], ...]]:
    """Return the steps, and what the environment of the build has to be.

    Args:
        dependencies: what the project needs.
        server: what runs the app, which is added where it is missing.
        interface: `wsgi` or `asgi`.
        is_single: Outrider is to run in the image as well.
    """
    tool = _TOOLS.get(dependencies.tool)
    first = BuildStep(
        why="The tool stays behind in this stage; what it installs stands in one folder."
        if tool
        else "What is installed stands in one folder, which the app's image takes over.",
        commands=(
            *([("python", "-m", "pip", "install", tool)] if tool else []),
            ("python", "-m", "venv", VENV),
        ),
        cache=_PIP_CACHE if tool else "",
    )
    wanted = _of_dependencies(dependencies)
    more = _more(dependencies, server, interface, is_single=is_single)
    steps = [wanted, more] if more else [wanted]
    if more and more.cache == wanted.cache:
        steps = [
            BuildStep(
                why=f"{wanted.why} {more.why}",
                commands=(*wanted.commands, *more.commands),
                cache=wanted.cache,
                secrets=wanted.secrets,
            )
        ]
    return (first, *steps), (*_VARIABLES[dependencies.tool], *_COMMON)


def _more(
    dependencies: Dependencies, server: Server, interface: str, *, is_single: bool
) -> BuildStep | None:
    """Return how to install what runs the app, where the dependencies lack it."""
    requirements, why = [], []
    if server.package not in dependencies.names:
        floor = server.floor if interface == "wsgi" else _asgi_floor(server)
        requirements.append(f"{server.package}>={floor}")
        why.append(f"{server.title} is not among them, and is added.")
    if is_single:
        requirements.append(f"outrider>={__version__}")
        why.append("Outrider starts the app and Nginx, and watches both.")
    if not requirements:
        return None
    has_uv = dependencies.tool in ("uv", "pyproject")
    command = ("uv", "pip", "install") if has_uv else (PYTHON, "-m", "pip", "install")
    return BuildStep(
        why=" ".join(why),
        commands=((*command, *requirements),),
        cache=_UV_CACHE if has_uv else _PIP_CACHE,
        secrets=_secrets(dependencies),
    )


def _asgi_floor(server: Server) -> str:
    """Return the oldest version of a server that may run an ASGI app."""
    return server.floor if server.is_safe_for_asgi(server.floor) else server.asgi_floor


_COMMON = (("PIP_DISABLE_PIP_VERSION_CHECK", "1"), ("PIP_ROOT_USER_ACTION", "ignore"))
_OF_UV = (
    ("VIRTUAL_ENV", VENV),
    # https://docs.astral.sh/uv/guides/integration/docker/
    ("UV_COMPILE_BYTECODE", "1"),
    ("UV_LINK_MODE", "copy"),
    ("UV_PROJECT_ENVIRONMENT", VENV),
    ("UV_PYTHON", PYTHON),
    ("UV_PYTHON_DOWNLOADS", "never"),
)
_VARIABLES = {
    "pip": (),
    "uv": _OF_UV,
    "pyproject": _OF_UV,
    # Both install into an environment that is active.
    "poetry": (("VIRTUAL_ENV", VENV), ("POETRY_NO_INTERACTION", "1")),
    "pipenv": (("VIRTUAL_ENV", VENV), ("PIPENV_VERBOSITY", "-1")),
}


_TOOLS = {
    "uv": "uv>=0.8",
    # pip itself cannot install what a project needs without the project.
    "pyproject": "uv>=0.8",
    "poetry": "poetry>=1.8",
    "pipenv": "pipenv>=2023",
}
_LOCKED = "Exactly what the lock file says; one that is out of date is refused."
_LOOSE = "There is no lock file: the newest versions that are allowed."


def _of_dependencies(dependencies: Dependencies) -> BuildStep:
    """Return how they are installed; the project runs from its folder, and is not installed."""
    tool, is_locked = dependencies.tool, dependencies.is_locked
    command, cache, why = {
        "pip": (
            (PYTHON, "-m", "pip", "install", "--requirement", dependencies.files[0]),
            _PIP_CACHE,
            f"The packages of {dependencies.files[0]}.",
        ),
        "uv": (
            ("uv", "sync", "--locked", "--no-default-groups", "--no-install-project"),
            _UV_CACHE,
            _LOCKED,
        ),
        "pyproject": (
            ("uv", "pip", "install", "--requirement", "pyproject.toml"),
            _UV_CACHE,
            "The dependencies of pyproject.toml, without the project itself.",
        ),
        "poetry": (
            ("poetry", "install", "--only", "main", "--no-root"),
            "/root/.cache/pypoetry",
            _LOCKED if is_locked else _LOOSE,
        ),
        "pipenv": (
            ("pipenv", "install", "--deploy" if is_locked else "--skip-lock"),
            "/root/.cache/pipenv",
            _LOCKED if is_locked else _LOOSE,
        ),
    }[tool]
    return BuildStep(why=why, commands=(command,), cache=cache, secrets=_secrets(dependencies))


# -- private indexes -------------------------------------------------------------------------------


def _secrets(dependencies: Dependencies) -> tuple[BuildSecret, ...]:
    """Return what a private index asks for, in the way that the tool takes it."""
    found = [
        secret for index in dependencies.indexes for secret in _of_index(index, dependencies.tool)
    ]
    return tuple(dict.fromkeys(found))


def _of_index(index: PackageIndex, tool: str) -> list[BuildSecret]:
    if index.variables:
        return [_variable(name) for name in index.variables]
    form = {"uv": "UV_INDEX_{}_{}", "poetry": "POETRY_HTTP_BASIC_{}_{}"}.get(tool)
    if form and index.name:
        # https://docs.astral.sh/uv/concepts/indexes/#providing-credentials-directly
        # https://python-poetry.org/docs/repositories/#configuring-credentials
        name = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
        return [_variable(form.format(name, word)) for word in ("USERNAME", "PASSWORD")]
    if tool == "pip":
        return [
            BuildSecret(
                id="pip_conf",
                path="/etc/pip.conf",
                given_as="id=pip_conf,src=$HOME/.config/pip/pip.conf",
            )
        ]
    # All of them read it: https://docs.astral.sh/uv/concepts/authentication/http/#netrc-files
    return [BuildSecret(id="netrc", path="/root/.netrc", given_as="id=netrc,src=$HOME/.netrc")]


def _variable(name: str) -> BuildSecret:
    return BuildSecret(id=name, variable=name, given_as=f"id={name},env={name}")
