"""Flask(static_url_path=""): files and pages share the URLs of the root."""

import pytest

from tests.integration.running import serving

pytestmark = pytest.mark.integration

APP = """
from flask import Flask, request

app = Flask(__name__, static_url_path="")


@app.route("/")
def home():
    return "home"


@app.route("/<name>", methods=["GET", "POST"])
def page(name):
    return f"page {name} {request.method} {request.environ['RAW_URI']}"
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    static = tmp_path / "static"
    (static / "css").mkdir(parents=True)
    (static / "robots.txt").write_text("User-agent: *")
    (static / "css" / "site.3f2a9c1b.css").write_text("body {}")
    (static / "page.py").write_text("SECRET = 1")
    (static / ".env").write_text("SECRET=1")
    return tmp_path


def test_a_file_is_nginxs_and_a_page_is_the_apps(project, nginx, free_port):
    (project / "static" / "page.py").unlink()  # else the whole folder is refused
    (project / "static" / ".env").unlink()
    with serving(cwd=project, port=free_port, nginx=nginx) as site:
        assert site.get("/robots.txt").headers["Cache-Control"] == "no-cache"
        hashed = site.get("/css/site.3f2a9c1b.css")
        assert hashed.headers["Cache-Control"].endswith("immutable")
        assert site.get("/").text == "home"
        assert site.get("/css").text == "page css GET /css"
        assert site.get("/robots", method="POST").text == "page robots POST /robots"
        assert site.get("/a%20b").text == "page a b GET /a%20b"
        assert site.get("/none.3f2a9c1b.css").text.startswith("page none")
        assert "Cache-Control" not in site.get("/none.3f2a9c1b.css").headers
        # Put there while the site runs: such a name goes to the app, whatever the folder holds.
        (project / "static" / "page.py").write_text("SECRET = 1")
        (project / "static" / ".env").write_text("SECRET=1")
        for name in ("page.py", ".env"):
            assert site.get(f"/{name}").text == f"page {name} GET /{name}"
        site.wait_for(r"200 GET /robots\.txt .*by nginx")
        site.wait_for(r"GET / .*\(app")
