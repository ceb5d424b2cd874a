"""What users type, in flags, variables and files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.errors import Exit, OutriderError
from outrider.settings import SETTINGS, Given, TomlSource, resolve, resolve_sites
from outrider.values import (
    Address,
    BadValueError,
    NamedCommand,
    UrlDirectory,
    parse_address,
    parse_name,
    parse_network,
    parse_page,
    parse_path,
    parse_prefix,
    parse_proxies,
    parse_seconds,
    parse_server_name,
    parse_size,
    parse_url_directory,
)


def toml(**table):
    return TomlSource(name="outrider.toml", directory="/srv/shop", table=table)


def refused(**sources):
    given = {"flags": {}, "env": {}, "toml": None, "cwd": "/here", **sources}
    with pytest.raises(OutriderError) as caught:
        resolve(**given)
    assert caught.value.exit_code == Exit.SETTINGS
    return caught.value


# -- where a value comes from ----------------------------------------------------------------------


def test_a_flag_beats_a_variable_beats_a_file():
    env = {"OUTRIDER_WORKERS": "4", "OUTRIDER_THREADS": "3"}
    settings = resolve({"workers": "5"}, env, toml(workers=2, threads=2, timeout=9), "/here")
    assert settings.get("workers") == Given(5, "--workers")
    assert settings.get("threads") == Given(3, "OUTRIDER_THREADS")
    assert settings.get("timeout") == Given(9, "outrider.toml: timeout")


def test_what_nobody_says_is_left_to_the_plan():
    assert resolve({"workers": None, "static": ()}, {}, None, "/").given == {}


def test_a_mistake_in_a_weaker_place_does_not_hide_behind_a_flag():
    error = refused(flags={"workers": "5"}, env={"OUTRIDER_WORKERS": "many"})
    assert error.what == "OUTRIDER_WORKERS takes a whole number, 1 or more"


def test_paths_are_relative_to_the_place_that_names_them():
    given = resolve({"nginx": "bin/nginx"}, {}, toml(env_file="prod.env"), "/here")
    assert given.value("nginx") == "/here/bin/nginx"
    assert given.value("env_file") == "/srv/shop/prod.env"


def test_a_repeated_setting_is_a_list_in_each_place():
    pair = UrlDirectory(url="/a/", directory="/here/x")
    assert resolve({"static": ("/a/=x",)}, {}, None, "/here").value("static") == (pair,)
    assert resolve({}, {"OUTRIDER_STATIC": "/a/=x"}, None, "/here").value("static") == (pair,)
    table = toml(static={"/a/": "x"})
    assert resolve({}, {}, table, "/").value("static")[0].directory == "/srv/shop/x"
    assert (
        len(resolve({}, {}, toml(server_names=["a.com", "b.com"]), "/").value("server_names")) == 2
    )


def test_other_variables_are_nobodys_business():
    assert resolve({}, {"WORKERS": "x", "OUTRIDERS": "y"}, None, "/").given == {}


# -- what is refused -------------------------------------------------------------------------------


def test_an_unknown_key_is_refused_with_the_nearest_name():
    error = refused(toml=toml(worker=2))
    assert error.what == "there is no setting 'worker'"
    assert error.found == ("it stands in outrider.toml",)
    assert error.fix == ("did you mean 'workers'?",)


def test_an_unknown_variable_is_refused_with_the_nearest_name():
    error = refused(env={"OUTRIDER_TIMOUT": "3"})
    assert error.fix == ("did you mean 'OUTRIDER_TIMEOUT'?",)


def test_a_key_that_resembles_nothing_points_to_the_list():
    assert "outrider run --help" in refused(toml=toml(zzz=1)).fix[0]


@pytest.mark.parametrize("raw", [True, 2.5, "two", [], -1, 0, "1e3"])
def test_a_number_of_workers_of_the_wrong_type_names_its_place(raw):
    error = refused(toml=toml(workers=raw))
    assert error.what == "outrider.toml: workers takes a whole number, 1 or more"
    assert repr(raw) in error.found[0]


def test_a_list_where_one_value_is_needed_and_the_reverse():
    assert refused(toml=toml(env_file=["a"])).what.endswith("takes a text in quotes, not a list")
    assert refused(toml=toml(static=3)).what == "outrider.toml: static takes a list, not a number"


@pytest.mark.parametrize("raw", ["/a$b", "a\nb", "", "   ", 3])
def test_a_path_that_nginx_cannot_be_told_is_refused(raw):
    with pytest.raises(BadValueError):
        parse_path(raw)


@pytest.mark.parametrize(
    "url", ["static", "/a b/=x", "/a;b/=x", '/a"/=x', "/../=x", "//=x", "/=x", "=x"]
)
def test_a_url_that_nginx_cannot_be_told_is_refused(url):
    with pytest.raises(BadValueError):
        parse_url_directory(url if "=" in url else url + "=x")


# -- several sites ---------------------------------------------------------------------------------


def sites(*tables, flags=None, env=None, **above):
    return resolve_sites(flags or {}, env or {}, toml(**above, site=list(tables)), "/here")


def refused_sites(*tables, **more):
    with pytest.raises(OutriderError) as caught:
        sites(*tables, **more)
    assert caught.value.exit_code == Exit.SETTINGS
    return caught.value


def test_without_tables_there_is_one_site():
    [alone] = resolve_sites({"workers": "5"}, {}, toml(threads=2), "/here")
    assert (alone.value("workers"), alone.value("threads")) == (5, 2)
    assert resolve_sites({}, {}, None, "/here")[0].given == {}


def test_what_stands_above_is_the_default_of_each_table():
    one, two = sites({"prefix": "/a", "workers": 1}, {"prefix": "/b"}, workers=4, bind="8080")
    assert one.get("workers") == Given(1, "outrider.toml: [[site]] /a: workers")
    assert two.get("workers") == Given(4, "outrider.toml: workers")
    assert one.value("bind") == two.value("bind") == Address(host="127.0.0.1", port=8080)


def test_flags_and_variables_are_for_all_sites():
    tables = ({"prefix": "/a", "workers": 1, "threads": 1}, {"prefix": "/b"})
    for one in sites(*tables, flags={"workers": "7"}, env={"OUTRIDER_THREADS": "3"}):
        assert (one.value("workers"), one.value("threads")) == (7, 3)


def test_paths_in_a_table_are_relative_to_the_file():
    [one] = sites({"directory": "shop", "env_file": "a.env", "static": {"/s/": "s"}})
    assert one.value("directory") == "/srv/shop/shop"
    assert one.value("env_file") == "/srv/shop/a.env"
    assert one.value("static")[0].directory == "/srv/shop/s"


@pytest.mark.parametrize(
    ("table", "label"),
    [
        ({"name": "a", "prefix": "/b"}, "a"),
        ({"prefix": "/b", "server_names": ["c.example"]}, "/b"),
        ({"server-names": ["c.example"], "directory": "d"}, "c.example"),
        ({"server_names": "c.example"}, "c.example"),
        ({"directory": "./d"}, "./d"),
        ({"server_names": []}, "1"),
        ({}, "1"),
    ],
)
def test_a_mistake_in_a_table_says_in_which(table, label):
    error = refused_sites({**table, "wokers": 2})
    assert error.found == (f"it stands in outrider.toml: [[site]] {label}",)
    assert error.fix == ("did you mean 'workers'?",)
    if "name" not in table:
        error = refused_sites({**table, "workers": "many"})
        assert error.what.startswith(f"outrider.toml: [[site]] {label}: workers takes")


FRONT = ["bind", "drain_timeout", "log_format", "nginx", "nginx_snippet", "run_dir"]


@pytest.mark.parametrize("key", [*FRONT, "trusted_proxies", "trusted-proxies", "user"])
def test_what_is_the_fronts_is_refused_in_a_table(key):
    error = refused_sites({"prefix": "/a", key: "x"})
    assert error.what == f"{key!r} belongs to the front, which all sites share"
    assert error.found == ("it stands in outrider.toml: [[site]] /a",)


def test_extra_processes_belong_to_one_of_several_sites():
    one, two = sites({"processes": {"queue": "rq worker"}}, {"prefix": "/b"})
    assert [command.name for command in one.value("processes")] == ["queue"]
    assert two.value("processes") is None
    for told in (
        refused_sites({}, {}, processes={"queue": "rq worker"}),
        refused_sites({}, {}, flags={"processes": ("queue=rq worker",)}),
        refused_sites({}, {}, env={"OUTRIDER_PROCESSES": "queue=rq worker"}),
    ):
        assert told.what == "an extra process belongs to one site, and there are 2 of them"


def test_one_app_cannot_be_named_for_several_sites():
    error = refused_sites({"prefix": "/a"}, {"prefix": "/b"}, flags={"target": "shop:app"})
    assert error.what == "shop:app is one app, and outrider.toml describes 2 sites"
    error = refused_sites({}, env={"OUTRIDER_TARGET": 'shop:make("x")'})
    assert error.found == ("OUTRIDER_TARGET names it",)
    assert "target = 'shop:make(\"x\")'" in error.fix[1]
    # In the file it is every site's default: one app, mounted twice.
    assert [one.value("target") for one in sites({}, {}, target="shop:app")] == ["shop:app"] * 2


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"prefix": "/a"}, "a table"),
        ([], "an empty list"),
        ("x", "a text"),
        ([1], "a list with a number in it"),
    ],
)
def test_what_is_not_a_list_of_tables(raw, kind):
    with pytest.raises(OutriderError) as caught:
        resolve_sites({}, {}, toml(site=raw), "/here")
    assert caught.value.found == (f"in outrider.toml it is {kind}",)
    assert "[[site]]" in caught.value.fix[0]


def test_misspelt_tables_are_refused_with_the_right_name():
    assert refused(toml=toml(sites=[{}])).fix == ("did you mean 'site'?",)


def test_a_table_holds_no_tables_of_its_own():
    assert refused_sites({"site": [{}]}).what == "there is no setting 'site'"


@pytest.mark.parametrize("raw", ["", "-a", "a/b", "a b", "a" * 33, "Nginx", "front", "ä", 3])
def test_what_is_no_name(raw):
    with pytest.raises(BadValueError):
        parse_name(raw)


# -- the parsers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "host", "port"),
    [
        ("8000", "127.0.0.1", 8000),
        (8000, "127.0.0.1", 8000),
        (":80", "0.0.0.0", 80),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("localhost:8000", "127.0.0.1", 8000),
        ("[::1]:443", "::1", 443),
    ],
)
def test_addresses(raw, host, port):
    assert parse_address(raw) == Address(host=host, port=port)


@pytest.mark.parametrize(
    "raw", ["", "x", "host:80", "1.2.3.4", "1.2.3.4:0", ":99999", "::1:80", True, None]
)
def test_what_is_no_address(raw):
    with pytest.raises(BadValueError):
        parse_address(raw)


def test_an_ipv6_address_is_shown_as_nginx_writes_it():
    assert str(Address(host="::1", port=80)) == "[::1]:80"


@pytest.mark.parametrize(
    ("raw", "size"),
    [("10m", 10 * 2**20), ("2g", 2 * 2**30), ("512K", 2**19), (7, 7), ("1MiB", 2**20)],
)
def test_sizes(raw, size):
    assert parse_size(raw) == size


@pytest.mark.parametrize(("raw", "seconds"), [(30, 30), ("30s", 30), ("2m", 120), ("1h", 3600)])
def test_durations(raw, seconds):
    assert parse_seconds(raw) == seconds


@pytest.mark.parametrize("raw", [0, "0s", "-1", "1.5", "1d", True, None, []])
def test_what_is_no_duration_and_no_size(raw):
    for parse in (parse_seconds, parse_size):
        with pytest.raises(BadValueError):
            parse(raw)


@pytest.mark.parametrize(
    "raw",
    ["example.com", "*.example.com", "EXAMPLE.com.", "127.0.0.1", "::1", "*", "bücher.example"],
)
def test_host_names(raw):
    assert parse_server_name(raw).isascii()


@pytest.mark.parametrize("raw", ["a b", "a;b", "~^x$", "a..b", "-a", "$host", "a\n", ""])
def test_what_is_no_host_name(raw):
    with pytest.raises(BadValueError):
        parse_server_name(raw)


def test_a_single_address_is_a_network_of_one():
    assert parse_proxies("10.0.0.5") == "10.0.0.5/32"
    assert parse_proxies("10.0.0.5/8") == "10.0.0.0/8"


def test_the_whole_world_is_no_proxy():
    with pytest.raises(BadValueError, match="forge"):
        parse_proxies("0.0.0.0/0")


def test_the_whole_world_may_ask_whether_all_is_well():
    assert parse_network("0.0.0.0/0") == "0.0.0.0/0"
    with pytest.raises(BadValueError, match="an IP address or network"):
        parse_network("all")


@pytest.mark.parametrize("raw", ["/", "up", "/a b", "/up?full=1", ""])
def test_what_is_no_page(raw):
    with pytest.raises(BadValueError, match="without a query"):
        parse_page(raw)


def test_a_page_keeps_its_closing_slash_since_an_app_would_redirect_the_other():
    assert (parse_page("/up"), parse_page(" /up/ ")) == ("/up", "/up/")


def test_a_prefix_loses_its_closing_slash():
    assert parse_prefix("/shop/") == parse_prefix("/shop") == "/shop"
    assert parse_prefix("/") == ""


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text(), max_size=2))
)
def test_whatever_is_given_a_parser_answers_or_refuses_in_words(raw):
    for row in SETTINGS:
        try:
            row.parse(raw)
        except BadValueError as error:
            assert str(error)  # noqa: PT017 - most values are taken


def test_each_setting_has_its_own_flag_and_variable():
    assert len({row.option for row in SETTINGS}) == len(SETTINGS)
    assert len({row.variable for row in SETTINGS}) == len(SETTINGS)
    assert all(row.help.endswith(".") and row.default for row in SETTINGS)


# -- extra processes -------------------------------------------------------------------------------


def commands(raw):
    return resolve({}, {}, toml(processes=raw), "/here").value("processes")


def test_the_same_command_can_be_written_in_each_of_the_ways():
    words = ("celery", "-A", "shop", "worker")
    line = "worker=celery -A shop worker"
    for read in (
        commands({"worker": "celery -A shop worker"}),
        commands({"worker": ["celery", "-A", "shop", "worker"]}),
        commands({"worker": {"command": "celery -A shop worker"}}),
        commands([line]),
        resolve({"processes": (line,)}, {}, None, "/here").value("processes"),
        resolve({}, {"OUTRIDER_PROCESSES": line}, None, "/here").value("processes"),
    ):
        assert read == (NamedCommand(name="worker", words=words),)


def test_the_variable_has_one_command_a_line_and_may_have_none():
    def given(variable):
        settings = resolve({}, {"OUTRIDER_PROCESSES": variable}, toml(processes={"x": "y"}), "/")
        return [command.name for command in settings.value("processes")]

    assert given("a=x 1\n\n b=y 2\n") == ["a", "b"]
    assert given("") == []


def test_words_keep_their_quotes_as_a_shell_would_read_them():
    (one,) = commands({"queue": """sh -c 'echo "$HOME" > a | b'"""})
    assert one.words == ("sh", "-c", 'echo "$HOME" > a | b')


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"queue": "rq worker && echo"}, "no '&&', because no shell reads it"),
        ({"queue": "rq worker > log"}, "no '>', because no shell reads it"),
        ({"queue": "rq 'worker"}, "quotes that are closed"),
        ({"queue": ""}, "a value; this one is empty"),
        ({"queue": "''"}, "a program first"),
        ({"queue": 5}, "a text in quotes, not a number"),
        ({"queue": []}, "a text in quotes, not a list"),
        ({"nginx": "rq worker"}, "another name than 'nginx'"),
        ({"app": "rq worker"}, "another name than 'app'"),
        ({"my queue": "rq worker"}, "a short name"),
        ({"queue": {"unless": "REDIS_URL"}}, "which has no command yet"),
        ({"queue": {"command": "rq", "when": "x"}}, "without 'when'"),
        ({"queue": {"command": "rq", "unless": "$X"}}, "the name of an environment variable"),
        (["queue"], "NAME=COMMAND"),
        ("queue", "NAME=COMMAND"),
    ],
)
def test_a_command_that_cannot_be_run_as_it_is_written_is_refused(raw, why):
    error = refused(toml=toml(processes=raw))
    assert error.what.startswith("outrider.toml: processes takes")
    assert why in error.what
