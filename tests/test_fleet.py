"""Several sites behind one front: what is shared, what is refused, and whose request it is."""

from __future__ import annotations

import re

import pytest

from outrider.errors import Exit, OutriderError
from outrider.facts import Account, Directory
from outrider.render.fleet import lay_out
from tests.situations import facts, fleet


def refused(*tables, observed=None, **above):
    with pytest.raises(OutriderError) as caught:
        fleet(*tables, observed=observed, **above)
    assert caught.value.exit_code == Exit.SETTINGS
    return caught.value


def nginx_conf(*tables, **more):
    return next(f.content for f in lay_out(fleet(*tables, **more)) if f.path == "nginx.conf")


def decided(site):
    return {d.name: (d.value, d.origin, d.why) for d in site.decisions}


ORIGIN = "outrider.toml: [[site]]"
SHOP, BLOG = {"prefix": "/shop"}, {"prefix": "/blog"}


# -- one site, or several --------------------------------------------------------------------------


def test_one_table_is_one_site_with_the_files_of_one_site():
    one = fleet({"workers": 3})
    assert [file.path for file in lay_out(one)][:3] == [
        "nginx.conf",
        "mime.types",
        "gunicorn.conf.py",
    ]
    assert one.first.paths.socket.endswith("/app.sock")
    assert one.decisions == ()


def test_each_of_several_has_its_own_folder_socket_and_upstream():
    both = fleet(SHOP, BLOG)
    paths = [file.path for file in lay_out(both)]
    assert "app-shop/gunicorn.conf.py" in paths
    assert "app-blog/outrider_shim/__init__.py" in paths
    assert [site.paths.socket.rpartition("/")[2] for site in both.sites] == [
        "shop.sock",
        "blog.sock",
    ]
    conf = nginx_conf(SHOP, BLOG)
    assert "proxy_pass http://shop;" in conf
    assert "proxy_pass http://blog;" in conf


def test_what_is_the_fronts_is_told_once_and_the_rest_for_each_site():
    both = fleet({**SHOP, "workers": 1}, {**BLOG, "workers": 2}, bind="127.0.0.1:8080")
    assert {d.name for d in both.decisions} >= {"bind", "nginx", "run_dir", "user"}
    for site, workers in zip(both.sites, ("1", "2"), strict=True):
        assert decided(site)["workers"][0] == workers
        assert "bind" not in decided(site)


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ({"name": "a", "prefix": "/b"}, "a"),
        ({"prefix": "/b/c"}, "b-c"),
        ({"server_names": ["*.b.example"]}, "b.example"),
        ({"server_names": ["::1"]}, "1"),
        ({}, "shop"),  # the folder's
        ({"prefix": "/nginx"}, "site-nginx"),
        ({"prefix": "/default"}, "site-default"),
        ({"prefix": "/~"}, "site"),
        ({"prefix": "/" + "x" * 50}, "x" * 32),
    ],
)
def test_a_site_is_called_by_its_name_prefix_host_or_folder(table, name):
    other = {"name": "other", "server_names": ["other.example"]}
    assert fleet(table, other).first.name == name


def test_two_of_one_name_are_refused_and_both_are_told():
    error = refused({"name": "Shop"}, {"prefix": "/shop"})
    assert error.id == "same-name"
    assert error.found == (
        "site 'Shop': prefix / (default), server_names any (default)",
        f"site 'shop': prefix /shop ({ORIGIN} /shop: prefix), server_names any (default)",
    )


# -- who answers where -----------------------------------------------------------------------------


def served(*tables, **above):
    """Return for each server its names and its sites."""
    servers = fleet(*tables, **above).servers
    return [(server.names, [site.name for site in server.sites]) for server in servers]


def test_sites_of_the_same_hosts_share_a_server_and_the_longest_prefix_comes_first():
    deep = {"prefix": "/shop/admin"}
    assert served({"name": "home"}, SHOP, deep) == [((), ["shop-admin", "shop", "home"])]


def test_a_host_that_two_sites_name_is_a_server_of_both_and_the_other_of_one():
    one = {"name": "one", "server_names": ["a.example", "b.example"]}
    two = {"name": "two", "server_names": ["b.example"], "prefix": "/two"}
    assert served(one, two) == [(("b.example",), ["two", "one"]), (("a.example",), ["one"])]


def test_a_site_without_names_answers_for_every_host_that_no_other_names():
    named = {"name": "named", "server_names": ["a.example"]}
    assert served({"name": "rest"}, named) == [(("a.example",), ["named"]), ((), ["rest"])]
    assert "return 421" not in nginx_conf({"name": "rest"}, named)


def test_where_all_have_names_any_other_host_is_refused():
    conf = nginx_conf({"server_names": ["a.example"]}, {"server_names": ["b.example"]})
    assert conf.count("default_server") == 1
    assert "return 421" in conf


def test_a_name_that_is_said_twice_is_one():
    twice = {"server_names": ["a.example", "A.example"], "name": "a"}
    assert served(twice, BLOG) == [(("a.example",), ["a"]), ((), ["blog"])]


def test_a_site_of_wildcards_alone_is_not_said_to_be_at_the_address():
    site = fleet({"server_names": ["*.a.example"]}, {"server_names": ["b.example"]}).first
    assert site.url == "http://*.a.example:8000/"


def test_names_above_the_tables_are_every_sites_names():
    assert served(SHOP, BLOG, server_names=["a.example"]) == [(("a.example",), ["blog", "shop"])]


def test_the_names_of_this_machine_are_added_to_a_site_alone_and_not_to_each_of_several():
    says = [facts(app={"trusted_hosts": (f"{name}.example",)}) for name in "ab"]
    assert served({}, {"name": "b"}, observed=says) == [
        (("a.example",), ["a.example"]),
        (("b.example",), ["b"]),
    ]


def test_where_no_site_is_at_the_root_nothing_is_and_nobody_is_sent_anywhere():
    conf = nginx_conf(SHOP, BLOG)
    assert "location = / {" not in conf
    assert conf.count("location / { return 404; }") == 1
    assert "location / { return 404; }" not in nginx_conf(SHOP, {"name": "home"})


def test_a_name_that_looks_like_the_default_servers_is_not_used_twice():
    conf = nginx_conf({"name": "rest"}, {"name": "here", "server_names": ["localhost"]})
    assert conf.count("server_name localhost;") == 1
    assert "server_name _;" in conf


def test_a_smaller_limit_stands_where_the_site_is_and_on_its_page():
    conf = nginx_conf({**SHOP, "body_limit": "1m"}, BLOG)
    assert "client_max_body_size 104857600;\n" in conf
    assert conf.count("client_max_body_size 1048576;") == 2  # of the page and of the stream
    assert 'shop "1 MB";' in conf
    assert "at most $outrider_limit in one request" in conf


# -- overlaps --------------------------------------------------------------------------------------


def test_the_same_prefix_of_the_same_host_is_refused_with_both_origins():
    error = refused({"name": "a", **SHOP}, {"name": "b", "prefix": "/shop/"})
    assert error.id == "same-place"
    assert error.what == "two sites are to answer at any host, /shop"
    assert "outrider.toml: [[site]] a: prefix" in error.found[0]
    assert "outrider.toml: [[site]] b: prefix" in error.found[1]


def test_two_sites_for_the_whole_of_any_host_are_refused():
    assert refused({"name": "a"}, {"name": "b"}).what == ("two sites are to answer at any host, /")


def test_one_name_in_common_is_enough():
    tables = ({"name": n, "server_names": [f"{n}.example", "both.example"]} for n in "ab")
    assert refused(*tables).what == "two sites are to answer at both.example, /"


@pytest.mark.parametrize(
    "tables",
    [
        [{"server_names": ["a.example"]}, {"server_names": ["b.example"]}],
        [{"server_names": ["a.example"]}, {}],
        [SHOP, {"prefix": "/shopping"}],
        [SHOP, {"prefix": "/shop/admin"}],
    ],
)
def test_other_hosts_and_other_prefixes_are_no_overlap(tables):
    assert len(fleet(*tables).sites) == 2


PICTURES = {path: Directory(path=path) for path in ("/srv/shop/pictures",)}


def with_pictures(url, prefix, other):
    """Plan a site with a folder at a URL, and another one."""
    one = {"name": "one", "prefix": prefix, "static": {url: "pictures"}}
    return (one, {"name": "two", "prefix": other}), [facts(directories=PICTURES), facts()]


@pytest.mark.parametrize(
    ("url", "prefix", "other"),
    [
        ("/shop/pictures/", "/", "/shop"),  # Nginx would ask the app at /shop
        ("/shop/", "/", "/shop"),
        ("/pictures/", "/", "/pictures/admin"),  # and here it would look in the folder
        ("/admin/x/", "/shop", "/shop/admin"),
    ],
)
def test_a_folder_of_one_in_the_urls_of_another_is_refused(url, prefix, other):
    tables, observed = with_pictures(url, prefix, other)
    error = refused(*tables, observed=observed)
    assert error.id == "folder-in-other-site"
    assert error.found[0].startswith("/srv/shop/pictures (outrider.toml: [[site]] one: static), of")
    assert "site 'two': prefix" in error.found[1]


@pytest.mark.parametrize(
    ("url", "prefix", "other"),
    [
        ("/pictures/", "/shop/admin", "/shop"),  # it lies in its own site, which lies in another
        ("/shopping/", "/", "/shop"),
        ("/pictures/", "/", "/pictures-2"),
    ],
)
def test_a_folder_in_its_own_sites_urls_is_served(url, prefix, other):
    tables, observed = with_pictures(url, prefix, other)
    assert len(fleet(*tables, observed=observed).sites) == len(tables)


def test_on_another_host_a_folder_is_in_nobodys_way():
    tables, observed = with_pictures("/shop/pictures/", "/", "/shop")
    tables[1]["server_names"] = ["other.example"]
    assert len(fleet(*tables, observed=observed).sites) == len(tables)


def test_a_folder_at_the_root_is_looked_into_before_the_app_and_hides_nobody():
    spa = {"name": "home", "spa": "dist"}
    observed = [
        facts(directories={"/srv/shop/dist": Directory(path="/srv/shop/dist", has_index=True)}),
        facts(),
    ]
    assert "@index_home" in lay_out(fleet(spa, SHOP, observed=observed))[0].content


# -- the machine is shared -------------------------------------------------------------------------


def test_the_workers_are_shared_but_none_has_less_than_two():
    def workers(cpus, sites):
        tables = [{"prefix": f"/{number}"} for number in range(sites)]
        made = fleet(*tables, observed=[facts(host={"cpus": cpus}) for _ in tables])
        return made.first.workers.count

    assert workers(4, 1) == 9
    assert workers(4, 3) == 3
    assert workers(2, 5) == 2


def test_the_memory_is_shared():
    heavy = [facts(host={"memory_bytes": 2**30}, app={"rss_bytes": 2**28}) for _ in range(2)]
    site = fleet(SHOP, BLOG, observed=heavy).first
    assert site.workers.count == 1
    assert decided(site)["workers"][2] == "256 MiB each fit into 38% of 1024 MiB (/proc/meminfo)"


def test_the_longest_socket_is_measured():
    with pytest.raises(OutriderError) as caught:
        fleet({"name": "a" * 32}, BLOG, run_dir="/" + "d" * 75)
    assert caught.value.id == "socket-path-too-long"
    assert f"in site '{'a' * 32}'" in caught.value.found[-1]


def test_sites_of_different_users_are_refused():
    ann, bob = Account(uid=1000, gid=1000, name="ann"), Account(uid=1001, gid=1001, name="bob")
    root = {"uid": 0, "account": Account(uid=0, gid=0, name="root")}
    observed = [facts(host={**root, "candidates": (one,)}) for one in (ann, bob)]
    error = refused(SHOP, BLOG, observed=observed)
    assert error.id == "several-users"
    assert error.found == ("site 'shop': ann", "site 'blog': bob")


# -- a mistake in one of them ----------------------------------------------------------------------


def test_an_error_of_one_site_says_which():
    observed = [facts(), facts(app={"is_debug": True, "debug_source": "app.debug is True"})]
    error = refused(SHOP, BLOG, observed=observed, bind="0.0.0.0:80")
    assert error.id == "debug-mode"
    assert error.found[-1].startswith("in site '/blog'")


def test_a_configuration_in_the_folder_of_a_site_is_told_to_be_unread():
    observed = [facts(project={"unread": "/srv/shop/outrider.toml"}), facts()]
    site, other = fleet(SHOP, BLOG, observed=observed).sites
    assert decided(site)["outrider.toml"][0] == "not read"
    assert "outrider.toml" not in decided(other)


@pytest.mark.parametrize(
    ("site", "above"),
    [
        ({}, {"live_path": "/up", "ready_path": "/up"}),
        (SHOP, {"live_path": "/shop/up", "ready_path": "/up"}),
        (SHOP, {"live_path": "/shop"}),
        (SHOP, {"live_path": "/shop/"}),
    ],
)
def test_a_page_of_nginx_has_one_answer(site, above):
    assert refused(site, **above).id == "same-page"


# -- who may ask whether all is well ---------------------------------------------------------------


def near(**above):
    """Return the networks from which Nginx tells of its health."""
    part = nginx_conf({"prefix": "/one"}, {"prefix": "/two"}, **above).partition("_is_near {")[2]
    return re.findall(r"^\s+(\S+) 1;$", part.partition("}")[0], re.MULTILINE)


def test_health_is_told_to_this_machine_by_whichever_address():
    assert near() == ["127.0.0.0/8", "::1", "127.0.0.1"]
    assert near(bind="0.0.0.0:80") == ["127.0.0.0/8", "::1"]
    assert near(bind="192.0.2.1:80") == ["127.0.0.0/8", "::1", "192.0.2.1"]


def test_health_is_told_to_proxies_and_to_who_is_named():
    found = near(trusted_proxies=["10.0.0.0/8"], health_from=["192.0.2.7", "10.0.0.0/8"])
    assert found[3:] == ["10.0.0.0/8", "192.0.2.7/32"]
