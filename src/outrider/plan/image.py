"""What the image of a site is made of: which Python, which system packages, how it is installed."""

from __future__ import annotations

import os.path
import re
from typing import TYPE_CHECKING

from outrider import __version__, errors
from outrider.packages import ALPINE, COMPILER, GIT, NEEDS, SLIM
from outrider.plan.install import VENV, install
from outrider.plan.ledger import Ledger
from outrider.settings import Settings
from outrider.stack import Image, SystemPackages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outrider.facts import App, Dependencies, Facts, NodeBuild
    from outrider.servers import Server

Minor = tuple[int, int]

PROJECT = "/srv/app"
"""Where the project is in the image."""
STATIC_ROOT = "/srv/static"
"""Where Django collects to in the image when the settings name no STATIC_ROOT."""
PYTHONS: tuple[Minor, ...] = ((3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
"""Which still get security fixes: https://devguide.python.org/versions/"""
OLD_PYTHONS: tuple[Minor, ...] = ((3, 8), (3, 9), (3, 10))
"""Which have an official image that gets none any more; Outrider's part in the app runs on them."""
SINGLE_FLOOR: Minor = (3, 11)
"""Outrider's own."""
CPUS, MEMORY_BYTES = 2, 2**30
"""What a container may use when nobody says it: enough for a small site."""


def decide_image(
    facts: Facts,
    dependencies: Dependencies | None,
    server: Server,
    *,
    variant: str = SLIM,
    is_single: bool = False,
    node: Sequence[NodeBuild] = (),
    folders: Sequence[tuple[str, str, str]] = (),
    media: Sequence[str] = (),
    ignored_by_git: frozenset[str] = frozenset(),
    env_file: str | None = None,
    cpus: int = CPUS,
    memory_bytes: int = MEMORY_BYTES,
) -> Image:
    """Decide what the image of an app is made of.

    Args:
        facts: as observed here.
        dependencies: what the project needs; None: nothing says it.
        server: what runs the app.
        variant: `slim` or `alpine`.
        is_single: the app and Nginx are to be in one container.
        node: the builds that make a folder of the site.
        folders: those that settings name beside the app's own: URL, absolute path, who names it.
        media: folders of uploads that settings name, absolute.
        ignored_by_git: which of the folders Git ignores, absolute.
        env_file: the environment file, absolute.
        cpus: what the container may use.
        memory_bytes: the same.

    Raises:
        OutriderError: there is no such image, or something that it needs cannot be in it.
    """
    here = facts.project.directory
    if dependencies is None:
        raise errors.no_dependencies(here, facts.interpreter.path, _has(facts, server))
    for index in dependencies.indexes:
        if index.password_in:
            raise errors.password_in_file(index.password_in, index.host)
    ledger = Ledger(Settings())
    python = _python(facts, dependencies, ledger, is_single=is_single)
    asked = _folders(facts.app, folders)
    _refuse_folders_outside(asked, facts, python)
    steps, variables = install(dependencies, server, facts.app.interface, is_single=is_single)
    run, build = _system_packages(dependencies, variant, is_single=is_single)
    made, why_made = _made_at_import(asked, node, facts, ignored_by_git)
    _note_installation(dependencies, server, facts, ledger)
    _note_packages((*run, *build), variant, ledger)
    _note_builds(node, made, why_made, ledger)
    media = [*media, *(one.directory for one in facts.app.media)]
    ignored = _ignored(facts, media, env_file)
    if ignored:
        why = "data, secrets and environments of this machine; .dockerignore has the whole list"
        ledger.note("left out of the image", ", ".join(ignored), "the project", why)
    volumes = [place(path, here, python) or path for path in media]
    return Image(
        python=python,
        variant=variant,
        cpus=cpus,
        memory_bytes=memory_bytes,
        tool=dependencies.tool,
        files=dependencies.files,
        needs_code=bool(dependencies.local),
        run_packages=run,
        build_packages=build,
        variables=variables,
        steps=steps,
        node=tuple(node),
        imports_app=bool(made),
        volumes=tuple(dict.fromkeys(volumes)),
        ignored=ignored,
        env_file=os.path.relpath(env_file, here) if env_file else "",
        is_single=is_single,
        decisions=tuple(ledger.decisions),
    )


def place(path: str, project: str, python: Minor) -> str | None:
    """Return where a path of this machine is in the image, None when it is not in it.

    Args:
        path: absolute.
        project: the project's directory, absolute.
        python: of the image.
    """
    packages = re.search(r"/lib/python3\.\d+/(?:site|dist)-packages(/.*|)$", path)
    if packages is not None:
        return f"{VENV}/lib/python{_dotted(python)}/site-packages{packages[1]}"
    if path == project or path.startswith(project.rstrip("/") + "/"):
        return PROJECT + path.removeprefix(project.rstrip("/"))
    return None


# -- what is in it ---------------------------------------------------------------------------------


def _has(facts: Facts, server: Server) -> str:
    version = facts.interpreter.version_of(server.name)
    return f"{facts.app.framework}, {server.title} {version}" if version else facts.app.framework


def _folders(app: App, asked: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    urls = {url for url, _, _ in asked}
    own = [
        (one.url, one.directory, one.source)
        for one in app.static
        if one.directory and one.url not in urls and one.guard is None
    ]
    return [*asked, *own]


def _refuse_folders_outside(
    asked: Sequence[tuple[str, str, str]], facts: Facts, python: Minor
) -> None:
    collected = facts.app.collect.static_root if facts.app.collect else None
    for url, directory, source in asked:
        seen = facts.directories.get(directory)
        if directory == collected or (seen is not None and not seen.exists):
            continue
        if place(directory, facts.project.directory, python) is None:
            raise errors.folder_outside_image(url, directory, source, facts.project.directory)


def _system_packages(
    dependencies: Dependencies, variant: str, *, is_single: bool
) -> tuple[tuple[SystemPackages, ...], tuple[SystemPackages, ...]]:
    """Return what is needed to run, and what only to build."""
    names = dependencies.names | dependencies.extras
    needs = [need for need in NEEDS if need.applies(names)]
    run = [
        SystemPackages(names=found, why=need.why, source=need.source)
        for need in needs
        if (found := need.run_packages(variant))
    ]
    build = [
        SystemPackages(names=found, why=need.why, source=need.source)
        for need in needs
        if (found := need.build_packages(variant))
    ]
    if dependencies.is_from_git:
        build.append(SystemPackages(names=(GIT,), why="a dependency comes from a Git repository"))
    if is_single:
        run.append(SystemPackages(names=("nginx",), why="Nginx runs in front, in this container"))
    return tuple(run), tuple(build)


def _made_at_import(
    asked: Sequence[tuple[str, str, str]],
    node: Sequence[NodeBuild],
    facts: Facts,
    ignored_by_git: frozenset[str],
) -> tuple[str, str]:
    """Return a static folder that the app makes when it is imported, and why it seems so."""
    here, app = facts.project.directory, facts.app
    outputs = [os.path.join(here, one.output) for one in node]  # noqa: PTH118 - pure
    collected = app.collect.static_root if app.collect else None
    for _, directory, _ in asked:
        is_built = any(_is_within(directory, one) or _is_within(one, directory) for one in outputs)
        if directory == collected or is_built or place(directory, here, (3, 0)) is None:
            continue
        if any(_is_within(directory, one) for one in _instances(facts)):
            # https://flask.palletsprojects.com/en/stable/config/#instance-folders
            return directory, "it is in Flask's instance folder"
        if directory in ignored_by_git:
            return directory, "Git ignores it"
    return "", ""


def _instances(facts: Facts) -> list[str]:
    roots = dict.fromkeys((facts.project.directory, facts.app.import_root))
    return [f"{root.rstrip('/')}/instance" for root in roots]


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _ignored(facts: Facts, media: Sequence[str], env_file: str | None) -> tuple[str, ...]:
    """Return what must not be in the image: data and secrets, and what is made in the build."""
    here = facts.project.directory
    paths = [*media]
    if facts.app.framework.startswith(("Flask", "Quart")):
        paths += _instances(facts)
    paths += [env_file] if env_file else []
    # Its own environment, which is for this machine.
    paths += [os.path.dirname(os.path.dirname(facts.interpreter.path))]  # noqa: PTH120 - pure
    inner = [path for path in paths if path != here and _is_within(path, here)]
    names = {path.removeprefix(here.rstrip("/") + "/") for path in inner}
    return tuple(sorted(names - {".venv", "venv"}))  # which are kept out wherever they are


# -- what is said of it ----------------------------------------------------------------------------


def _note_installation(
    dependencies: Dependencies, server: Server, facts: Facts, ledger: Ledger
) -> None:
    is_list = dependencies.tool in ("pip", "pyproject")
    first = dependencies.files[0 if is_list else -1]
    ledger.note(
        "dependencies",
        f"{first}, by {'uv' if dependencies.tool == 'pyproject' else dependencies.tool}",
        "the project",
        "with hashes" if dependencies.has_hashes else "",
    )
    if not dependencies.is_locked:
        some = ", ".join(dependencies.loose[:3]) + (", ..." if len(dependencies.loose) > 3 else "")
        ledger.note(
            "unpinned",
            some,
            dependencies.files[0],
            "the next build may install other versions; "
            + _how_to_pin(dependencies, facts.interpreter.path),
            warn=True,
        )
    if dependencies.local:
        ledger.note(
            "cached dependencies",
            "no",
            dependencies.files[0],
            f"{dependencies.local[0]} is code of the project, "
            "so that any change of the code installs all of them again",
        )
    if server.package not in dependencies.names:
        ledger.note(
            "server",
            f"{server.title} is added",
            "the image",
            f"the dependencies lack {server.package}; written there it has your version",
        )
    for index in dependencies.indexes:
        ledger.note(
            "package index",
            index.host,
            dependencies.files[0],
            "the build is given the password as a secret; "
            "the first lines of the Dockerfile say how",
        )


def _how_to_pin(dependencies: Dependencies, python: str) -> str:
    if dependencies.tool == "pip":
        return (
            f"type  {python} -m pip freeze --exclude-editable > constraints.txt  and add the line  "
            f"-c constraints.txt  to {dependencies.files[0]}"
        )
    return {
        "pyproject": "type  pip install uv  and  uv lock",
        "poetry": "type  poetry lock",
        "pipenv": "type  pipenv lock",
    }[dependencies.tool]


def _note_packages(packages: Iterable[SystemPackages], variant: str, ledger: Ledger) -> None:
    said: dict[str, list[str]] = {}
    for one in packages:
        said.setdefault(one.why, []).extend(n for n in one.names if n not in COMPILER[variant])
    for why, names in said.items():
        ledger.note(
            "system packages",
            " ".join(dict.fromkeys(names)) or "a compiler",
            "the dependencies",
            why,
        )
    if variant == ALPINE:
        ledger.note(
            "base",
            ALPINE,
            "the setting",
            "a package without a wheel for musl is compiled, or is not to be had; "
            "slim has the most wheels",
        )


def _note_builds(node: Sequence[NodeBuild], made: str, why_made: str, ledger: Ledger) -> None:
    for one in node:
        manifest = os.path.join(one.directory, "package.json")  # noqa: PTH118 - pure
        ledger.note(
            "Node build",
            one.output,
            one.output_source,
            f"{one.tool} run build of {manifest} makes it, in the build"
            + ("" if one.lock else "; there is no lock file, so that builds may differ"),
            warn=not one.lock,
        )
    if made:
        ledger.note(
            "import in the build",
            "once",
            "the project",
            f"the app makes {made} when it is imported ({why_made})",
        )


# -- which Python ----------------------------------------------------------------------------------


def _python(facts: Facts, dependencies: Dependencies, ledger: Ledger, *, is_single: bool) -> Minor:
    version = facts.interpreter.version
    running = (version[0], version[1])
    asked, source = dependencies.python, dependencies.python_source
    python, why = choose_python(asked, source, running)
    if is_single and python < SINGLE_FLOOR:
        able = [minor for minor in PYTHONS if minor >= SINGLE_FLOOR]
        raise errors.no_python_image(
            asked or _dotted(running),
            f"{source or 'the interpreter'} (and Outrider {__version__})",
            [_dotted(minor) for minor in able],
        )
    is_old = python in OLD_PYTHONS
    if is_old:
        why += "; it gets no security fixes any more"
    ledger.note(
        "python image",
        _dotted(python),
        "the project" if asked else "the interpreter",
        why,
        warn=is_old,
    )
    return python


def choose_python(asked: str, source: str, running: Minor) -> tuple[Minor, str]:
    """Return the Python of the image, and why.

    Args:
        asked: what the project asks for: `3.12`, `3.12.4`, `>=3.10,<4`, `^3.11`; empty: any.
        source: where it says so.
        running: the one that runs the app here, which is taken where the project leaves a choice.

    Raises:
        OutriderError: no image has what it asks for.
    """
    if not asked:
        if running in PYTHONS:
            return running, "the one that runs it here"
        return _nearest(running, PYTHONS), f"{_dotted(running)}, which runs it here, is not kept up"
    able = [minor for minor in PYTHONS if allows(asked, minor)]
    able = able or [minor for minor in OLD_PYTHONS if allows(asked, minor)]
    if not able:
        images = [_dotted(minor) for minor in (*OLD_PYTHONS, *PYTHONS)]
        raise errors.no_python_image(asked, source, images)
    if running in able:
        return running, f"{source} allows {asked}; the one that runs it here"
    return _nearest(running, able), f"{source} asks for {asked}"


def _nearest(running: Minor, able: Iterable[Minor]) -> Minor:
    return min(able, key=lambda minor: (abs(minor[1] - running[1]), -minor[1]))


def _dotted(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"


def allows(asked: str, minor: Minor) -> bool:
    """Tell whether some release of a minor version is one that is asked for.

    https://packaging.python.org/en/latest/specifications/version-specifiers/,
    and the `^` and `~` of Poetry.
    """
    return any(
        all(
            any(_holds(clause, (*minor, patch)) for patch in (0, 99))
            for clause in re.split(r",|\s+(?=[<>=!~^])", either)
            if clause.strip() not in ("", "*")
        )
        for either in asked.split("||")
    )


def _holds(clause: str, release: tuple[int, int, int]) -> bool:
    match = re.fullmatch(r"\s*(~=|===?|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+)*)(\.\*)?.*", clause)
    if match is None:
        return False
    sign, numbers = match[1] or "==", tuple(map(int, match[2].split(".")))
    same = release[: len(numbers)] == numbers[:3]
    if sign in ("==", "==="):
        # An exact patch release is met by the image of its minor version.
        return release[:2] == numbers[:2] if len(numbers) > 1 else same
    if sign == "!=":
        return not same if match[3] or len(numbers) < 3 else True
    if sign in ("~=", "^", "~"):
        kept = 1 if sign == "^" or (sign == "~=" and len(numbers) == 2) else 2
        kept = min(kept, len(numbers))
        return release >= _padded(numbers) and release[:kept] == numbers[:kept]
    return {
        "<": release < _padded(numbers),
        "<=": release <= _padded(numbers) or same,
        ">": release > _padded(numbers) and not same,
        ">=": release >= _padded(numbers),
    }[sign]


def _padded(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0)[:3]
