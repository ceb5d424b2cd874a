"""What goes wrong or is odd when a site is exported: bad input, hand edits, secrets."""

from __future__ import annotations

import base64
import contextlib
import http.server
import io
import json
import os
import re
import socket
import subprocess
import tarfile
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.containers import compose as real
from tests.containers.export import exported
from tests.containers.visitor import Visitor
from tests.integration.running import outrider
from tests.ports import reserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.containers.compose import Compose
    from tests.containers.engine import Engine

APP = """\
import os
from importlib import metadata

from flask import Flask, jsonify

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]


@app.route("/")
def home():
    return jsonify(variables=dict(os.environ), money=metadata.version("private-money"))
"""
# Only what stands in single quotes is left alone by Compose; `export` names the others.
MEANT = {
    "PLAIN": "a word",
    "QUOTED": 'say "hello"',
    "DOLLAR": "pa$word ${HOME} $$",
    "HASH": "a#b",
    "BACK": r"C:\new",
    "MARK": "x$1",
}
DOTENV = """\
PLAIN=a word   # and a comment
QUOTED='say "hello"'
DOLLAR='pa$word ${HOME} $$'
HASH=a#b
BACK='C:\\new'
MARK=x$1
"""
ALTERED = 'LOST=pa$word\nJOINED="one\\ntwo"\n'
PASSWORD = "word-of-the-index-7431"


# -- a project with everything odd -----------------------------------------------------------------


@pytest.fixture(scope="module")
def index(engine: Engine) -> Iterator[str]:
    """Return where a private index of packages is, as a build reaches this machine."""
    bridge = json.loads(engine.docker("network", "inspect", "bridge"))
    host = bridge[0]["IPAM"]["Config"][0]["Gateway"]
    try:
        server = http.server.ThreadingHTTPServer((host, 0), _Index)
    except OSError:
        pytest.skip("this machine is not where the engine's builds find their gateway")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with contextlib.closing(server.socket):
        yield f"{host}:{server.server_port}"
        server.shutdown()


class _Index(http.server.BaseHTTPRequestHandler):
    """One package, for who knows the password."""

    def do_GET(self) -> None:
        expected = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        wheel = "private_money-1.0-py3-none-any.whl"
        if self.headers["Authorization"] != f"Basic {expected}":
            self._answer(401, "text/plain", b"who are you")
        elif self.path == "/simple/private-money/":
            self._answer(200, "text/html", f'<a href="{wheel}">{wheel}</a>'.encode())
        elif self.path.endswith(wheel):
            self._answer(200, "application/octet-stream", _wheel())
        else:
            self._answer(404, "text/plain", b"")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _wheel() -> bytes:
    """Return a package that says which version it is, and has nothing else."""
    info = "private_money-1.0.dist-info"
    files = {
        "private_money.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: private-money\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return whole.getvalue()


@pytest.fixture(scope="module")
def odd(compose: Callable[..., Compose], index: str, tmp_path_factory) -> Iterator[Compose]:
    """Return a site with odd names and values, up and healthy, and what its export has said."""
    folder = tmp_path_factory.mktemp("export") / "Mein Laden (neu)"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / ".env").write_text(DOTENV)
    host = index.partition(":")[0]
    (folder / "requirements.txt").write_text(
        f"--extra-index-url http://${{WHO}}:${{TOKEN}}@{index}/simple\n"
        f"--trusted-host {host}\nflask\nprivate-money\n"
    )
    with reserved() as port:
        exported(folder, port)
        project = compose(folder, WHO="ann", TOKEN=PASSWORD)
        project.up()
        yield project


def test_a_name_that_no_service_can_have_is_made_one(odd):
    assert re.search(
        r"^name: mein-laden-neu$", (odd.folder / "compose.yaml").read_text(), re.MULTILINE
    )


def test_what_the_app_reads_is_what_stands_in_dotenv(odd):
    variables = Visitor(odd).get("/").json()["variables"]
    assert {name: variables[name] for name in MEANT} == MEANT
    assert len(variables["SECRET_KEY"]) == 48


def test_a_package_of_a_private_index_is_installed_and_its_password_is_in_no_layer(odd, tmp_path):
    assert Visitor(odd).get("/").json()["money"] == "1.0"
    docker, saved = odd.engine.docker, tmp_path
    for service in ("app", "proxy"):
        image = odd.inspect(service)["Image"]
        said = docker("history", "--no-trunc", image) + docker("image", "inspect", image)
        assert PASSWORD not in said
        saved = tmp_path / f"{service}.tar"
        docker("save", "--output", str(saved), image)
        assert not _holds(saved, PASSWORD.encode())
        assert not _holds(saved, b"SECRET_KEY='")
    assert _holds(saved, b"worker_processes"), "the search finds nothing at all"


def test_a_port_that_is_published_already_is_told_by_both(odd, compose):
    port = odd.address("proxy", 8080)[1]
    said = exported(odd.folder, port)
    assert f"port {port} is taken by" in said
    # Another project, and so it gets the message of the engine.
    other = compose(odd.folder, WHO="ann", TOKEN=PASSWORD)
    words = ["up", "--detach", "--no-build", "--no-deps", "proxy"]
    odd.engine.docker("tag", f"{odd.project}-proxy", f"{other.project}-proxy")
    done = subprocess.run(
        [other.program, "--project-name", other.project, *words],
        env={**odd.engine.env, **other.env},
        cwd=other.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert f"{port}" in done.stderr
    assert "already" in done.stderr


def _holds(archive: Path, words: bytes) -> bool:
    """Tell whether some file of some layer has these words in it."""
    with tarfile.open(archive) as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            file = tar.extractfile(member)
            assert file is not None
            before = b""
            while block := file.read(1 << 20):
                if words in before + block:
                    return True
                before = block[-len(words) :]
    return False


# -- what needs no engine --------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a small project that nobody has exported yet."""
    folder = tmp_path / "shop"
    (folder / "static").mkdir(parents=True)
    (folder / "static" / "style.css").write_text("a {}\n")
    (folder / "requirements.txt").write_text("flask\nflask-sqlalchemy\npsycopg\ncelery[redis]\n")
    (folder / "app.py").write_text(
        "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
        "app.secret_key = os.environ['SECRET_KEY']\nurl = os.environ['DATABASE_URL']\n"
    )
    return folder


def export(folder: Path, *words: str) -> tuple[int, str]:
    with reserved() as port:
        bind = ("--bind", f"127.0.0.1:{port}") if "--bind" not in words else ()
        done = outrider("export", "compose", *bind, *words, cwd=folder)
    return done.returncode, done.stdout + done.stderr


BIND = ("--bind", "127.0.0.1:18765")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_the_second_export_changes_nothing(shop):
    code, said = export(shop, *BIND)
    assert code == 0, said
    before = contents(shop)
    assert set(before) >= {"Dockerfile", ".dockerignore", "compose.yaml", ".env"}
    code, said = export(shop, *BIND)
    assert code == 0
    states = {line.split()[0] for line in said.splitlines() if str(shop) in line}
    assert states - {"warning:"} == {"same"}
    assert contents(shop) == before


def test_check_tells_by_its_exit_code_and_writes_nothing(shop):
    before = contents(shop)
    code, said = export(shop, *BIND, "--check")
    assert code == 1
    assert f"new      {shop}/compose.yaml" in said
    assert contents(shop) == before
    export(shop, *BIND)
    code, said = export(shop, *BIND, "--check")
    assert (code, str(shop) in said.replace("warning: ", "")) == (0, False), said
    code, said = export(shop, "--bind", "127.0.0.1:18767", "--check")
    assert code == 1
    assert f"changed  {shop}/compose.yaml" in said


def test_an_edited_file_is_kept_until_it_would_change_and_then_refused_with_the_diff(shop):
    export(shop, *BIND)
    path = shop / "compose.yaml"
    edited = path.read_text().replace("pids_limit: 256", "pids_limit: 512")
    path.write_text(edited)
    code, said = export(shop, *BIND)
    assert code == 0, said
    assert f"kept     {path}" in said
    assert export(shop, *BIND, "--check")[0] == 0
    code, said = export(shop, "--bind", "127.0.0.1:18767")
    assert code not in (0, 1)
    assert '-      - "127.0.0.1:18765:8080"' in said
    assert '+      - "127.0.0.1:18767:8080"' in said
    assert path.read_text() == edited


def test_a_compose_file_of_somebody_else_stays(shop):
    (shop / "compose.yaml").write_text("services: {}\n")
    code, said = export(shop)
    assert code not in (0, 1)
    assert "compose.yaml" in said
    assert sorted(path.name for path in shop.iterdir() if path.is_file()) == [
        "app.py",
        "compose.yaml",
        "requirements.txt",
    ]


def test_dotenv_keeps_what_is_in_it_and_is_read_by_nobody_else(shop):
    (shop / ".env").write_text("# mine\nSECRET_KEY='of mine'")
    (shop / ".env").chmod(0o644)
    export(shop, *BIND)
    lines = (shop / ".env").read_text().splitlines()
    assert lines[:2] == ["# mine", "SECRET_KEY='of mine'"]
    assert sorted(line.partition("=")[0] for line in lines[2:]) == [
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
    ]
    assert (shop / ".env").stat().st_mode & 0o777 == 0o600


def test_what_compose_would_change_in_dotenv_is_named(shop):
    (shop / ".env").write_text(DOTENV + ALTERED + "POSTGRES_PASSWORD='p@ss/word'\n")
    _, said = export(shop)
    assert ".env: LOST, JOINED; Compose replaces" in said
    assert ".env: POSTGRES_PASSWORD; it becomes a part of a URL" in said


def test_a_variable_that_nothing_sets_is_named(shop):
    (shop / "mail.py").write_text("import os\nkey = os.environ['MAIL_KEY']\n")
    _, said = export(shop)
    assert "variables: MAIL_KEY; the app reads them" in said
    (shop / ".env").write_text("MAIL_KEY=x\n")
    assert "MAIL_KEY" not in export(shop)[1]


def test_a_port_that_somebody_listens_on_is_named(shop):
    with reserved() as port, socket.create_server(("127.0.0.1", port)):
        code, said = export(shop, "--bind", f"127.0.0.1:{port}")
    assert code == 0
    assert f"port {port} is taken by pid {os.getpid()}" in said


def test_a_process_that_is_called_as_a_database_is_refused(shop):
    code, said = export(shop, "--process", "redis=python --version")
    assert code != 0
    assert "redis" in said
    assert not (shop / "compose.yaml").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Ünsinn & Söhne", "nsinn-s-hne"), ("___", "site"), ("9lives", "9lives"), ("a.b", "a-b")],
)
def test_compose_takes_the_name_that_is_made_of_a_folder(tmp_path, name, expected):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "requirements.txt").write_text("flask\n")
    (folder / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    assert export(folder)[0] == 0
    assert config(folder)["name"] == expected


def test_compose_understands_all_that_is_written_of_a_large_project(shop):
    (shop / "do $it.py").write_text("")
    (shop / "uploads: new").mkdir()
    code, said = export(
        shop,
        *("--process", "worker=python 'do $it.py' --queue ${HIGH}"),
        *("--media", "/media/=uploads: new"),
        *("--release", "python 'do $it.py' $HOME"),
    )
    assert code == 0, said
    found = config(shop)
    assert found["services"]["worker"]["command"][-3:] == ["do $it.py", "--queue", "${HIGH}"]
    assert found["services"]["release"]["command"][-1] == "$HOME"
    volumes = found["services"]["app"]["volumes"]
    assert "/srv/app/uploads: new" in [one["target"] for one in volumes]
    password = found["services"]["redis"]["environment"]["REDISCLI_AUTH"]
    environment = found["services"]["worker"]["environment"]
    assert re.fullmatch(r"[0-9a-f]{48}", password)
    assert environment["DATABASE_URL"].startswith("postgresql+psycopg://app:")
    ports = [one for one in found["services"].values() if one.get("ports")]
    assert len(ports) == 1
    assert found["networks"]["data"]["internal"]


def test_compose_says_what_is_missing_in_dotenv(shop):
    export(shop)
    (shop / ".env").unlink()
    done = composing(shop)
    assert done.returncode != 0
    assert "see .env" in done.stderr


def composing(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [real.program(), "config", "--format", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def config(folder: Path) -> dict:
    """Return what Compose understands, which it writes with `$` doubled."""
    done = composing(folder)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return json.loads(done.stdout.replace("$$", "$"))


def test_files_that_go_elsewhere_are_said_to_belong_into_the_project(shop, tmp_path):
    code, said = export(shop, *BIND, "--output", str(tmp_path / "elsewhere"))
    assert code == 0
    assert f"a build is given {shop}" in said
    assert not (shop / "compose.yaml").exists()


def test_an_environment_file_that_is_named_has_to_be_there(shop):
    (shop / "prod.env").write_text("MAIL=x\n")
    assert export(shop, *BIND, "--env-file", "prod.env")[0] == 0
    assert config(shop)["services"]["app"]["environment"]["MAIL"] == "x"
    (shop / "prod.env").unlink()
    assert "prod.env" in composing(shop).stderr
