"""How each tool installs the dependencies into the virtual environment of an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outrider import __version__
from outrider.site import BuildSecret, BuildStep

if TYPE_CHECKING:
    from outrider.facts import Dependencies, PackageIndex
    from outrider.servers import Server

VENV = "/opt/venv"
PYTHON = f"{VENV}/bin/python"
_PIP_CACHE, _UV_CACHE = "/root/.cache/pip", "/root/.cache/uv"

_UV = "uv>=0.8"
_POETRY = "poetry>=2"
_PIPENV = "pipenv>=2024"


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
    tool = dependencies.tool
    steps = [
        BuildStep(
            why="What is installed stands in one folder, which the image of the app takes over.",
            commands=(("python", "-m", "venv", VENV),),
        ),
        *_STEPS[tool](dependencies),
    ]
    more = []
    if server.package not in dependencies.names:
        floor = server.asgi_floor if interface == "asgi" and server.asgi_floor != "0" else ""
        more.append(
            (f"{server.package}>={floor or server.floor}", f"The dependencies lack {server.title}.")
        )
    if is_single:
        more.append((f"outrider>={__version__}", "It starts the app and Nginx, and watches both."))
    has_uv = tool in ("uv", "pyproject")
    for requirement, why in more:
        command = (
            ("uv", "pip", "install", requirement)
            if has_uv
            else (PYTHON, "-m", "pip", "install", requirement)
        )
        steps.append(
            BuildStep(
                why=why,
                commands=(command,),
                cache=_UV_CACHE if has_uv else _PIP_CACHE,
                secrets=_secrets(dependencies),
            )
        )
    return tuple(steps), (*_VARIABLES[tool], *_COMMON)


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


def _tool(requirement: str) -> BuildStep:
    return BuildStep(
        why="The tool of the lock file; it stays behind in this stage.",
        commands=(("python", "-m", "pip", "install", requirement),),
        cache=_PIP_CACHE,
    )


def _with_pip(dependencies: Dependencies) -> list[BuildStep]:
    return [
        BuildStep(
            why="They are installed again only when these files change."
            if not dependencies.local
            else "They include code of the project.",
            commands=((PYTHON, "-m", "pip", "install", "--requirement", dependencies.files[0]),),
            cache=_PIP_CACHE,
            secrets=_secrets(dependencies),
        )
    ]


def _with_uv(dependencies: Dependencies) -> list[BuildStep]:
    return [
        _tool(_UV),
        BuildStep(
            why="Exactly what the lock file says; one that is out of date is refused.",
            # The project runs from its folder, and is not installed itself.
            commands=(("uv", "sync", "--locked", "--no-default-groups", "--no-install-project"),),
            cache=_UV_CACHE,
            secrets=_secrets(dependencies),
        ),
    ]


def _with_pyproject(dependencies: Dependencies) -> list[BuildStep]:
    return [
        # pip itself cannot install what a project needs without the project.
        _tool(_UV),
        BuildStep(
            why="The dependencies of pyproject.toml, without the project itself.",
            commands=(("uv", "pip", "install", "--requirement", "pyproject.toml"),),
            cache=_UV_CACHE,
            secrets=_secrets(dependencies),
        ),
    ]


def _with_poetry(dependencies: Dependencies) -> list[BuildStep]:
    return [
        _tool(_POETRY),
        BuildStep(
            why="Exactly what the lock file says; one that is out of date is refused."
            if dependencies.is_locked
            else "There is no lock file: the newest versions that are allowed.",
            commands=(("poetry", "install", "--only", "main", "--no-root"),),
            cache="/root/.cache/pypoetry",
            secrets=_secrets(dependencies),
        ),
    ]


def _with_pipenv(dependencies: Dependencies) -> list[BuildStep]:
    how = "--deploy" if dependencies.is_locked else "--skip-lock"
    return [
        _tool(_PIPENV),
        BuildStep(
            why="Exactly what the lock file says; one that is out of date is refused."
            if dependencies.is_locked
            else "There is no lock file: the newest versions that are allowed.",
            commands=(("pipenv", "install", how),),
            cache="/root/.cache/pipenv",
            secrets=_secrets(dependencies),
        ),
    ]


_STEPS = {
    "pip": _with_pip,
    "uv": _with_uv,
    "pyproject": _with_pyproject,
    "poetry": _with_poetry,
    "pipenv": _with_pipenv,
}

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
