"""Images of small projects are built by a real engine, each with another tool, and started."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.containers.images import provide
from tests.integration.running import outrider

if TYPE_CHECKING:
    from pathlib import Path

    from tests.containers.engine import Engine

BASE = "python:3.11-slim"
APP = """
import os

from flask import Flask

app = Flask(__name__)

@app.get("/")
def home():
    return "hello of %s" % os.getuid()
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
PIPFILE = '[packages]\nflask = ">=3"\n\n[requires]\npython_version = "3.11"\n'
HASHING = (
    "pip install -q uv && uv pip compile -q --generate-hashes -o requirements.txt requirements.in"
)
_PATIENCE_S = 60


class Images:
    """The images of a project, and containers of them, which all go in the end."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.name = f"outrider-{uuid.uuid4().hex[:12]}"
        self.containers: list[str] = []

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def made_in_container(self, command: str) -> None:
        """Run what writes a lock file: it names package indexes, which no file here does."""
        volume = f"{self.folder}:/work"
        words = ["run", "--rm", "--volume", volume, "--workdir", "/work", BASE]
        self.engine.docker(*words, "sh", "-c", command)

    def build(self, target: str, *words: str) -> str:
        tag = f"{self.name}-{target}"
        self.engine.docker(
            *("build", "--target", target, "--tag", tag, *words, str(self.folder)), timeout=900
        )
        return tag

    def start(self, image: str, *words: str) -> str:
        container = f"{image}-{len(self.containers)}"
        locked = ["--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp", *words]
        self.engine.docker("run", "--detach", "--name", container, *locked, image)
        self.containers.append(container)
        return container

    def wait_until_healthy(self, container: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        state: dict[str, object] = {}
        while time.monotonic() < deadline:
            [found] = json.loads(self.engine.docker("inspect", container))
            state = found["State"]
            if found["State"]["Health"]["Status"] == "healthy":
                return
            if not found["State"]["Running"]:
                break
            time.sleep(0.5)
        pytest.fail(f"{state}\n{self.engine.docker('logs', container)}")

    def away(self) -> None:
        for container in self.containers:
            self.engine.docker("rm", "--force", "--volumes", container)
        for target in ("app", "proxy"):
            if self.engine.has(f"{self.name}-{target}"):
                self.engine.docker("rmi", "--force", f"{self.name}-{target}")


@pytest.fixture
def images(engine, tmp_path):
    provide(engine, BASE, "nginx:stable")
    folder = tmp_path / "shop"
    made = Images(engine, folder)
    made.write({"app.py": APP, "static/style.css": "a {}\n", ".env": "SECRET=hunter2\n"})
    yield made
    made.away()


def exported(folder: Path, *words: str) -> None:
    done = outrider("export", "docker", *words, cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("files", "locking"),
    [
        pytest.param({"requirements.in": "flask>=3\n"}, HASHING, id="pip-with-hashes"),
        pytest.param(
            {
                "requirements.txt": "flask>=3\n-e libs/money\n",
                "libs/money/pyproject.toml": PROJECT.replace("shop", "money"),
                "libs/money/money.py": "",
            },
            "",
            id="pip-with-code-of-the-project",
        ),
        pytest.param(
            {"pyproject.toml": PROJECT + 'dependencies = ["flask>=3"]\n'}, "", id="pyproject"
        ),
        pytest.param(
            {"pyproject.toml": PROJECT + 'dependencies = ["flask>=3"]\n'},
            "pip install -q uv && uv lock -q",
            id="uv",
        ),
        pytest.param({"Pipfile": PIPFILE}, "pip install -q pipenv && pipenv lock -q", id="pipenv"),
        pytest.param({"Pipfile": PIPFILE}, "", id="pipenv-without-lock"),
    ],
)
def test_each_tool_installs_and_the_app_answers(images, files, locking):
    images.write(files)
    if locking:
        images.made_in_container(locking)
    exported(images.folder)
    image = images.build("app")
    container = images.start(image)
    images.wait_until_healthy(container)
    docker = images.engine.docker
    assert docker("exec", container, "id", "-u").strip() == "10001"
    assert ".env" not in docker("exec", container, "ls", "-A", "/srv/app").split()
    assert "__pycache__" in docker("exec", container, "ls", "/srv/app").split()
    said = docker("logs", container)
    assert "rror" not in said, said
    started = time.monotonic()
    docker("stop", "--time", "30", container)
    [state] = json.loads(docker("inspect", container))
    assert state["State"]["ExitCode"] == 0, f"after {time.monotonic() - started:.1f} s"


def test_the_proxy_has_this_builds_static_files(images):
    images.write({"requirements.txt": "flask>=3\ngunicorn\n"})
    exported(images.folder)
    image = images.build("proxy")
    words = ["run", "--rm", "--entrypoint", "cat", image, "/srv/app/static/style.css"]
    assert images.engine.docker(*words) == "a {}\n"
    images.write({"static/style.css": "b {}\n"})
    images.build("proxy")
    assert images.engine.docker(*words) == "b {}\n", "the style of the last release"


def test_names_that_a_dockerfile_takes_for_something_else(images):
    odd = "st atic [x]'s"
    images.write(
        {
            "app.py": APP.replace("__name__", f"__name__, static_folder={odd!r}"),
            f"{odd}/style.css": "odd\n",
            "requirements.txt": "-r 'require ments/a [1].txt'\n",
            "require ments/a [1].txt": "flask\n",
        }
    )
    exported(images.folder)
    image = images.build("proxy")
    words = ["run", "--rm", "--entrypoint", "cat", image, f"/srv/app/{odd}/style.css"]
    assert images.engine.docker(*words) == "odd\n"


def test_a_secret_is_used_by_a_step_and_kept_by_no_layer(images, tmp_path):
    images.write(
        {
            "requirements.txt": "--extra-index-url https://${WHO}:${TOKEN}@localhost:1/simple\n"
            "flask>=3\n"
        }
    )
    exported(images.folder)
    secrets = []
    for name in ("WHO", "TOKEN"):
        (tmp_path / name).write_text(f"{name}-of-the-test")
        secrets += ["--secret", f"id={name},src={tmp_path / name}"]
    image = images.build("app", *secrets)
    layers = images.engine.docker("history", "--no-trunc", image)
    [inspected] = json.loads(images.engine.docker("inspect", image))
    for text in (layers, json.dumps(inspected)):
        assert "TOKEN-of-the-test" not in text


def test_uploads_can_be_written_into_a_new_volume(images):
    images.write(
        {
            "requirements.txt": "flask>=3\n",
            "app.py": APP + "\napp.config['UPLOAD_FOLDER'] = 'media'\n",
            "media/of-this-machine.txt": "",
        }
    )
    exported(images.folder)
    container = images.start(images.build("app"), "--volume", "/srv/app/media")
    images.wait_until_healthy(container)
    images.engine.docker("exec", container, "touch", "/srv/app/media/new")
    listed = images.engine.docker("exec", container, "ls", "/srv/app/media")
    assert listed.split() == ["new"]


def test_a_single_container_serves_the_app_and_its_static_files(images):
    shutil.copytree("src", images.folder / "outrider" / "src")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(name, images.folder / "outrider" / name)
    images.write({"requirements.txt": "flask>=3\n./outrider\n"})
    exported(images.folder, "--single")
    container = images.start(images.build("app"), "--tmpfs", "/run/outrider:uid=10001,gid=10001")
    images.wait_until_healthy(container)
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080{}').read().decode())"
    docker = images.engine.docker
    assert docker("exec", container, "python", "-c", ask.format("/")) == "hello of 10001\n"
    assert docker("exec", container, "python", "-c", ask.format("/static/style.css")) == "a {}\n\n"
    docker("stop", "--time", "40", container)
    [state] = json.loads(docker("inspect", container))
    assert state["State"]["ExitCode"] == 0


def test_static_files_that_node_builds_and_that_the_app_writes(images):
    provide(images.engine, "node:22-slim")
    built = "require('fs').mkdirSync('../static/ui', {recursive: true});"
    built += "require('fs').writeFileSync('../static/ui/main.js', 'built\\n')"
    package = {"name": "ui", "version": "1.0.0", "engines": {"node": "22"}}
    images.write(
        {
            "app.py": APP + "\nfrom pathlib import Path\n"
            "made = Path(app.instance_path, 'static', 'made.css')\n"
            "if not made.exists():\n"
            "    made.parent.mkdir(parents=True)\n"
            "    made.write_text(os.environ['COLOUR'])\n"
            "app.add_url_rule('/made/<path:filename>', 'made', lambda filename: '')\n"
            "from flask import Blueprint\n"
            "app.register_blueprint(Blueprint('made', __name__, url_prefix='/made',\n"
            "    static_url_path='/files', static_folder=str(made.parent)))\n",
            "requirements.txt": "flask>=3\n",
            "settings.env": "COLOUR=red\n",
            "ui/build.js": built,
            "ui/package.json": json.dumps(
                {**package, "scripts": {"build": "node build.js --outDir ../static/ui"}}
            ),
            "ui/package-lock.json": json.dumps(
                {"name": "ui", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
            ),
        }
    )
    exported(images.folder, "--env-file", "settings.env")
    secret = f"id=env,src={images.folder / 'settings.env'}"
    image = images.build("proxy", "--secret", secret)
    words = ["run", "--rm", "--entrypoint", "cat", image]
    files = ["/srv/app/static/ui/main.js", "/srv/app/instance/static/made.css"]
    assert images.engine.docker(*words, *files) == "built\nred"
    app = images.build("app", "--secret", secret)
    assert "settings.env" not in images.engine.docker("run", "--rm", app, "ls", "-A", "/srv/app")
