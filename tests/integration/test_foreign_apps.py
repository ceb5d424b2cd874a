"""Applications that nobody here wrote, unchanged from the package index, each in its environment.

Versions are named, so that a release of theirs is taken when somebody has looked at it.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.integration.environments import made_with
from tests.integration.running import (
    EXAMPLE,
    PATIENCE_S,
    Answer,
    Running,
    environment,
    multipart,
    served_by,
    serving,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

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
        prepare(python.parent / "moin", command, cwd=wiki)
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


def prepare(*words: str | Path, cwd: Path, **env: str) -> None:
    """Prepare an app, as its documentation says."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# -- Django ----------------------------------------------------------------------------------------


def test_wagtail_as_it_is_started_has_its_admin_with_style_and_its_pictures(short_dir, free_port):
    """Serve what `wagtail start` makes, with the two values that its production settings want."""
    python = made_with("wagtail==8.0.1", "gunicorn")
    prepare(python.parent / "wagtail", "start", "inn", ".", cwd=short_dir)
    local = 'SECRET_KEY = "not a secret"\nALLOWED_HOSTS = ["127.0.0.1"]\n'
    (short_dir / "inn/settings/local.py").write_text(local)
    settings = {"DJANGO_SETTINGS_MODULE": "inn.settings.production"}
    prepare(python, "manage.py", "migrate", cwd=short_dir, **settings)
    ann = {"DJANGO_SUPERUSER_USERNAME": "ann", "DJANGO_SUPERUSER_PASSWORD": "secret"}
    words = ("createsuperuser", "--noinput", "--email", "ann@example.org")
    prepare(python, "manage.py", *words, cwd=short_dir, **settings, **ann)

    env = environment(VIRTUAL_ENV=str(python.parent.parent), **settings)
    with serving("--workers", "1", cwd=short_dir, port=free_port, env=env) as site:
        site.wait_for(r"Nginx +serves /static/ ")
        assert "Welcome to your new Wagtail site!" in site.get("/").text
        for page in ("/django-admin/login/", "/admin/login/"):
            links = STATIC_LINKS.findall(site.get(page).text)
            assert links, page
            for link in links:
                assert site.get(link).status == 200, link
                assert served_by(site, link) == "nginx"

        browser = Browser(site)
        browser.send("/admin/login/", {"username": "ann", "password": "secret"})
        picture = EXAMPLE / "media" / "harbour.png"
        browser.send("/admin/images/add/", {"title": "Harbour"}, picture)
        [shown] = re.findall(r'src="(/media/[^"]+)"', browser.get("/admin/images/").text)
        assert site.get(shown).body.startswith(b"\x89PNG")
        assert served_by(site, shown) == "nginx"
        assert site.stop() == 0


class Browser:
    """Keeps cookies, and sends forms as Django wants them: with a token and an Origin."""

    def __init__(self, site: Running) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **more) -> Answer:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": f"http://127.0.0.1:{self.site.port}",
            **more.pop("headers", {}),
        }
        answer = self.site.get(path, headers=headers, **more)
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def send(self, path: str, fields: dict[str, str], file: Path | None = None) -> None:
        """Fill in the form of a page; what it leads to then is not looked at."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).text)
        assert token
        fields = {"csrfmiddlewaretoken": token[1], **fields}
        if file is None:
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        else:
            body, kind = multipart(fields, "file", file.name, file.read_bytes())
        answer = self.get(path, method="POST", body=body, headers={"Content-Type": kind})
        assert answer.status == 302, answer.text


# -- ASGI ------------------------------------------------------------------------------------------


def test_simple_repository_server_makes_its_routes_in_its_lifespan(short_dir, free_port):
    """Serve an app of FastAPI's, in which nothing works before its startup has run."""
    python = made_with("simple-repository-server==0.10.0", "gunicorn", "uvicorn-worker")
    packages = short_dir / "packages"
    (packages / "carriage").mkdir(parents=True)
    wheel = package(packages / "carriage", "carriage", "1.0")
    target = f'simple_repository_server.__main__:create_app(["{packages}"])'
    env = environment(VIRTUAL_ENV=str(python.parent.parent))
    with serving(target, cwd=short_dir, port=free_port, env=env) as site:
        assert 'href="carriage/"' in site.get("/simple/").text
        got = pip_download(python, f"http://127.0.0.1:{free_port}/simple/", short_dir / "got")
        assert [path.read_bytes() for path in got] == [wheel.read_bytes()]
        assert site.stop() == 0


def test_datasette_shows_a_table(short_dir, free_port):
    python = made_with("datasette==0.65.5", "gunicorn", "uvicorn-worker")
    with sqlite3.connect(short_dir / "inn.db") as database:
        database.execute("create table horses (id integer primary key, name text)")
        database.executemany("insert into horses (name) values (?)", [("Bess",), ("Dobbin",)])
    # As its documentation has it: https://docs.datasette.io/en/stable/deploying.html
    app = 'from datasette.app import Datasette\n\napp = Datasette(["inn.db"]).app()\n'
    (short_dir / "asgi.py").write_text(app)
    env = environment(VIRTUAL_ENV=str(python.parent.parent))
    with serving(cwd=short_dir, port=free_port, env=env) as site:
        home = site.get("/").text
        links = STATIC_LINKS.findall(home.replace("?", '"'))
        assert links
        assert {site.get(link).status for link in links} == {200}
        rows = site.get("/inn/horses.json?_size=1").json()
        assert rows["rows"] == [[1, "Bess"]]
        assert rows["next_url"].startswith(f"http://127.0.0.1:{free_port}/inn/horses.json?")
        assert site.get("/inn/no-such-table").status == 404
        assert site.stop() == 0


# -- Pyramid ---------------------------------------------------------------------------------------


def test_kinto_runs_from_its_own_ini_file(short_dir, free_port):
    python = made_with("kinto==26.5.0", "setuptools<82", "gunicorn")
    words = ("init", "--ini", "production.ini", "--backend", "memory", "--cache-backend", "memory")
    prepare(python.parent / "kinto", *words, "--host", "127.0.0.1", cwd=short_dir)
    env = environment(VIRTUAL_ENV=str(python.parent.parent))
    # What it keeps in memory is another thing in each worker.
    with serving("--workers", "1", cwd=short_dir, port=free_port, env=env) as site:
        url = f"http://127.0.0.1:{free_port}/v1/"
        assert site.get("/v1/").json()["url"] == url
        assert site.get("/").headers["Location"] == url
        ann = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
        send_json(site, "PUT", "/v1/accounts/ann", {"password": "secret"})
        place = "/v1/buckets/default/collections/horses/records"
        for name in ("Bess", "Dobbin"):
            send_json(site, "POST", place, {"name": name}, ann)
        listed = site.get(place + "?_limit=1", headers=ann)
        assert [horse["name"] for horse in listed.json()["data"]] == ["Dobbin"]
        following = listed.headers["Next-Page"]
        assert following.startswith(url)
        rest = site.get("/v1/" + following.removeprefix(url), headers=ann)
        assert [horse["name"] for horse in rest.json()["data"]] == ["Bess"]
        assert site.stop() == 0


def send_json(
    site: Running, method: str, path: str, data: object, headers: dict[str, str] | None = None
) -> None:
    """Make something of Kinto's."""
    kind = {"Content-Type": "application/json"}
    body = json.dumps({"data": data}).encode()
    answer = site.get(path, method=method, body=body, headers={**(headers or {}), **kind})
    assert answer.status == 201, answer.text
