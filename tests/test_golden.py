"""Whole files for whole situations, to be read as prose.

Each folder of tests/golden holds `situation.toml` (what differs from an ordinary small shop) and
either everything that is laid out for it, or `error.txt`. `make golden` writes them again.
"""

from __future__ import annotations

import io
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from outrider.console import Console
from outrider.errors import OutriderError
from outrider.facts import Account, Directory, MediaFolder, StaticFolder
from outrider.plan.fleet import plan_fleet
from outrider.render.fleet import lay_out
from outrider.servers import SERVERS
from outrider.settings import TomlSource, resolve_sites
from outrider.site import Fleet
from tests.situations import DEBIAN, WHEEL, facts

GOLDEN = Path(__file__).parent / "golden"
SITUATIONS = sorted(path.parent.name for path in GOLDEN.glob("*/situation.toml"))
LAID_OUT = ("nginx.conf", "outrider_entry.py", *(server.config for server in SERVERS.values()))


def read(folder: Path):
    """Return the facts and settings of a situation, of each of its sites."""
    told = tomllib.loads((folder / "situation.toml").read_text())
    source = TomlSource(name="outrider.toml", directory="/srv/shop", table=told.get("settings", {}))
    observed = [observe(one) for one in told.get("sites", [told])]
    return observed, resolve_sites({}, {}, source, "/srv/shop")


def observe(told):
    app, host = told.get("app", {}), told.get("host", {})
    for key, kind in (("static", StaticFolder), ("media", MediaFolder)):
        if key in app:
            app[key] = tuple(kind(**item) for item in app[key])
    if "trusted_hosts" in app:
        app["trusted_hosts"] = tuple(app["trusted_hosts"])
    if "candidates" in host:
        host["candidates"] = tuple(Account(**item) for item in host["candidates"])
    if "account" in host:
        host["account"] = Account(**host["account"])
    directories = {item["path"]: Directory(**item) for item in told.get("directories", [])}
    return facts(
        app=app,
        host=host,
        project=told.get("project"),
        interpreter=told.get("interpreter"),
        nginx={"debian": DEBIAN, "wheel": WHEEL}[told.get("nginx", "debian")],
        directories=directories,
    )


def laid_out_for(folder: Path) -> dict[str, str]:
    """Return the files of a situation, or the error that refuses it."""
    out = io.StringIO()
    console = Console(out, out, {"NO_COLOR": "1"})
    try:
        fleet = plan_fleet(*read(folder))
        console.plan(fleet)
        artifacts = {a.path: a.content for a in lay_out(fleet)}
    except OutriderError as error:
        console.error(error)
        return {"error.txt": f"{out.getvalue()}exit code {int(error.exit_code)}\n"}
    wanted = [path for path in artifacts if path.rpartition("/")[2] in LAID_OUT]
    # A folder of a situation has no folders of its own.
    files = {path.replace("/", "-"): artifacts[path] for path in wanted}
    return {"plan.txt": out.getvalue()} | files


@pytest.mark.parametrize("situation", SITUATIONS)
def test_golden(situation, request):
    folder = GOLDEN / situation
    laid_out = laid_out_for(folder)
    if request.config.getoption("--update-golden"):
        for path in folder.glob("*"):
            if path.name != "situation.toml":
                path.unlink()
        for name, content in laid_out.items():
            (folder / name).write_text(content)
    assert {p.name for p in folder.iterdir()} == {"situation.toml", *laid_out}
    for name, content in laid_out.items():
        assert content == (folder / name).read_text(), (
            f"run `make golden` and read the diff of {name}"
        )


def test_the_same_site_gives_the_same_bytes():
    for situation in SITUATIONS:
        assert laid_out_for(GOLDEN / situation) == laid_out_for(GOLDEN / situation)


def test_only_the_place_differs_between_two_run_directories():
    [site] = plan_fleet(*read(GOLDEN / "flask-shop")).sites
    elsewhere = replace(site, paths=replace(site.paths, run="/run/elsewhere"))
    fleets = [Fleet(sites=(one,)) for one in (site, elsewhere)]
    for one, two in zip(*map(lay_out, fleets), strict=True):
        strip = [a.content.partition("\n")[2] for a in (one, two)]
        assert strip[0].replace(site.paths.run, "/run/elsewhere") == strip[1]
