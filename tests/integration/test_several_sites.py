"""Several sites behind one Nginx: each is itself, none sees another's, all end together."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest

from outrider import files
from outrider.facts import Directory
from outrider.plan.fleet import plan_fleet
from outrider.render.fleet import lay_out
from outrider.settings import TomlSource, resolve_sites
from outrider.site import Paths
from tests.integration.conftest import _poisoned_environment
from tests.integration.environments import made_with
from tests.integration.running import (
    assert_nothing_is_left,
    environment,
    outrider,
    serving,
    start,
    until,
)
from tests.ports import reserved
from tests.situations import facts

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("several-sites")]

A, B = {"Host": "a.example"}, {"Host": "b.example"}
SHOP, HOME, BLOG = ("shop", A, "/shop/"), ("home", A, "/"), ("blog", B, "/")
SITES = (SHOP, HOME, BLOG)


@pytest.fixture(scope="module")
def project(copy_of) -> Path:
    """Return a copy of the three sites; the blog has an environment of its own."""
    project = copy_of("running_several")
    venv = project / "blog" / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [packages] = venv.glob("lib/python3*/site-packages")
    ours = [path for path in sys.path if path.endswith("-packages")]
    (packages / "ours.pth").write_text("\n".join(ours))
    return project


@pytest.fixture(scope="module")
def front(nginx, project):
    # An environment that is active does not hide a site's own.
    env = {**_poisoned_environment(), "VIRTUAL_ENV": sys.prefix}
    with reserved() as port, serving(cwd=project, port=port, nginx=nginx, env=env) as front:
        yield front


# -- each is itself --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "host", "place"), SITES)
def test_each_site_answers_at_its_place_with_urls_that_lead_there(front, name, host, place):
    told = front.get(place, headers=host).json()
    assert told["site"] == name
    assert told["url"] == f"http://{host['Host']}{place}"
    style = front.get(told["style"], headers=host)
    assert style.text == f"/* {name} */\n"
    assert style.headers["Cache-Control"] == "no-cache"
    assert (
        f"{name}: 200 GET {told['style']}  "
        in front.wait_for(rf"{name}: 200 GET {told['style']}  .*by nginx.*")[0]
    )


def test_each_has_its_own_process_environment_directory_and_python(front, project):
    shop, home, blog = (front.get(place, headers=host).json() for _, host, place in SITES)
    assert (shop["colour"], home["colour"], blog["colour"]) == ("red", None, None)
    assert len({one["master"] for one in (shop, home, blog)}) == 3
    for name, one in zip(("shop", "home", "blog"), (shop, home, blog), strict=True):
        assert one["directory"] == str(project / name)
    assert shop["prefix"] == home["prefix"] == sys.prefix
    assert blog["prefix"] == str(project / "blog" / ".venv")
    masters = [psutil.Process(one["master"]) for one in (shop, home, blog)]
    until(lambda: [len(master.children()) for master in masters] == [2, 1, 1])


def test_one_nginx_stands_in_front_of_all(front):
    assert len(front.children("nginx: master")) == 1


# -- none sees another's ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/shop/", "shop"),
        ("/shop/?next=/home", "shop"),
        ("/%73hop/", "shop"),
        ("/shopping", "home"),
        ("/shopping/", "home"),
        ("/shop.html", "home"),
        ("/Shop/", "home"),
        ("//shop/", "shop"),
        ("/shop/../x", "home"),
        ("/x/shop/", "home"),
    ],
)
def test_the_prefix_decides_and_nothing_that_looks_like_it(front, path, name):
    assert front.get(path, headers=A).json()["site"] == name


@pytest.mark.parametrize(
    "path",
    ["/shop/nothing", "/shop/static/nothing.css", "/shop/x/y", "/x/../shop/"],
)
def test_what_the_shop_does_not_know_is_not_asked_of_the_site_at_the_root(front, path):
    answer = front.get(path, headers=A)
    assert answer.status == 404
    assert "home" not in answer.text


def test_the_prefix_without_its_slash_leads_to_the_site(front):
    answer = front.get("/shop?a=1", headers=A)
    assert (answer.status, answer.headers["Location"]) == (308, "/shop/?a=1")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a.example", "home"),
        ("A.EXAMPLE", "home"),
        ("a.example:8000", "home"),
        ("b.example", "blog"),
        ("deep.b.example", "blog"),
    ],
)
def test_the_host_decides_first(front, host, name):
    assert front.get("/", headers={"Host": host}).json()["site"] == name


def test_the_shop_is_on_its_own_host_alone(front):
    assert (
        front.get("/shop/", headers=B).json() | {"site": "blog", "path": "shop/"}
        == front.get("/shop/", headers=B).json()
    )


@pytest.mark.parametrize("host", ["c.example", "b.example.evil.example", "127.0.0.1", "localhost"])
def test_an_unknown_host_gets_421(front, host):
    for path in ("/", "/shop/", "/shop/static/style.css"):
        assert front.get(path, headers={"Host": host}).status == 421
    assert front.get("/-/live", headers={"Host": host}).text == "ok\n"


def test_no_host_at_all_gets_421(front):
    assert b" 421 " in front.raw(b"GET /shop/ HTTP/1.0\r\n\r\n").splitlines()[0]


@pytest.mark.parametrize(("name", "host", "place"), SITES)
def test_a_file_that_a_site_hands_out_is_its_own(front, name, host, place):
    answer = front.get(f"{place}file", headers=host)
    assert answer.text == f"/* {name} */\n"
    assert front.wait_for(rf"{name}: 200 GET {place}file ")
    # The internal URL that Nginx sent it from leads nobody else there.
    for one in ("shop", "home", "blog"):
        there = front.get(f"/_outrider/files/{one}/0/static/style.css", headers=host)
        assert "/*" not in there.text


def test_a_stream_of_events_reaches_its_own_site(front):
    asking = {**A, "Accept": "text/event-stream"}
    assert front.get("/shop/events", headers=asking).text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert front.wait_for(r"shop: 200 GET /shop/events .*\(app ")
    assert front.get("/events", headers=asking).json()["site"] == "home"


def test_one_that_starts_keeps_nobody_from_the_others(front):
    def statuses(page):
        return {name: front.get(place + page, headers=host).status for name, host, place in SITES}

    assert statuses("-/ready") == {"shop": 200, "home": 200, "blog": 200}
    mark = Paths(run=str(front.run_dir), app="shop").starting
    files.set_mark(mark, is_there=True)
    found, ready = statuses(""), statuses("-/ready")
    files.set_mark(mark, is_there=False)
    assert found == ready == {"shop": 503, "home": 200, "blog": 200}


def test_each_has_its_own_limit_and_its_page_says_which(front):
    body = b"x" * 2000
    refused = front.get("/shop/", headers=A, method="POST", body=body)
    assert refused.status == 413
    assert "at most 1 kB in one request" in refused.text
    asking = {**A, "Accept": "application/json"}
    told = front.get("/shop/", headers=asking, method="POST", body=body)
    assert told.json()["message"] == "This site takes at most 1 kB in one request."
    assert front.get("/shop/", headers=A, method="POST", body=b"x" * 1000).json()["size"] == 1000
    assert front.get("/", headers=A, method="POST", body=body).json()["size"] == 2000


# -- the log ---------------------------------------------------------------------------------------


def test_each_line_says_whose_it_is(front):
    answer = front.get("/shop/fails", headers=A)
    assert answer.status == 500
    request = answer.headers["X-Request-ID"][:8]
    assert front.wait_for(rf" app    shop: \[{request}\] .*Exception on /fails")
    assert front.wait_for(r" app    shop: ZeroDivisionError: the shop's own mistake")
    assert front.wait_for(rf" nginx  shop: 500 GET /shop/fails  .*\[{request}\]")
    for name in ("shop", "home", "blog"):
        assert front.wait_for(rf" app    {name}: Booting worker")
    front.get("/nobody", headers={"Host": "c.example"})
    assert front.wait_for(r" nginx  421 GET /nobody")


def test_a_json_log_has_the_site_as_a_field(project, free_port):
    with serving("--log-format", "json", cwd=project, port=free_port) as site:
        site.get("/shop/takes?seconds=0", headers=A)
        site.wait_for("shop/takes")
        site.get("/nobody", headers={"Host": "c.example"})
        site.wait_for("/nobody")
        assert site.stop() == 0
    lines = [json.loads(line) for line in site.stdout]
    [request] = [line for line in lines if line.get("uri") == "/shop/takes?seconds=0"]
    [said] = [line for line in lines if "a request of" in line.get("text", "")]
    assert request["site"] == said["site"] == "shop"
    [nobodys] = [line for line in lines if line.get("uri") == "/nobody"]
    assert nobodys["site"] == ""


# -- how it ends -----------------------------------------------------------------------------------


def master(site, name: str) -> psutil.Process:
    """Return the Gunicorn of one of the sites."""
    return site.children(f"/app-{name}/")[0]


def test_all_start_before_the_front_and_all_drain_after_it(project, free_port):
    with (
        serving(cwd=project, port=free_port) as site,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(site.get, "/shop/takes?seconds=2", headers=A)
        site.wait_for("a request of 2 s has begun")
        assert site.stop() == 0
        assert answer.result().text == "the end"
        said = [line.strip() for line in site.stderr if "finishes" in line]
        assert said == [
            "Nginx finishes what it has",
            "Gunicorn of site 'shop' finishes what it has",
            "Gunicorn of site 'home' finishes what it has",
            "Gunicorn of site 'blog' finishes what it has",
        ]
        assert_nothing_is_left(site)


def test_one_that_dies_is_replaced_and_the_others_do_not_notice(project, free_port):
    with serving(cwd=project, port=free_port) as site:
        others = [master(site, "home"), master(site, "blog")]
        master(site, "shop").send_signal(signal.SIGKILL)
        site.wait_for("Gunicorn of site 'shop' serves again")
        assert [master(site, "home"), master(site, "blog")] == others
        assert site.get("/shop/", headers=A).status == 200
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_one_that_does_not_start_ends_all_before_anybody_was_served(project, free_port):
    env = environment(SHOP_FAILS="1")
    with start(cwd=project, port=free_port, env=env) as site:
        assert site.wait() == 10
        assert "is served at" not in site.output
        assert "error: Gunicorn of site 'shop' did not start\n" in site.stderr
        assert re.search(r" app    shop: .*the shop is closed", site.log)
        assert_nothing_is_left(site)


# -- the other commands ----------------------------------------------------------------------------


def test_the_plan_tells_of_the_front_once_and_of_each_site(project):
    done = outrider("plan", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    blocks = done.stdout.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [
        "all sites",
        "site shop  http://a.example:8000/shop/",
        "site home  http://a.example:8000/",
        "site blog  http://b.example:8000/",
    ]
    assert re.search(r"^  bind +127\.0\.0\.1:8000 +default", blocks[0], re.MULTILINE)
    assert not any("  bind " in block for block in blocks[1:])
    assert re.search(
        r"^  workers +2 +outrider.toml: \[\[site\]\] /shop: workers", blocks[1], re.MULTILINE
    )
    assert re.search(r"^  timeout +20 +outrider.toml: timeout", blocks[2], re.MULTILINE)

    told = json.loads(outrider("plan", "--json", cwd=project).stdout)
    assert [one["name"] for one in told["sites"]] == ["shop", "home", "blog"]
    assert told["sites"][0]["url"] == "http://a.example:8000/shop/"
    assert "bind" in [decision["name"] for decision in told["decisions"]]


def test_the_export_holds_one_front_and_a_folder_for_each_site(project, nginx, short_dir):
    out = short_dir / "out"
    command = ("export", "nginx", "--nginx", nginx, "-o", str(out))
    done = outrider(*command, cwd=project)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        *("app-blog", "app-home", "app-shop", "mime.types", "nginx.conf"),
    ]
    conf = (out / "app-shop" / "gunicorn.conf.py").read_text()
    assert f"bind = ['unix:{out}/shop.sock']" in conf
    again = outrider(*command, "--diff", cwd=project)
    assert again.stdout == ""
    words = [nginx, "-p", str(out), "-e", "stderr", "-t", "-q", "-c", "nginx.conf"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False, env={})
    assert (tried.returncode, tried.stderr) == (0, "")


# -- without host names ----------------------------------------------------------------------------

TWO = """\
[[site]]
directory = "shop"
prefix = "/shop"
workers = 1

[[site]]
directory = "blog"
prefix = "/blog/"
workers = 1
"""


@contextlib.contextmanager
def written(project: Path, text: str):
    """Serve the copy by another file for a while."""
    file = project / "outrider.toml"
    before = file.read_text()
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(before)


def test_two_prefixes_on_any_host_and_nothing_beside_them(project, free_port):
    with written(project, TWO), serving(cwd=project, port=free_port) as site:
        for host in ({}, {"Host": "any.example"}):
            assert site.get("/shop/", headers=host).json()["site"] == "shop"
            assert site.get("/blog/", headers=host).json()["site"] == "blog"
            for path in ("/", "/shopping", "/favicon.ico"):
                assert site.get(path, headers=host).status == 404
        url = site.get("/blog/", headers={"Host": f"any.example:{free_port}"}).json()["url"]
        assert url == f"http://any.example:{free_port}/blog/"
        assert b'"site":"shop"' in site.raw(b"GET /shop/ HTTP/1.0\r\n\r\n")
        assert site.stop() == 0
        assert f"app:app is served at http://127.0.0.1:{free_port}/blog/\n" in site.stderr


def test_the_tables_may_stand_in_pyproject_toml(project, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        f"""
[tool.outrider]
bind = "8080"

[[tool.outrider.site]]
directory = "{project}/shop"
prefix = "/shop"

[[tool.outrider.site]]
directory = "{project}/home"
workers = 3
"""
    )
    told = json.loads(outrider("plan", "--json", cwd=tmp_path).stdout)
    assert [one["url"] for one in told["sites"]] == [
        "http://127.0.0.1:8080/shop/",
        "http://127.0.0.1:8080/",
    ]
    [workers] = [d for d in told["sites"][1]["decisions"] if d["name"] == "workers"]
    assert workers["origin"] == f"pyproject.toml [tool.outrider]: [[site]] {project}/home: workers"


# -- whatever they are called ----------------------------------------------------------------------

LONG = f"{'h' * 60}.{'o' * 60}.{'s' * 60}.{'t' * 60}.example"
CALLED = [
    [{"prefix": "/a(b)"}, {"prefix": "/é"}, {"prefix": "/~x*+|[c]"}, {"name": "rest"}],
    [{"server_names": ["*.a.example", "::1"]}, {"server_names": ["bücher.example", "localhost"]}],
    [{"server_names": ["localhost"]}, {"name": "rest"}],
    [{"prefix": "/a"}, {"prefix": "/a/b"}, {"prefix": "/a/b/c"}, {"prefix": "/ab"}],
    [{"name": f"n{n}", "server_names": [f"{n}{LONG[3:]}"]} for n in range(200)],
    [{"prefix": f"/{n}", "spa": "dist", "body_limit": f"{n + 1}k"} for n in range(20)],
]


@pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"]], ids=["first", "behind"])
@pytest.mark.parametrize("tables", CALLED, ids=["regex", "hosts", "local", "deep", "long", "spa"])
def test_nginx_takes_any_names_and_prefixes(tables, proxies, nginx, short_dir):
    above = {"run_dir": str(short_dir), "trusted_proxies": proxies, "bind": "127.0.0.1:1"}
    dist = {"/srv/shop/dist": Directory(path="/srv/shop/dist", has_index=True)}
    toml = TomlSource(name="outrider.toml", directory="/srv/shop", table={**above, "site": tables})
    observed = [facts(directories=dist) for _ in tables]
    for file in lay_out(plan_fleet(observed, resolve_sites({}, {}, toml, "/srv/shop"))):
        files.write(short_dir, file)
    words = [nginx, "-p", str(short_dir), "-e", "stderr", "-t", "-q", "-c", "nginx.conf"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False, env={})
    told = [line for line in tried.stderr.splitlines() if "bind() to 127.0.0.1:1" not in line]
    assert [line for line in told if "[emerg]" in line or "[warn]" in line] == []


# -- other servers ---------------------------------------------------------------------------------

SERVERS = """\
[[site]]
directory = "shop"
prefix = "/shop"
server = "uwsgi"
workers = 1

[[site]]
directory = "home"
server = "waitress"

[[site]]
directory = "blog"
prefix = "/blog"
workers = 1
"""


def test_each_site_may_have_another_application_server(project, free_port):
    python = made_with("flask", "gunicorn", "pyuwsgi", "waitress")
    with (
        written(project, f"python = '{python}'\n{SERVERS}"),
        serving(cwd=project, port=free_port) as site,
    ):
        for name, place in (("shop", "/shop/"), ("home", "/"), ("blog", "/blog/")):
            told = site.get(place).json()
            assert (told["site"], told["url"]) == (name, f"http://127.0.0.1:{free_port}{place}")
            assert site.get(f"{place}file").text == f"/* {name} */\n"
        assert site.stop() == 0
        assert [line.split(" finishes")[0] for line in site.stderr if "finishes" in line] == [
            *("Nginx", "uWSGI of site 'shop'", "Waitress of site 'home'"),
            "Gunicorn of site 'blog'",
        ]
        assert_nothing_is_left(site)
