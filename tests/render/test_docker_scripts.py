"""What health.py and build.py of the images do, run as they are with another port and folder."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest
from tests.situations import facts, settings
from tests.test_image import FLASK

from outrider.facts import Collect
from outrider.plan import plan
from outrider.plan.image import decide_image
from outrider.render import docker
from outrider.render.shim import shim
from outrider.servers import SERVERS


def files(observed=None, server="gunicorn", **flags):
    """Return the app's files by name."""
    observed = observed or facts(interpreter={"servers": {"uwsgi": "2.0.30"}})
    image = decide_image(
        observed, FLASK, SERVERS[server], ignored_by_git=frozenset({"/srv/shop/static"})
    )
    site = plan(observed, settings(server=server, **flags))
    return {
        artifact.path.rpartition("/")[2]: artifact.content
        for artifact in docker.render(image, site, [], [])
    }


def run(path, *args, cwd=None):
    return subprocess.run(
        [sys.executable, path, *args], cwd=cwd, capture_output=True, text=True, check=False
    )


# -- health.py -------------------------------------------------------------------------------------


@pytest.fixture
def health(tmp_path, free_port):
    """Run health.py against this port."""

    def health(**more):
        text = files(**more)["health.py"].replace("8000", str(free_port))
        (tmp_path / "health.py").write_text(text)
        return run(tmp_path / "health.py")

    return health


@contextmanager
def answering(port, status):
    """Answer each GET with a status; the requests are noted."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 301, 400, 404, 421])
def test_an_answer_means_that_a_worker_answers(health, free_port, status):
    with answering(free_port, status) as seen:
        assert (
            health(server_names=("*.shop.example", "shop.example"), prefix="/shop").returncode == 0
        )
    assert seen == [("/shop/-/ready", "shop.example")]


def test_a_domain_with_all_below_it_has_a_name_to_ask_under(health, free_port):
    with answering(free_port, 200) as seen:
        health(server_names=("*.shop.example",))
    assert seen == [("/-/ready", "www.shop.example")]


@pytest.mark.parametrize("status", [500, 503])
def test_an_app_that_fails_is_not_healthy(health, free_port, status):
    with answering(free_port, status):
        done = health()
    assert done.returncode == 1
    assert done.stderr == f"the app answers {status}\n"


def test_nobody_answers(health):
    done = health()
    assert done.returncode == 1
    assert done.stderr.startswith("no answer: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"HTTP/1.1 404 Not Found\r\n\r\n", 0), (b"HTTP/1.1 500 X\r\n", 1), (b"", 1)],
)
def test_uwsgi_is_asked_in_its_own_protocol(health, free_port, answer, code):
    asked = []

    def serve(listener):
        connection, _ = listener.accept()
        with closing(connection):
            asked.append(connection.recv(4096))
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", free_port)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        done = health(server="uwsgi")
        thread.join()
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert asked[0][0] == 0
    assert b"\x09\x00PATH_INFO\x08\x00/-/ready" in asked[0]


# -- build.py --------------------------------------------------------------------------------------


@pytest.fixture
def build(tmp_path):
    """Run build.py of a project in this folder."""
    project, outrider = tmp_path / "app", tmp_path / "outrider"
    project.mkdir()
    for artifact in shim():
        (outrider / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (outrider / artifact.path).write_text(artifact.content)

    def build(step, env="", observed=None):
        for name, text in files(observed).items():
            if name in ("build.py", "collect.py"):
                here = text.replace("/srv/shop", str(project))
                (outrider / name).write_text(here.replace("/run/secrets", str(tmp_path)))
        if env:
            (tmp_path / "env").write_text(env)
        return run(outrider / "build.py", step, cwd=project)

    return build


def test_the_app_is_imported_with_the_variables_of_the_secret(build, tmp_path):
    (tmp_path / "app" / "shop.py").write_text(
        "import os\n"
        "open('made', 'w').write(os.environ['KEY'] + os.environ['OTHER'] + os.environ['LAST'])\n"
        "app = lambda environ, start_response: []\n"
    )
    done = build(
        "import", "# comment\nKEY='a $b # c'\nexport OTHER=d  # e\nLAST=\"f\"\n\nnothing\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "app" / "made").read_text() == "a $b # cdf"


def test_an_import_that_fails_ends_the_build_with_its_traceback(build, tmp_path):
    (tmp_path / "app" / "shop.py").write_text("import os\nos.environ['KEY_OF_THE_SHOP']\n")
    done = build("import")
    assert done.returncode == 1
    assert "KeyError: 'KEY_OF_THE_SHOP'" in done.stderr


def test_a_collectstatic_that_fails_ends_the_build_with_its_traceback(build):
    collect = Collect(settings_module="no_such_settings", static_root="/srv/shop/collected")
    done = build("collect", "KEY=x\n", facts(app={"collect": collect, "framework": "Django 5"}))
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named" in done.stderr
    assert "build.py" not in done.stderr.splitlines()[-1]
