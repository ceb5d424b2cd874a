"""The house of docs/explanation/design.md: who may import whom, and who may touch what.

The syntax trees of src/outrider are read; nothing is imported. Two tables say what is allowed:
`FLOORS` for imports and `OWNERS` for everything that reaches outside. Samples at the end prove that
each row fires.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent / "src" / "outrider"

# -- the tables ----------------------------------------------------------------------------------

# Top to bottom. A room imports from the floors below its own. A package is one room.
FLOORS = (
    {"__main__"},
    {"cli", "console"},
    {"serve", "containers", "control", "deploy", "bench", "monitor"},
    {"dashboard", "discover", "observe", "process", "files", "sockets", "tls"},
    {"render", "checks", "lifecycle", "logline", "envfile", "metrics"},
    {"plan"},
    {"stack"},
    {"site"},
    {"facts", "settings", "values", "errors", "servers", "packages", "databases", "handwritten"},
    {"app", "probe"},
    {"__init__"},
)
ROOMS = set().union(*FLOORS)
RUNS, TOUCHES = FLOORS[2], FLOORS[3]

# Imports on one floor that are allowed all the same: (who, whom).
NEIGHBOURS = {
    ("cli", "console"),
    ("serve", "control"),  # listens while the site runs
    ("discover", "files"),  # a scratch directory for `nginx -t`
    ("discover", "process"),
    ("facts", "errors"),
    ("settings", "errors"),
    ("settings", "values"),
    ("settings", "servers"),
    ("serve", "monitor"),
}
# The same, but only under `if TYPE_CHECKING`.
NEIGHBOURS_FOR_TYPES = {("errors", "settings"), ("errors", "servers")}
# Rooms with a door of their own: whom -> who.
ONLY_FROM = {"console": {"cli"}}

# These run in the user's process, on the user's Python: nothing of Outrider, the standard library
# and Gunicorn only, in the syntax of Python 3.8. Importing either imports outrider/__init__.py.
GUESTS = {"app", "probe", "__init__"}
# Its modules know one another as siblings; there, the package has another name.
GUEST_FAMILIES = {"app", "probe"}
GUEST_PYTHON = (3, 8)
GUEST_IMPORTS = sys.stdlib_module_names | {"gunicorn"}


@dataclass(frozen=True)
class Owner:
    """What only some rooms may use.

    `uses` holds patterns for what `uses_in` yields: `os.kill`, `.mkdir()`, `open to write`.
    """

    what: str
    rooms: frozenset[str]
    uses: tuple[str, ...]
    instead: str


OWNERS = (
    Owner(
        "processes",
        frozenset({"process"}),
        (
            "subprocess",
            "asyncio.subprocess",
            "asyncio.create_subprocess_*",
            ".subprocess_exec()",
            ".subprocess_shell()",
            "multiprocessing",
            "os.fork*",
            "os.exec*",
            "os.spawn*",
            "os.posix_spawn*",
            "os.system",
            "os.popen",
        ),
        "processes live in process.py",
    ),
    Owner(
        "signals",
        frozenset({"process", "serve", "app"}),
        ("signal", ".add_signal_handler()", "os.kill", "os.killpg"),
        "signals live in process.py and serve.py",
    ),
    Owner(
        "writing",
        frozenset({"files", "app"}),  # app: a temporary file of a request, a socket of its own
        (
            "open to write",
            ".write_text()",
            ".write_bytes()",
            ".mkdir()",
            ".rmdir()",
            ".unlink()",
            ".touch()",
            ".rename()",
            ".replace() of a path",
            ".symlink_to()",
            ".hardlink_to()",
            *(f"os.{name}" for name in ("replace", "rename*", "remove*", "unlink", "rmdir", "mk*")),
            *(f"os.{name}" for name in ("makedirs", "symlink", "link", "truncate", "utime")),
            *(f"shutil.{name}" for name in ("rmtree", "move", "copy*", "make_archive")),
            *(f"tempfile.{name}" for name in ("mk*", "*Temporary*")),
        ),
        "files.py writes",
    ),
    Owner(
        "permissions",
        frozenset({"files", "sockets"}),
        ("os.chmod", "os.chown", "os.lchown", "shutil.chown", ".chmod()"),
        "files.py owns files, and sockets.py the sockets it binds",
    ),
    Owner(
        "reading",
        frozenset(RUNS | TOUCHES | GUESTS - {"__init__"}),
        (
            "open to read",
            ".read_text()",
            ".read_bytes()",
            ".iterdir()",
            ".glob()",
            ".rglob()",
            ".exists()",
            ".is_file()",
            ".is_dir()",
            ".is_symlink()",
            ".stat()",
            ".lstat()",
            *(f"os.{name}" for name in ("listdir", "scandir", "walk", "stat", "lstat", "access")),
            *(f"os.path.{name}" for name in ("*exists", "isfile", "isdir", "islink", "ismount")),
            *(f"os.path.{name}" for name in ("realpath", "get?time", "getsize", "samefile")),
            *(f"glob.{name}" for name in ("glob", "iglob")),
            "shutil.which",
            "shutil.disk_usage",
        ),
        "what is outside is observed by discover and observe, and arrives as facts",
    ),
    Owner(
        "printing",
        frozenset({"console", "app", "probe"}),
        ("print", "click.echo*", "click.secho", "sys.stdout", "sys.stderr", "sys.__std*__"),
        "console.py prints",
    ),
    Owner(
        "the environment",
        frozenset({"cli", "app", "probe"}),
        ("os.environ*", "os.getenv*", "os.putenv", "os.unsetenv"),
        "take env as an argument",
    ),
    Owner(
        "the clock",
        frozenset({"serve", "deploy", "bench", "monitor", "process", "app", "probe"}),
        ("time.time*", "time.monotonic*", *(f"datetime.*.{name}" for name in ("*now", "today"))),
        "take `now` as an argument",
    ),
)


# -- reading a module ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    line: int
    name: str  # dotted and absolute: `outrider.site`, `os`
    is_for_types: bool
    is_of_sibling: bool = False  # `from . import plan`


def imports_in(tree: ast.Module, module: str) -> Iterator[tuple[Import, str]]:
    """Yield each imported name and what it is called here; `module` is dotted, `outrider.plan`."""
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import os.path` binds `os`; `import os.path as p` binds `p` to os.path.
                bound = alias.asname or alias.name.partition(".")[0]
                yield Import(node.lineno, alias.name, node in for_types), bound
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                source = ".".join([*module.split(".")[: -node.level], *filter(None, [source])])
            for alias in node.names:
                name = f"{source}.{alias.name}"
                imported = Import(node.lineno, name, node in for_types, node.level == 1)
                yield imported, alias.asname or alias.name


def bindings_in(tree: ast.Module, module: str) -> dict[str, str]:
    """Map each imported name to what it stands for: {"sp": "subprocess", "kill": "os.kill"}."""
    return {
        bound: bound if imported.name.startswith(f"{bound}.") else imported.name
        for imported, bound in imports_in(tree, module)
    }


def dotted(node: ast.AST, bindings: dict[str, str]) -> str | None:
    """Resolve `sp.run` to `subprocess.run`; None unless it starts at an import or a builtin."""
    if isinstance(node, ast.Name):
        return bindings.get(node.id, node.id if node.id in {"open", "print"} else None)
    if isinstance(node, ast.Attribute):
        start = dotted(node.value, bindings)
        return start and f"{start}.{node.attr}"
    return None


def package_data_in(tree: ast.Module, bindings: dict[str, str]) -> set[str]:
    """Find names assigned from importlib.resources.files(): the program itself, not outside."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_package_data(node.value, bindings, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def is_package_data(node: ast.AST, bindings: dict[str, str], known: set[str]) -> bool:
    return any(
        dotted(inner, bindings) == "importlib.resources.files"
        or (isinstance(inner, ast.Name) and inner.id in known)
        for inner in ast.walk(node)
    )


def opening(call: ast.Call, position: int) -> str:
    """Say what a call of open or Path.open is for; a mode that is not written out may be any."""
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    modes += call.args[position : position + 1]
    if not modes:
        return "open to read"
    mode = modes[0].value if isinstance(modes[0], ast.Constant) else "w"
    return "open to write" if set("wax+") & set(str(mode)) else "open to read"


def uses_in(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    """Yield the line and a word for everything that the table of owners could name."""
    for imported, _ in imports_in(tree, module):
        yield imported.line, imported.name
    bindings = bindings_in(tree, module)
    package_data = package_data_in(tree, bindings)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = dotted(node, bindings)
            if name and name != "open":
                yield node.lineno, name
        elif isinstance(node, ast.Call):
            word = call_word(node, bindings, package_data)
            if word:
                yield node.lineno, word


def call_word(call: ast.Call, bindings: dict[str, str], package_data: set[str]) -> str | None:
    name = dotted(call.func, bindings)
    if name in {"open", "io.open", "gzip.open"}:
        return opening(call, 1)
    if name == "os.open":
        flags = ast.unparse(call)
        is_to_write = any(flag in flags for flag in ("WRONLY", "RDWR", "CREAT", "TRUNC"))
        return "open to write" if is_to_write else "open to read"
    # The functions of imported modules are judged by their own names; files.unlink is ours.
    if not isinstance(call.func, ast.Attribute) or (name and not name.startswith("pathlib.")):
        return None
    if is_package_data(call.func.value, bindings, package_data):
        return None
    method = call.func.attr
    if method == "open":
        return opening(call, 0)
    if method == "replace":
        # str.replace takes two arguments, Path.replace takes one.
        is_of_path = len(call.args) == 1 and not call.keywords
        return ".replace() of a path" if is_of_path else None
    return f".{method}()"


# -- judging it ----------------------------------------------------------------------------------


def module_name(path: str) -> str:
    """Turn `render/nginx.py` into `outrider.render.nginx`."""
    return ".".join(["outrider", *Path(path).with_suffix("").parts])


def room_of(module: str) -> str:
    """Name the room of `outrider.render.nginx`: `render`; what is no room is in `__init__`."""
    room = module.split(".")[1] if "." in module else "__init__"
    return room if room in ROOMS else "__init__"


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def may_import(who: str, whom: str, imported: Import) -> bool:
    if who in GUESTS:
        return who == whom and who in GUEST_FAMILIES and imported.is_of_sibling
    if who == whom:
        return True
    if who not in ONLY_FROM.get(whom, {who}):
        return False
    if (who, whom) in NEIGHBOURS or (imported.is_for_types and (who, whom) in NEIGHBOURS_FOR_TYPES):
        return True
    return floor_of(whom) > floor_of(who)


def import_faults(path: str, tree: ast.Module) -> Iterator[str]:
    module = module_name(path)
    who = path.partition("/")[0].removesuffix(".py")
    if who not in ROOMS:
        yield f"{path}: unknown room {who!r}: add it to FLOORS in tests/test_architecture.py"
        return
    for imported, _ in imports_in(tree, module):
        where = f"{path}:{imported.line}"
        if imported.name.partition(".")[0] == "outrider":
            whom = room_of(imported.name)
            if not may_import(who, whom, imported):
                yield f"{where}: {who} may not import {whom}: imports point down the floors only"
        elif who in GUESTS and imported.name.partition(".")[0] not in GUEST_IMPORTS:
            yield f"{where}: {who} imports {imported.name}: standard library and Gunicorn only"


def owner_faults(path: str, tree: ast.Module) -> Iterator[str]:
    who = path.partition("/")[0].removesuffix(".py")
    uses = sorted(uses_in(tree, module_name(path)))
    for owner in OWNERS:
        if who in owner.rooms:
            continue
        # `signal.SIGTERM` is found as `signal` too; the longest word of a line says most.
        words = {line: word for line, word in uses if any(matches(word, use) for use in owner.uses)}
        for line, word in words.items():
            yield f"{path}:{line}: {word}: {owner.instead}"


def matches(word: str, pattern: str) -> bool:
    """`os.environ` covers `os.environ.get` too."""
    return fnmatchcase(word, pattern) or fnmatchcase(word, f"{pattern}.*")


def syntax_faults(path: str, source: str) -> Iterator[str]:
    if path.partition("/")[0].removesuffix(".py") in GUESTS:
        try:
            ast.parse(source, feature_version=GUEST_PYTHON)
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: not in the syntax of Python 3.8: {error.msg}"


def faults(path: str, source: str) -> list[str]:
    """Everything wrong with one module; `path` is relative to the package."""
    tree = ast.parse(source)
    return [*import_faults(path, tree), *owner_faults(path, tree), *syntax_faults(path, source)]


# -- the tests -----------------------------------------------------------------------------------

MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def test_the_package_is_found():
    assert "__init__.py" in MODULES


@pytest.mark.parametrize("path", MODULES)
def test_house(path):
    found = faults(path, (PACKAGE / path).read_text(encoding="utf-8"))

    assert not found, "\n".join(["", *found])


def test_each_room_stands_on_one_floor():
    assert sum(len(rooms) for rooms in FLOORS) == len(ROOMS)


BAD_IMPORTS = [
    ("plan.py", "from outrider import serve", "plan may not import serve"),
    ("plan.py", "import outrider.render.nginx", "plan may not import render"),
    ("plan.py", "from .process import run", "plan may not import process"),
    ("render/nginx.py", "from .. import files", "render may not import files"),
    ("render/nginx.py", "from ..checks import check", "render may not import checks"),
    ("files.py", "def f():\n    from outrider.process import run", "files may not import process"),
    ("serve.py", "import outrider.console", "serve may not import console"),
    ("__main__.py", "from outrider import console", "__main__ may not import console"),
    (
        "errors/settings.py",
        "from outrider.settings import Setting",
        "errors may not import settings",
    ),
    ("facts.py", "from outrider.settings import Setting", "facts may not import settings"),
    ("__init__.py", "from outrider.cli import main", "__init__ may not import cli"),
    ("app/worker.py", "from outrider import __version__", "app may not import __init__"),
    ("app/worker.py", "from outrider.app import shim", "app may not import app"),
    ("app/worker.py", "import httptools", "app imports httptools"),
    ("probe/media.py", "import flask.app", "probe imports flask.app"),
    ("probe/media.py", "from outrider.probe import flask", "probe may not import probe"),
    ("probe/media.py", "from ..probe import flask", "probe may not import probe"),
    ("probe/media.py", "from .. import errors", "probe may not import errors"),
    ("probe/media.py", "match x:\n    case 1: pass", "not in the syntax of Python 3.8"),
    ("utils.py", "", "unknown room 'utils'"),
    (
        "errors/settings.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from outrider import cli",
        "errors may not import cli",
    ),
]

GOOD_IMPORTS = [
    ("__main__.py", "from outrider.cli import main"),
    ("cli.py", "from outrider import __version__, console, serve\nimport outrider.errors"),
    ("discover.py", "from outrider import process"),
    ("render/nginx.py", "from . import quoting\nfrom ..site import Site\nimport jinja2"),
    ("plan.py", "from outrider.facts import App\nfrom outrider.site import Site"),
    ("settings.py", "from outrider import errors"),
    (
        "errors/settings.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from outrider.settings import Setting",
    ),
    ("app/worker.py", "import ssl\nfrom gunicorn.workers.gthread import ThreadWorker"),
    ("probe/media.py", "from . import flask\nfrom .failure import Failure"),
]

# For each row of OWNERS: what must be found anywhere else.
BAD_USES = {
    "processes": [
        "import subprocess",
        "from subprocess import run",
        "import os\nos.execvp('a', [])",
        "import os\nstart = os.fork",
        "import asyncio\nasyncio.create_subprocess_exec('a')",
        "def f(loop): loop.subprocess_shell(None, 'a')",
    ],
    "signals": [
        "import signal",
        "import os as o\no.kill(1, 9)",
        "from os import killpg",
        "def f(loop): loop.add_signal_handler(1, f)",
    ],
    "writing": [
        "open('a', 'w')",
        "open('a', mode='rb+')",
        "open('a', mode)",
        "import os\nos.open('a', os.O_CREAT)",
        "def f(path): path.open('x')",
        "def f(path): path.write_text('')",
        "def f(path): (path / 'a').write_bytes(b'')",
        "def f(path): path.mkdir(parents=True)",
        "def f(path): path.unlink()",
        "def f(path): path.replace('b')",
        "from pathlib import Path\nPath('a').touch()",
        "import pathlib\npathlib.Path.rmdir('a')",
        "from os import replace",
        "import os\nos.makedirs('a')",
        "import shutil\nshutil.rmtree('a')",
        "from tempfile import TemporaryDirectory",
    ],
    "permissions": ["import os\nos.chown('a', 1, 1)", "def f(path): path.chmod(0o600)"],
    "reading": [
        "open('a')",
        "open('a', 'rb')",
        "import os\nos.open('a', os.O_RDONLY)",
        "def f(path): path.open()",
        "def f(path): path.read_text()",
        "def f(path): path.is_file()",
        "import os\nos.listdir('a')",
        "import os.path\nos.path.exists('a')",
        "from os import path as p\np.isdir('a')",
    ],
    "printing": [
        "print('a')",
        "on_line = print",
        "import click\nclick.echo('a')",
        "from click import secho",
        "import sys\nsys.stdout.write('a')",
        "from sys import stderr",
    ],
    "the environment": [
        "import os\nos.environ['A']",
        "from os import environ as env",
        "import os\nos.getenv('A')",
    ],
    "the clock": [
        "import time\ntime.time()",
        "from time import monotonic",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime as d\nd.now()",
        "import datetime as dt\ndt.date.today()",
    ],
}

# What looks like one of these and is not.
GOOD_USES = [
    "'a'.replace('b', 'c')",
    "import dataclasses\ndataclasses.replace(a, b=1)",
    "from outrider import files\nfiles.unlink('a')",
    "import os\nos.path.join('a', 'b')",
    "from importlib import resources\nresources.files('outrider').joinpath('a').read_text()",
    "from importlib.resources import files\nHERE = files('outrider')\n(HERE / 'a').read_text()",
    "def f(folder): return folder.exists",
    "import time\ntime.sleep(1)",
    "import click\nclick.option('--a')",
]


@pytest.mark.parametrize(("path", "source", "message"), BAD_IMPORTS)
def test_bad_import_is_found(path, source, message):
    found = faults(path, source)

    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(("path", "source"), GOOD_IMPORTS)
def test_good_import_is_silent(path, source):
    assert faults(path, source) == []


def test_each_owner_has_samples_and_exists():
    assert [owner.what for owner in OWNERS] == [what for what in BAD_USES if BAD_USES[what]]
    assert all(owner.rooms <= ROOMS for owner in OWNERS)


@pytest.mark.parametrize(
    ("owner", "source"),
    [(owner, source) for owner in OWNERS for source in BAD_USES[owner.what]],
    ids=lambda value: value.what if isinstance(value, Owner) else value,
)
def test_use_is_found_everywhere_but_at_its_owner(owner, source):
    tree = ast.parse(source)

    for room in ROOMS:
        found = [fault for fault in owner_faults(f"{room}.py", tree) if owner.instead in fault]
        assert bool(found) == (room not in owner.rooms), room


@pytest.mark.parametrize("source", GOOD_USES)
def test_what_only_looks_alike_is_silent(source):
    assert list(owner_faults("plan.py", ast.parse(source))) == []
