"""Applications that nobody here wrote, unchanged from the package index, each in its environment.

Versions are named, so that a release of theirs is taken when somebody has looked at it.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.integration.environments import made_with
from tests.integration.running import PATIENCE_S, environment, multipart, served_by, serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

STATIC_LINKS = re.compile(r'(?:src|href)="(/[^"]+\.(?:css|js|png|svg|ico))"')


def package(where: Path, name: str, version: str) -> Path:
    """Make the smallest wheel that pip installs: https://packaging.python.org/specifications/binary-distribution-format/."""
    wheel = where / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        archive.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def test_pypiserver_takes_a_package_and_gives_it_to_pip(short_dir, free_port):
    python = made_with("pypiserver==2.4.2", "gunicorn")
    packages = short_dir / "packages"
    packages.mkdir()
    wheel = package(short_dir, "carriage", "1.0")
    target = f'pypiserver:app(root="{packages}", password_file=".", authenticate=[])'
    words = (target, "--python", str(python), "--workers", "1")
    with serving(*words, cwd=short_dir, port=free_port) as site:
        assert "Welcome to pypiserver" in site.get("/").text

        fields = {":action": "file_upload", "name": "carriage"}
        body, kind = multipart(fields, "content", wheel.name, wheel.read_bytes())
        uploaded = site.get("/", method="POST", body=body, headers={"Content-Type": kind})
        assert uploaded.status == 200, uploaded.text
        assert (packages / wheel.name).read_bytes() == wheel.read_bytes()

        assert f'href="/packages/{wheel.name}' in site.get("/simple/carriage/").text
        assert site.get(f"/packages/{wheel.name}").body == wheel.read_bytes()
        assert served_by(site, f"/packages/{wheel.name}") == "app"  # it has no static files

        got = pip_download(python, f"http://127.0.0.1:{free_port}/simple/", short_dir / "got")
        assert [path.name for path in got] == [wheel.name]
        assert site.stop() == 0


def pip_download(python: Path, index: str, where: Path) -> list[Path]:
    """Let pip fetch the package from an index, as its users do."""
    pip = ["-m", "pip", "--isolated", "download", "--quiet", "--disable-pip-version-check"]
    words = ["--no-deps", "--no-cache-dir", "--index-url", index, "--dest", str(where), "carriage"]
    env = {name: value for name, value in environment().items() if not name.startswith("PIP_")}
    env["PIP_CONFIG_FILE"] = "/dev/null"
    done = subprocess.run(
        [sys.executable, *pip, *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(where.iterdir())


def test_radicale_keeps_a_calendar(short_dir, free_port):
    python = made_with("radicale==3.9.0", "gunicorn")
    config = short_dir / "config"
    config.write_text(f"[auth]\ntype = none\n[storage]\nfilesystem_folder = {short_dir}/store\n")
    words = ("radicale:application", "--python", str(python), "--workers", "2")
    env = environment(RADICALE_CONFIG=str(config))
    with serving(*words, cwd=short_dir, port=free_port, env=env) as site:
        ann = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
        assert site.get("/ann/diary/", method="MKCALENDAR", headers=ann).status == 201
        event = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n"
            "DTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nSUMMARY:Change horses\r\n"
            "END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        kind = {"Content-Type": "text/calendar"}
        put = site.get("/ann/diary/1.ics", method="PUT", headers=ann | kind, body=event.encode())
        assert put.status == 201, put.text
        assert "SUMMARY:Change horses" in site.get("/ann/diary/1.ics", headers=ann).text

        listed = site.get("/ann/diary/", method="PROPFIND", headers={**ann, "Depth": "1"})
        assert listed.status == 207
        assert "<href>/ann/diary/1.ics</href>" in listed.text

        # Its own pages are files of the package that it serves itself, as nothing tells of them.
        first = site.get("/")
        assert (first.status, first.headers["Location"]) == (302, "/.web")
        assert "Radicale" in site.get("/.web/").text
        assert site.get("/.web/css/main.css").status == 200
        assert served_by(site, "/.web/css/main.css") == "app"
        assert site.stop() == 0


def test_radicales_own_pages_are_served_by_nginx_when_they_are_named(short_dir, free_port):
    python = made_with("radicale==3.9.0", "gunicorn")
    [pages] = python.parent.parent.glob("lib/python3*/site-packages/radicale/web/internal_data")
    words = ("radicale:application", "--python", str(python), "--workers", "1")
    with serving(*words, "--static", f"/.web/={pages}", cwd=short_dir, port=free_port) as site:
        assert "Radicale" in site.get("/.web/").text
        assert served_by(site, "/.web/") == "nginx"
        style = site.get("/.web/css/main.css")
        assert style.body == (pages / "css" / "main.css").read_bytes()
        assert served_by(site, "/.web/css/main.css") == "nginx"
        # The dot in the URL is the site's own wish; no other is.
        assert site.get("/.web/.git/config").status == 404
        assert site.stop() == 0


def test_moin_shows_a_page_with_the_static_files_of_its_app_by_nginx(short_dir, free_port):
    python = made_with("moin==2.0.0b5", "gunicorn")
    wiki = short_dir / "wiki"
    wiki.mkdir()
    for command in ("create-instance", "index-create", "welcome"):
        moin(python, wiki, command)
    words = ("moin.app:create_app()", "--python", str(python), "--workers", "1")
    with serving(*words, cwd=wiki, port=free_port) as site:
        site.wait_for(r"Nginx +serves /static/ from .*/site-packages/moin/static")
        assert site.get("/").headers["Location"] == "/Home"
        home = site.get("/Home")
        assert home.status == 200
        assert "MoinMoin" in home.text

        links = dict.fromkeys(STATIC_LINKS.findall(home.text))
        by = {}
        for link in links:
            assert site.get(link).status == 200, link
            by[link] = served_by(site, link)
        ours = {link for link in links if link.startswith("/static/")}
        assert len(ours) >= 5
        assert {by[link] for link in ours} == {"nginx"}
        # Views of its own find these: a theme's folder, and those of packages of fonts and styles.
        rest = {link.split("/")[1] for link in links if by[link] == "app"}
        assert rest == {"+serve", "+template", "_themes"}
        assert site.stop() == 0


def moin(python: Path, wiki: Path, command: str) -> None:
    """Prepare a wiki, as its documentation says."""
    done = subprocess.run(
        [python.parent / "moin", command],
        cwd=wiki,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
