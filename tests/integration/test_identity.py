"""Who is asking, and by what name: right without a change to the app, whatever a client claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.running import Running

pytestmark = pytest.mark.integration

FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Protocol": "ssl",
    "X-Url-Scheme": "https",
    "Front-End-Https": "on",
    "Forwarded": "for=6.6.6.6;proto=https;host=evil.example",
    "X-Real-IP": "6.6.6.6",
    "X-Real-Port": "6666",
    "X-Client-IP": "6.6.6.6",
    "Client-IP": "6.6.6.6",
    "X-Request-ID": "666",
    "Script-Name": "/evil",
    "SCRIPT_NAME": "/evil",
    "Path-Info": "/evil",
    "PATH_INFO": "/evil",
    "Remote-Addr": "6.6.6.6",
    "Proxy": "http://evil.example",
    "X_Forwarded_For": "6.6.6.6",
    "X_Forwarded_Host": "evil.example",
    "X_Real_IP": "6.6.6.6",
    "HTTP_HOST": "evil.example",
    "REMOTE_ADDR": "6.6.6.6",
}

CLEARED = (
    # Whoever reads one of these believes a proxy; none of them reaches the app.
    *("HTTP_X_FORWARDED_SSL", "HTTP_X_FORWARDED_PROTOCOL", "HTTP_X_FORWARDED_PREFIX"),
    *("HTTP_FORWARDED", "HTTP_PROXY"),
)

BEHIND_PROXYFIX = pytest.mark.parametrize("fixed", [0, 1], ids=["as-it-is", "behind-proxyfix"])
"""What Flask's documentation advises, with every header on; it must change nothing."""


def ask(site: Running, path: str = "/", fixed: int = 0, **more: Any) -> dict[str, Any]:
    """Return what the app believes."""
    answer = site.get(f"{path}?fixed={fixed}", **more)
    assert answer.status == 200, answer.text
    return answer.json()


def ask_raw(site: Running, request: str) -> tuple[int, str]:
    """Return the status and the body of a request that is written out."""
    head, _, body = site.raw(request.replace("\n", "\r\n").encode()).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body.decode()


@pytest.fixture(scope="module")
def site(serve, copy_of) -> Running:
    return serve(cwd=copy_of("behaviour_echo"))


# -- nobody in front -----------------------------------------------------------------------------


@BEHIND_PROXYFIX
def test_the_app_knows_the_client_and_the_address_that_was_typed(site, fixed):
    told = ask(site, fixed=fixed, source="127.0.0.3")
    assert told["remote_addr"] == "127.0.0.3"
    assert told["host"] == f"127.0.0.1:{site.port}"
    assert told["url"] == f"http://127.0.0.1:{site.port}/there"
    assert told["server_name"] == "127.0.0.1"
    assert told["server_port"] == str(site.port)
    assert (told["scheme"], told["is_secure"], told["script_root"]) == ("http", False, "")


@BEHIND_PROXYFIX
@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("shop.example", "shop.example", "80"),
        ("shop.example:80", "shop.example", "80"),
        ("shop.example:8080", "shop.example:8080", "8080"),
        ("SHOP.example:8080", "shop.example:8080", "8080"),
        ("[::1]", "[::1]", "80"),
        ("[::1]:8080", "[::1]:8080", "8080"),
        ("10.0.0.1:81", "10.0.0.1:81", "81"),
    ],
)
def test_the_host_is_the_one_that_was_typed(site, fixed, typed, host, port):
    told = ask(site, fixed=fixed, headers={"Host": typed})
    assert told["host"].lower() == host
    assert told["url"].lower() == f"http://{host}/there"
    assert told["server_port"] == port


@BEHIND_PROXYFIX
def test_nothing_that_a_client_says_of_itself_is_believed(site, fixed):
    honest, forged = ask(site, fixed=fixed), ask(site, fixed=fixed, headers=FORGED)
    for name in ("remote_addr", "scheme", "is_secure", "host", "url", "script_root", "path"):
        assert forged[name] == honest[name], name
    for name in ("server_name", "server_port", "http_host"):
        assert forged[name] == honest[name], name
    headers = forged["headers"]
    assert [name for name in CLEARED if name in headers] == []
    assert headers["HTTP_X_FORWARDED_FOR"] == headers["HTTP_X_REAL_IP"] == "127.0.0.1"
    assert headers["HTTP_X_FORWARDED_PROTO"] == "http"
    assert headers["HTTP_X_FORWARDED_HOST"] == f"127.0.0.1:{site.port}"
    assert headers["HTTP_X_FORWARDED_PORT"] == str(site.port)
    assert headers["HTTP_X_REAL_PORT"] != "6666"
    assert headers["HTTP_X_REQUEST_ID"] != "666"


@BEHIND_PROXYFIX
@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"])
def test_saying_it_twice_does_not_help(site, fixed, name):
    status, body = ask_raw(
        site,
        f"GET /?fixed={fixed} HTTP/1.1\nHost: 127.0.0.1:{site.port}\nConnection: close\n"
        f"{name}: {FORGED[name]}\n{name.lower()}: {FORGED[name]}\n{name.upper()}: x\n\n",
    )
    assert status == 200
    assert "6.6.6.6" not in body
    assert "https" not in body
    assert "evil" not in body


def test_the_id_of_a_request_is_our_own(site):
    answer = site.get("/", headers={"X-Request-ID": "forged"})
    (shown,) = answer.headers.get_all("X-Request-ID")
    assert shown == answer.json()["headers"]["HTTP_X_REQUEST_ID"]
    assert len(shown) == 32


UNSOUND = (
    "good.example:80@evil.example",
    "good.example:80#.evil.example",
    "good.example:80?.evil.example",
    "good.example:80:80@evil.example",
    "good.example:99999999",
    "[::1]evil.example",
    "[::1]:80@evil.example",
)


@pytest.mark.parametrize("host", UNSOUND)
def test_a_host_with_something_behind_it_is_not_passed_on(site, host):
    status, body = ask_raw(site, f"GET / HTTP/1.1\nHost: {host}\nConnection: close\n\n")
    assert status in (200, 400)
    assert "evil" not in body
    assert "99999999" not in body


def test_two_hosts_are_refused(site):
    status, _ = ask_raw(site, "GET / HTTP/1.1\nHost: a.example\nHost: b.example\n\n")
    assert status == 400


def test_the_name_in_the_request_line_counts(site):
    # https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
    status, body = ask_raw(
        site, "GET http://good.example/ HTTP/1.1\nHost: evil.example\nConnection: close\n\n"
    )
    assert status in (200, 400)
    assert "evil" not in body


@BEHIND_PROXYFIX
def test_a_client_of_1996_sends_no_host(site, fixed):
    status, body = ask_raw(site, f"GET /?fixed={fixed} HTTP/1.0\n\n")
    assert status == 200
    assert '"remote_addr":"127.0.0.1"' in body
    assert '"server_name":"localhost"' in body
    assert f'"server_port":"{site.port}"' in body
    assert f'"url":"http://localhost:{site.port}/there"' in body


def test_a_redirect_of_the_app_is_left_as_it_is(site):
    assert site.get("/redirect").headers["Location"] == "/there"


def test_no_answer_of_the_app_makes_nginx_send_a_file(site):
    answer = site.get("/accel")
    assert (answer.status, answer.text) == (200, "from the app\n")
    assert "X-Accel-Redirect" not in answer.headers
    (shown,) = answer.headers.get_all("X-Request-ID")
    assert shown != "chosen-by-the-app"


# -- behind a proxy that is trusted --------------------------------------------------------------

HONEST = {
    "X-Forwarded-For": "9.9.9.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Request-ID": "id-of-the-proxy.1",
}


@pytest.fixture(scope="module")
def behind(serve, copy_of) -> Running:
    return serve("--trusted-proxy", "127.0.0.1", cwd=copy_of("behaviour_echo"))


@BEHIND_PROXYFIX
def test_a_trusted_proxy_says_who_the_client_is(behind, fixed):
    answer = behind.get(f"/?fixed={fixed}", headers=HONEST)
    told = answer.json()
    assert told["remote_addr"] == "9.9.9.9"
    assert (told["scheme"], told["is_secure"]) == ("https", True)
    assert told["host"] == told["server_name"] == "shop.example"
    assert told["server_port"] == "443"
    assert told["url"] == "https://shop.example/there"
    assert told["headers"]["HTTP_X_REQUEST_ID"] == "id-of-the-proxy.1"
    assert answer.headers.get_all("X-Request-ID") == ["id-of-the-proxy.1"]


@BEHIND_PROXYFIX
def test_nobody_else_is_believed(behind, fixed):
    answer = behind.get(f"/?fixed={fixed}", headers=FORGED, source="127.0.0.2")
    told = answer.json()
    assert told["remote_addr"] == "127.0.0.2"
    assert (told["scheme"], told["script_root"]) == ("http", "")
    assert told["url"] == f"http://127.0.0.1:{behind.port}/there"
    assert told["server_port"] == str(behind.port)
    assert [name for name in CLEARED if name in told["headers"]] == []
    assert told["headers"]["HTTP_X_REQUEST_ID"] == answer.headers["X-Request-ID"] != "666"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("9.9.9.9", "9.9.9.9"),
        ("6.6.6.6, 9.9.9.9", "9.9.9.9"),
        ("6.6.6.6, 9.9.9.9, 127.0.0.1", "9.9.9.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("6.6.6.6,9.9.9.9 ", "9.9.9.9"),
    ],
)
@BEHIND_PROXYFIX
def test_the_client_is_the_last_address_that_no_proxy_of_ours_has(behind, fixed, chain, client):
    told = ask(behind, fixed=fixed, headers={"X-Forwarded-For": chain})
    assert told["remote_addr"] == client
    assert told["headers"]["HTTP_X_FORWARDED_FOR"] == client


def test_what_a_trusted_proxy_does_not_say_is_as_without_it(behind):
    told = ask(behind)
    assert told["remote_addr"] == "127.0.0.1"
    assert told["url"] == f"http://127.0.0.1:{behind.port}/there"
    told = ask(behind, headers={"Host": "shop.example:81"})
    assert told["url"] == "http://shop.example:81/there"
    assert told["server_port"] == "81"


@BEHIND_PROXYFIX
@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"X-Forwarded-Port": "8443"}, "https://shop.example:8443/there"),
        ({"X-Forwarded-Port": "443"}, "https://shop.example/there"),
        ({"X-Forwarded-Host": "shop.example:8443"}, "https://shop.example:8443/there"),
        ({"X-Forwarded-Prefix": "/outer"}, "https://shop.example/outer/there"),
        ({"X-Forwarded-Prefix": "/outer/"}, "https://shop.example/outer/there"),
        ({"X-Forwarded-Prefix": "/"}, "https://shop.example/there"),
        ({"X-Forwarded-Host": "shop.example, inner.example"}, "https://shop.example/there"),
        ({"X-Forwarded-Host": "shop.example:81,inner.example"}, "https://shop.example:81/there"),
        ({"X-Forwarded-Proto": "http"}, "http://shop.example/there"),
        ({"X-Forwarded-Proto": "gopher"}, "http://shop.example/there"),
    ],
)
def test_a_trusted_proxy_says_where_the_site_is(behind, fixed, headers, url):
    assert ask(behind, fixed=fixed, headers=HONEST | headers)["url"] == url


@pytest.mark.parametrize("prefix", ["//evil.example", "/\\evil.example", "///evil.example/"])
def test_a_prefix_never_leads_to_another_host(behind, prefix):
    location = behind.get("/redirect", headers={"X-Forwarded-Prefix": prefix}).headers["Location"]
    assert location == "/evil.example/there"


@pytest.mark.parametrize("made_up", ["<script>alert(1)</script>", "a b", 'a"b', "a]", "x" * 129])
def test_an_id_that_could_not_be_shown_is_replaced(behind, made_up):
    answer = behind.get("/", headers={"X-Request-ID": made_up})
    (shown,) = answer.headers.get_all("X-Request-ID")
    assert shown == answer.json()["headers"]["HTTP_X_REQUEST_ID"]
    assert len(shown) == 32


@pytest.mark.parametrize("host", UNSOUND)
@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host"])
def test_what_a_proxy_passes_on_is_looked_at_too(behind, name, host):
    lines = {"Host": "good.example"} | {name: host}
    head = "".join(f"{key}: {value}\n" for key, value in lines.items())
    status, body = ask_raw(behind, f"GET / HTTP/1.1\n{head}Connection: close\n\n")
    assert status in (200, 400)
    assert "evil" not in body
    assert "99999999" not in body


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-Ssl", "X-Forwarded-Protocol", "Proxy"])
def test_a_header_that_is_not_understood_is_cleared_even_then(behind, name):
    told = ask(behind, headers={name: FORGED[name]})
    assert (told["remote_addr"], told["scheme"]) == ("127.0.0.1", "http")
    assert f"HTTP_{name.upper().replace('-', '_')}" not in told["headers"]


# -- below a prefix ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["--prefix", "APPLICATION_ROOT"])
def shop(request, serve, copy_of) -> Running:
    place = copy_of("behaviour_echo")
    if request.param == "--prefix":
        return serve("--prefix", "/shop", "--trusted-proxy", "127.0.0.2", cwd=place)
    env = {"SITE_APPLICATION_ROOT": "/shop"}
    return serve("--trusted-proxy", "127.0.0.2", cwd=place, env=env)


@BEHIND_PROXYFIX
def test_the_app_knows_the_prefix_that_it_is_below(shop, fixed):
    told = ask(shop, "/shop/page", fixed)
    assert (told["script_root"], told["path"]) == ("/shop", "/page")
    assert told["url"] == f"http://127.0.0.1:{shop.port}/shop/there"
    assert told["static"] == "/shop/static/hello.txt"
    assert ask(shop, "/shop/", fixed)["path"] == "/"
    assert ask(shop, "/shop/shop/page", fixed)["path"] == "/shop/page"


@BEHIND_PROXYFIX
def test_a_trusted_proxy_adds_its_own_prefix(shop, fixed):
    headers = HONEST | {"X-Forwarded-Prefix": "/outer"}
    told = ask(shop, "/shop/page", fixed, headers=headers, source="127.0.0.2")
    assert (told["script_root"], told["path"]) == ("/outer/shop", "/page")
    assert told["url"] == "https://shop.example/outer/shop/there"


def test_static_files_are_below_the_prefix(shop):
    assert shop.get("/shop/static/hello.txt").text == "hello\n"
    assert shop.get("/static/hello.txt").status == 404
    shop.wait_for(r"200 GET /shop/static/hello\.txt .*\(by nginx\)")


@pytest.mark.parametrize("path", ["/shopping", "/shopping/", "/shop.html", "/other", "/SHOP/"])
def test_what_only_begins_like_the_prefix_is_not_the_apps(shop, path):
    answer = shop.get(path)
    assert answer.status == 404
    assert b"nginx" in answer.body


def test_the_prefix_without_its_slash_leads_to_the_app(shop):
    answer = shop.get("/shop?page=2")
    assert (answer.status, answer.headers["Location"]) == (308, "/shop/?page=2")
    answer = shop.get("/")
    assert (answer.status, answer.headers["Location"]) == (302, "/shop/")


# -- host names ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def named(serve, copy_of) -> Running:
    names = ("--server-name", "shop.example", "--server-name", "*.shop.example")
    return serve(*names, cwd=copy_of("behaviour_echo"))


@pytest.mark.parametrize("host", ["shop.example", "www.shop.example", "a.b.shop.example"])
@pytest.mark.parametrize("more", ["", ":8080", "."])
def test_a_site_answers_to_its_names(named, host, more):
    told = ask(named, headers={"Host": host + more})
    assert told["host"].rstrip(".").startswith(host)
    assert "8080" in told["url"] or more != ":8080"


@pytest.mark.parametrize(
    "host", ["evil.example", "shop.example.evil.example", "evilshop.example", "127.0.0.1", "[::1]"]
)
@pytest.mark.parametrize("path", ["/", "/static/hello.txt"])
def test_any_other_name_gets_421(named, host, path):
    answer = named.get(path, headers={"Host": host})
    assert answer.status == 421
    assert answer.text == "This server does not answer for that host name.\n"


def test_no_name_gets_421_too(named):
    status, _ = ask_raw(named, "GET / HTTP/1.0\n\n")
    assert status == 421


@pytest.mark.parametrize("host", ["shop.example:80@evil.example", "shop.example:80#.evil.example"])
def test_a_name_of_ours_does_not_carry_another_one_in(named, host):
    _, body = ask_raw(named, f"GET / HTTP/1.1\nHost: {host}\nConnection: close\n\n")
    assert "evil" not in body


def test_flasks_own_server_name_is_the_sites(serve, copy_of):
    site = serve(cwd=copy_of("behaviour_echo"), env={"SITE_SERVER_NAME": "shop.example:8000"})
    told = ask(site, headers={"Host": "shop.example:8000"})
    assert (told["host"], told["url"]) == ("shop.example:8000", "http://shop.example:8000/there")
    # By its address too, from this machine; Flask makes links to its own name even then.
    assert ask(site)["url"] == "http://shop.example:8000/there"
    assert site.get("/", headers={"Host": "evil.example"}).status == 421
