"""The app was not found, or not named so that it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence


def nothing_found(project: str) -> OutriderError:
    """No target was named and no file of the project looks like an app."""
    return OutriderError(
        "no-target",
        "no app was found",
        found=[f"{project} has no wsgi.py, app.py, main.py or manage.py with an app in it"],
        fix=["name it:  outrider run module:app", "or change to the project's directory first"],
        exit_code=Exit.TARGET,
    )


def several_candidates(targets: Sequence[str]) -> OutriderError:
    """More than one app was found and none was named."""
    return OutriderError(
        "several-candidates",
        f"{len(targets)} apps were found, and they are different ones",
        found=targets,
        fix=[f"name the one you mean:  outrider run {quoted(t.split('  ')[0])}" for t in targets],
        exit_code=Exit.TARGET,
    )


def bad_target(target: str, why: str) -> OutriderError:
    """A target that is none of the forms that are understood."""
    return OutriderError(
        "bad-target",
        f"{target!r} does not name an app",
        found=[why],
        fix=[
            "use one of:  module:app   module:create_app()   path/to/file.py   path/to/file.py:app"
        ],
        exit_code=Exit.TARGET,
    )


def no_module(module: str, where: str, near: Sequence[str], label: str = "") -> OutriderError:
    """The target's module does not exist."""
    return OutriderError(
        "no-module",
        f"there is no module {module!r}",
        found=[
            f"looked in {where}",
            *([f"there is: {', '.join(near)}"] if near else []),
            *([f"{label} names it"] if label and not label.startswith(module) else []),
        ],
        fix=[
            *([f"did you mean  outrider run {near[0]}  ?"] if near else []),
            "run outrider in the directory that contains the module, or give the path to its file",
        ],
        exit_code=Exit.TARGET,
    )


def no_attribute(module: str, attribute: str, names: Sequence[str]) -> OutriderError:
    """The module exists, but has no such attribute."""
    return OutriderError(
        "no-attribute",
        f"{module!r} has no {attribute!r}",
        found=[
            f"callables in {module}: {', '.join(names)}"
            if names
            else f"{module} defines no callable"
        ],
        fix=[f"outrider run {quoted(f'{module}:{name}')}" for name in names[:3]]
        or [f"define the app in {module}, as  app = Flask(__name__)"],
        exit_code=Exit.TARGET,
    )


def no_app_in_module(module: str, names: Sequence[str]) -> OutriderError:
    """A module was named without an attribute, and nothing in it looks like the app."""
    return OutriderError(
        "no-app-in-module",
        f"{module!r} has no app, application, create_app or make_app",
        found=[
            f"callables in {module}: {', '.join(names)}"
            if names
            else f"{module} defines no callable"
        ],
        fix=[f"outrider run {quoted(f'{module}:{name}')}" for name in names[:3]]
        or ["name the module that defines the app:  outrider run module:app"],
        exit_code=Exit.TARGET,
    )


def bad_dependencies(name: str, why: str) -> OutriderError:
    """A file that says what the project needs cannot be read."""
    return OutriderError(
        "bad-dependencies",
        f"{name} cannot be read",
        found=[why],
        fix=[f"correct {name}, or make it again with the tool that wrote it"],
        exit_code=Exit.FILES,
    )
