"""Which folders of the site a build with Node makes, as package.json and its tools' files say."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outrider.discover.project_files import table
from outrider.facts import NodeBuild

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOCKS = (
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
)
_DEPTH = 3
_SKIPPED = {"node_modules", "__pycache__", "venv", "site-packages"}
_IN_SCRIPT = re.compile(
    r"(?i:--out-?dir|--output-path|--dist-dir|--outfile|--output|-o)[= ]+[\"']?([\w./@-]+)"
)
_IN_CONFIG = (
    # https://vite.dev/config/build-options.html#build-outdir
    re.compile(r"outDir\s*:\s*[\"']([^\"']+)[\"']"),
    re.compile(r"outDir\s*:\s*(?:path\.)?(?:resolve|join)\(\s*__dirname\s*,\s*([^)]*)\)"),
    # https://webpack.js.org/configuration/output/#outputpath
    re.compile(r"path\s*:\s*(?:path\.)?(?:resolve|join)\(\s*__dirname\s*,\s*([^)]*)\)"),
    re.compile(r"outputPath\s*[\"']?\s*:\s*[\"']([^\"']+)[\"']"),
)
_CONFIGS = re.compile(
    r"(vite|webpack|rollup|vue|astro|svelte|rsbuild|esbuild)(\.\w+)?\.(config\.)?(js|ts|mjs|cjs|mts)|angular\.json"
)
_USUAL = ("dist", "build", "out")
"""Of Vite, Parcel and Vue; of Create React App; of Next."""


def look_at_node(directory: str, folders: Sequence[str]) -> tuple[NodeBuild, ...]:
    """Return the builds that make folders of the site.

    Args:
        directory: the project's, absolute.
        folders: those that the site serves, absolute.
    """
    project = Path(directory)
    builds = []
    for place in _places(project, _DEPTH):
        package = _package(place)
        if not isinstance(table(package, "scripts").get("build"), str):
            continue
        for output, source in _outputs(place, str(table(package, "scripts")["build"])):
            path = os.path.normpath(place / output)
            if any(_is_within(path, one) or _is_within(one, path) for one in folders) and (
                _is_within(path, directory) and path != os.path.normpath(directory)
            ):
                builds.append(_build(project, place, package, path, source))
                break
    return tuple(builds)


def _places(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "package.json").is_file():
        yield folder
    if depth == 0:
        return
    try:
        inner = sorted(folder.iterdir())
    except OSError:
        return
    for one in inner:
        if one.name not in _SKIPPED and not one.name.startswith(".") and one.is_dir():
            yield from _places(one, depth - 1)


def _package(place: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((place / "package.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _outputs(place: Path, script: str) -> Iterator[tuple[str, str]]:
    """Yield where the build may put its files, relative to package.json, the likeliest first."""
    for found in _IN_SCRIPT.findall(script):
        # A single file lies in the folder that is meant.
        yield (str(Path(found).parent) if Path(found).suffix else found), "package.json"
    for config in sorted(place.iterdir()):
        if _CONFIGS.fullmatch(config.name) and config.is_file():
            text = re.sub(r"^\s*//.*", "", config.read_text(encoding="utf-8", errors="replace"))
            for pattern in _IN_CONFIG:
                for found in pattern.findall(text):
                    parts = re.findall(r"[\"']([^\"']+)[\"']", found) or [found]
                    yield "/".join(parts), config.name
    for usual in _USUAL:
        yield usual, "package.json"


def _build(
    project: Path, place: Path, package: Mapping[str, Any], output: str, source: str
) -> NodeBuild:
    lock, tool = next(((name, tool) for name, tool in _LOCKS if (place / name).is_file()), ("", ""))
    manager = str(package.get("packageManager", "")).partition("+")[0]
    named = manager.partition("@")[0]
    tool = tool or (named if named in ("npm", "pnpm", "yarn") else "npm")
    # `>=18` is met by any newer one too, and an old one gets no fixes.
    engine = re.match(r"[v^~=]{0,2}(\d+)", str(table(package, "engines").get("node", "")))
    inner = place.relative_to(project).as_posix()
    return NodeBuild(
        directory="" if inner == "." else inner,
        output=Path(output).relative_to(os.path.normpath(project)).as_posix(),
        output_source=source if inner == "." else f"{inner}/{source}",
        tool=tool,
        lock=lock,
        manager=manager if named == tool and "@" in manager else "",
        engine=engine[1] if engine else "",
    )


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
