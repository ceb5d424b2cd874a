"""What a file of the project says of itself: it is read and parsed, and never imported."""

from __future__ import annotations

import ast
import os
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MODULE = re.compile(r"[\w-]+(\.[\w-]+)*")
SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"

_APP_NAMES = frozenset({"app", "application", "create_app", "make_app"})
_APP_CLASSES = frozenset(
    {"Bottle", "Dash", "FastAPI", "Flask", "Litestar", "ProtocolTypeRouter", "Quart", "Starlette"}
)
_MOST_BYTES = 2**20
_NOTHING = ast.Module([], [])


def text_of(path: Path) -> str:
    """Return the beginning of a text file; empty if it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""


def makes_app(path: Path, *, itself: bool = False) -> bool | None:
    """Say by its syntax tree whether importing a file could give an app; None: it does not parse.

    With `itself`, the file has to make the app: one that it imports or has made does not count.
    """
    tree = _parsed(path)
    if tree is None:
        return None
    statements = list(_at_import(tree.body))
    if any(_defines_app(statement) for statement in statements):
        return True
    # What `*` brings is not known; in a wsgi.py it is the app.
    wanted = _APP_NAMES | {"*"} if path.name == "wsgi.py" else _APP_NAMES
    return not itself and any(_bound(statement) & wanted for statement in statements)


def settings_module(path: Path) -> str | None:
    """Return the settings that a manage.py, wsgi.py or asgi.py sets unless others are set.

    https://docs.djangoproject.com/en/stable/topics/settings/#envvar-DJANGO_SETTINGS_MODULE
    """
    found: list[str] = []
    for node in ast.walk(_parsed(path) or _NOTHING):
        given: ast.expr | None = None
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setdefault":
            given = node.args[1] if len(node.args) == 2 and _is_variable(node.args[0]) else None
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            given = node.value if _is_variable(node.targets[0].slice) else None
        if given is not None:
            words = [str(one.value) for one in ast.walk(given) if isinstance(one, ast.Constant)]
            found += [word for word in words[-1:] if MODULE.fullmatch(word)]
    return next((one for one in found if "test" not in one), found[0] if found else None)


def has_pyramid_main(path: Path) -> bool:
    """Say whether it defines Pyramid's factory, `main(global_config, **settings)`."""
    for statement in (_parsed(path) or _NOTHING).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "main":
            given = [one.arg for one in statement.args.args]
            if len(given) == 1 and given[0].startswith("global_conf") and statement.args.kwarg:
                return True
    return False


def is_imported_from(path: Path, folder: Path) -> bool:
    """Say whether a file imports its neighbours in a folder as parts of a package of that name."""
    depth = len(path.relative_to(folder).parts)
    for node in ast.walk(_parsed(path) or _NOTHING):
        if isinstance(node, ast.ImportFrom):
            first, _, rest = (node.module or "").partition(".")
            if node.level >= depth:
                return True
            names = [rest.partition(".")[0]] if rest else [one.name for one in node.names]
            if node.level == 0 and first == folder.name and _holds(folder, names):
                return True
        elif isinstance(node, ast.Import):
            parts = [one.name.split(".") for one in node.names]
            if any(one[0] == folder.name and _holds(folder, one[1:2]) for one in parts):
                return True
    return False


def _parsed(path: Path) -> ast.Module | None:
    """Return the syntax tree of a file, an empty one if it cannot be read; None: no Python."""
    try:
        with path.open("rb") as file:
            source = file.read(_MOST_BYTES + 1)
    except OSError:
        source = b""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of string escapes, which are the user's own matter
            return ast.parse(source if len(source) <= _MOST_BYTES else b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _at_import(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when the module is imported, those in blocks included."""
    for statement in statements:
        if isinstance(statement, ast.If):
            if not _only_elsewhere(statement.test):
                yield from _at_import(statement.body)
            yield from _at_import(statement.orelse)
        elif isinstance(statement, ast.Try | ast.TryStar):
            yield from _at_import(statement.body)
            for handler in statement.handlers:
                yield from _at_import(handler.body)
            yield from _at_import(statement.orelse + statement.finalbody)
        elif isinstance(statement, ast.With):
            yield from _at_import(statement.body)
        else:
            yield statement


def _only_elsewhere(test: ast.expr) -> bool:
    """Say whether a block runs only as a script or for a type checker."""
    return ast.unparse(test) in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )


def _defines_app(statement: ast.stmt) -> bool:
    """Say whether it defines one of the usual names, or calls `Flask(…)` or `flask.Flask(…)`."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name in _APP_NAMES
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    return getattr(called, "id", getattr(called, "attr", None)) in _APP_CLASSES


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that an import or an assignment binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    nodes = (node for target in targets for node in ast.walk(target))
    # In `app.config["X"] = 1` the name is only read.
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == SETTINGS_VARIABLE


def _holds(folder: Path, names: Iterable[str]) -> bool:
    places = [place for name in names for place in (folder / name, folder / f"{name}.py")]
    return any(os.path.exists(one) for one in places)  # noqa: PTH110 - never raises
