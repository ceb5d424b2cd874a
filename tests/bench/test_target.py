"""What is started to be measured, and what its visitors ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outrider.bench.options import Options, room_of_site
from outrider.bench.target import host_of, large_file, under_gunicorn, under_outrider
from outrider.site import Mount
from outrider.values import Address
from tests.situations import site

OPTIONS = Options(
    clients=None, rate=50, seconds=10, path=None, upload_path=None, large_path=None
)  # fmt: skip
HERE = Address(host="127.0.0.1", port=8123)
THERE = Address(host="127.0.0.1", port=8124)


def both(planned, options=OPTIONS):
    """Return the site under Outrider and the same app under bare Gunicorn."""
    ours = under_outrider(planned, options, ["--workers=2", "shop:app"], {}, "/srv/shop")
    return ours, under_gunicorn(ours, planned, THERE, {"WEB_CONCURRENCY": "9", "KEY": "x"})


def mount(url, directory):
    return Mount(url=url, directory=str(directory), kind="static")


# -- the two programs ------------------------------------------------------------------------------


def test_the_site_is_started_as_run_would_but_in_a_place_of_its_own():
    planned = site({"bind": "127.0.0.1:8123", "workers": "2"})
    argv = both(planned)[0].program.argv
    assert list(argv[1:7]) == ["-P", "-m", "outrider", "run", "--workers=2", "shop:app"]
    assert list(argv[7:9]) == ["--bind", "127.0.0.1:8123"]
    assert argv[argv.index("--run-dir") + 1].endswith("127.0.0.1-8123")


def test_bare_gunicorn_runs_the_same_app_with_as_many_sync_workers():
    planned = site({"workers": "3", "threads": "4"})
    bare = both(planned)[1]
    words = " ".join(bare.program.argv)
    assert words.startswith("/srv/shop/.venv/bin/python -m gunicorn ")
    assert "--workers 3 --worker-class sync" in words
    assert words.endswith(" shop:app")
    assert bare.program.env == {"KEY": "x"}


@pytest.mark.parametrize(
    ("path", "inside", "outside"),
    [(None, "/", "/shop/"), ("/shop/about", "/about", "/shop/about"), ("/shop", "/", "/shop")],
)
def test_under_a_prefix_bare_gunicorn_is_asked_for_the_same_page(path, inside, outside):
    planned = site({"prefix": "/shop"})
    ours, bare = both(planned, replace(OPTIONS, path=path))
    assert (ours.path, ours.upload_path) == (outside, outside)
    assert (bare.path, bare.upload_path) == (inside, inside)


def test_visitors_name_a_host_that_the_site_answers_to():
    assert host_of(site({}), HERE) == "127.0.0.1:8123"
    assert host_of(site({"server_names": ("*.example", "shop.example")}), HERE) == (
        "shop.example:8123"
    )


def test_there_is_room_for_as_many_slow_clients_as_nginx_has_besides_visitors():
    room = room_of_site(site({"connections": "3000"}), 5000)
    assert room.most == 3000 - 64
    assert "3000 clients" in room.why
    assert room.more.endswith("--connections 5064")
    assert room_of_site(site({"connections": "5064"}), 5000).most == 5000


# -- something large -------------------------------------------------------------------------------


def test_the_smallest_of_the_large_files_is_read_slowly(tmp_path):
    for name, size in [("a.css", 10), ("b.js", 2 * 2**20), ("c.js", 2**20), ("d.js", 2**18)]:
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / ".hidden").write_bytes(bytes(2**20))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "pack").write_bytes(bytes(2**20))
    assert large_file([mount("/static/", tmp_path)]) == "/static/c.js"


def test_of_files_that_are_hardly_large_enough_the_largest_is_read(tmp_path):
    for name, size in [("a.js", 2**18), ("b.js", 2**18 + 1)]:
        (tmp_path / name).write_bytes(bytes(size))
    assert large_file([mount("/static/", tmp_path)]) == "/static/b.js"


def test_nothing_large_is_found_where_there_is_nothing(tmp_path):
    (tmp_path / "a.css").write_bytes(bytes(2**18 - 1))
    (tmp_path / "gone.js").symlink_to(tmp_path / "nowhere")
    assert large_file([mount("/static/", tmp_path), mount("/b/", tmp_path / "none")]) is None
    assert large_file([]) is None
