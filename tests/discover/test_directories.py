"""Situations of folders: who can reach them, and what they would give away."""

from __future__ import annotations

import os
import pwd
import shutil
import struct
import subprocess

import pytest

from outrider.discover import directories
from outrider.discover.directories import look_at_directory, reachable
from outrider.facts import Account

ANN = Account(uid=54001, gid=54001, name="ann")
BOB = Account(uid=54002, gid=54002, name="bob", groups=(54002, 54009))
STAFF = 54009
ROOT = Account(uid=0, gid=0, name="root")


@pytest.fixture
def site(everyones):
    """A folder of a file that everyone can read."""
    (everyones / "site/static").mkdir(parents=True)
    (everyones / "site/static/app.css").write_text("p {}")
    for folder in (everyones / "site", everyones / "site/static"):
        folder.chmod(0o755)
    (everyones / "site/static/app.css").chmod(0o644)
    return everyones / "site"


def owner_of(path):
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


# -- reachable: by mode ----------------------------------------------------------------------------


def test_what_everyone_may_read(site):
    assert reachable(str(site / "static"), ANN) is None
    assert reachable(str(site / "static/app.css"), ANN) is None


def test_a_home_that_is_closed(site):
    site.chmod(0o700)
    said = f"{site} has mode 0700 and belongs to {owner_of(site)}"
    assert reachable(str(site / "static"), ANN) == said
    assert reachable(str(site / "static/app.css"), ANN) == said


def test_the_first_that_forbids_is_named(site):
    site.chmod(0o750)
    (site / "static").chmod(0o700)
    assert str(reachable(str(site / "static"), ANN)).startswith(f"{site} has mode 0750")


def test_on_the_way_the_search_bit_is_enough(site):
    site.chmod(0o711)
    assert reachable(str(site / "static"), ANN) is None
    assert str(reachable(str(site), ANN)).startswith(f"{site} has mode 0711")


def test_a_folder_that_can_be_listed_but_not_entered(site):
    (site / "static").chmod(0o744)
    assert reachable(str(site / "static"), ANN) is not None


def test_a_file_that_is_private(site):
    (site / "static/app.css").chmod(0o600)
    assert "app.css has mode 0600" in str(reachable(str(site / "static/app.css"), ANN))
    assert reachable(str(site / "static"), ANN) is None


def test_write_and_execute_are_asked_for_by_name(site):
    static, css = str(site / "static"), str(site / "static/app.css")
    assert reachable(static, ANN, "write") is not None
    assert reachable(css, ANN, "execute") is not None
    assert reachable(static, ANN, "execute") is None
    (site / "static").chmod(0o777)
    assert reachable(static, ANN, "write") is None


def test_root_may_do_everything(site):
    site.chmod(0o000)
    assert reachable(str(site / "static"), ROOT) is None
    site.chmod(0o755)


def test_what_does_not_exist_forbids_nothing(site):
    assert reachable(str(site / "gone/deeper"), ANN) is None


def test_an_owner_without_a_name(site, as_root):
    os.chown(site, 54321, 54321)
    site.chmod(0o700)
    assert reachable(str(site), ANN) == f"{site} has mode 0700 and belongs to uid 54321"


def test_groups(site, as_root):
    os.chown(site, 0, STAFF)
    site.chmod(0o750)
    assert reachable(str(site / "static"), BOB) is None
    assert reachable(str(site / "static"), ANN) is not None


def test_the_owners_bits_count_even_when_everyones_are_wider(site, as_root):
    os.chown(site, ANN.uid, STAFF)
    site.chmod(0o077)
    assert reachable(str(site), ANN) is not None
    assert reachable(str(site), BOB) is None


# -- reachable: links ------------------------------------------------------------------------------


def test_a_link_is_followed_into_a_closed_folder(site, everyones):
    (everyones / "link").symlink_to("site/static")
    assert reachable(str(everyones / "link"), ANN) is None
    site.chmod(0o700)
    assert str(reachable(str(everyones / "link"), ANN)).startswith(f"{site} has mode 0700")


def test_a_link_in_the_middle_and_dots(site, everyones):
    (everyones / "current").symlink_to(site)
    path = str(everyones / "current/static/../static/app.css")
    assert reachable(path, ANN) is None
    (site / "static").chmod(0o700)
    assert str(reachable(path, ANN)).startswith(f"{site}/static has mode 0700")


def test_dots_after_a_link_leave_its_target(everyones, site):
    """`link/..` is the folder above what the link leads to, not the one that holds the link."""
    (everyones / "closed").mkdir(mode=0o700)
    (everyones / "closed/inner").mkdir()
    (site / "link").symlink_to(everyones / "closed/inner")
    assert "closed has mode 0700" in str(reachable(f"{site}/link/../x", ANN))


def test_links_in_a_circle_end(site):
    (site / "a").symlink_to("b")
    (site / "b").symlink_to("a")
    assert reachable(str(site / "a"), ANN) is None


# -- reachable: what mode bits do not say ----------------------------------------------------------


def set_acl(path, *entries):
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", raw)
    except OSError as error:
        pytest.skip(f"this file system has no ACLs: {error}")


NOBODY = 0xFFFFFFFF
OWNER, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


def acl(*named, mask=7, owning=0, other=0):
    entries = [
        (OWNER, 7, NOBODY),
        (GROUP_OBJ, owning, NOBODY),
        (MASK, mask, NOBODY),
        (OTHER, other, NOBODY),
    ]
    return sorted([*entries, *named])


def test_an_acl_lets_one_user_in(site, as_root):
    """`setfacl -m u:ann:x` on a closed home is what guides tell people to do."""
    set_acl(site, *acl((USER, 1, ANN.uid)))
    assert reachable(str(site / "static"), ANN) is None
    assert reachable(str(site / "static"), BOB) is not None


def test_an_acl_keeps_one_user_out(site, as_root):
    set_acl(site, *acl((USER, 0, ANN.uid), other=5))
    assert "the system does not let ann enter it" in str(reachable(str(site / "static"), ANN))
    assert reachable(str(site / "static"), BOB) is None


def test_the_kernel_agrees(everyones, as_root):
    """Every answer about a folder is compared with what a process of that user can really do."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is missing (package util-linux)")
    folders = []
    for number, (mode, uid, gid) in enumerate(
        (mode, uid, gid)
        for mode in (0o000, 0o700, 0o070, 0o007, 0o750, 0o711, 0o555, 0o444, 0o733)
        for uid, gid in ((0, 0), (ANN.uid, 0), (0, ANN.gid), (0, STAFF))
    ):
        folder = everyones / f"mode-{number}"
        folder.mkdir()
        os.chown(folder, uid, gid)
        folder.chmod(mode)
        folders.append(folder)
    for number, entries in enumerate(
        [
            acl((USER, 5, ANN.uid)),
            acl((USER, 5, ANN.uid), mask=4),
            acl((USER, 0, ANN.uid), other=7),
            acl((GROUP, 5, STAFF)),
            acl((GROUP, 4, STAFF), (GROUP, 1, BOB.gid)),
            acl((GROUP, 0, STAFF), other=7),
            acl(owning=5, mask=1),
        ]
    ):
        folder = everyones / f"acl-{number}"
        folder.mkdir()
        os.chown(folder, 0, STAFF if number == 6 else 0)
        set_acl(folder, *entries)
        folders.append(folder)
    script = 'for d; do test -r "$d" && test -x "$d" && echo yes || echo no; done'
    for account in (ANN, BOB):
        groups = f"--groups={STAFF}" if account is BOB else "--clear-groups"
        ids = [f"--reuid={account.uid}", f"--regid={account.gid}", groups]
        argv = [setpriv, *ids, "sh", "-c", script, "sh", *map(str, folders)]
        really = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
        said = ["yes" if reachable(str(one), account) is None else "no" for one in folders]
        assert dict(zip(folders, said, strict=True)) == dict(zip(folders, really, strict=True))


def test_for_ourselves_the_kernel_is_asked(site, monkeypatch):
    """What mode bits do not show (an ACL, SELinux, a read-only mount) counts both ways."""
    us = Account(uid=site.stat().st_uid or 4242, gid=1, name="us")
    monkeypatch.setattr(os, "geteuid", lambda: us.uid)
    monkeypatch.setattr(os, "access", lambda path, mode, **ids: str(path) != str(site))
    assert "does not let us" in str(reachable(str(site / "static"), us))
    site.chmod(0o000)
    monkeypatch.setattr(os, "access", lambda path, mode, **ids: True)
    assert reachable(str(site / "static"), us) is None
    site.chmod(0o755)


# -- look_at_directory -----------------------------------------------------------------------------


def look(path, project="/nowhere/project", import_root="/nowhere/project", account=ANN):
    return look_at_directory(str(path), account, str(project), str(import_root))


def test_a_folder_of_static_files(site):
    seen = look(site / "static")
    assert (seen.exists, seen.is_directory, seen.blocked_by) == (True, True, None)
    assert (seen.exposes, seen.contains_app) == ((), False)


def test_a_folder_that_is_missing(site):
    seen = look(site / "gone")
    assert (seen.exists, seen.is_directory, seen.exposes) == (False, False, ())


def test_a_link_to_nothing_is_missing(site):
    (site / "media").symlink_to("gone")
    assert not look(site / "media").exists


def test_a_file_in_place_of_a_folder(site):
    seen = look(site / "static/app.css")
    assert (seen.exists, seen.is_directory) == (True, False)


def test_a_folder_that_is_blocked(site):
    site.chmod(0o700)
    assert str(look(site / "static").blocked_by).startswith(f"{site} has mode 0700")


def test_a_folder_that_we_cannot_see_is_not_called_missing(monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "stat", forbidden)
    assert directories._kind("/home/ann/static") == (True, True)


def test_the_whole_machine_is_known_behind_a_link_too(site):
    (site / "everything").symlink_to("/")
    assert [look(path).is_whole_machine for path in ("/", "//", site / "everything")] == [True] * 3
    assert not look(site).is_whole_machine


SECRETS = (
    ".env", ".env.production", ".git", ".htpasswd", "manage.py", "settings.py", "app.pyc",
    "pyproject.toml", "setup.py", "requirements.txt", "db.sqlite3", "site.DB", "id_rsa",
)  # fmt: skip
HARMLESS = (
    ".env.example", ".well-known", "app.js", "environment.css", "py", "git.html", "Thumbs.db",
    "manage.py.txt", "README.md", "database.html",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_names_that_must_never_be_served(site, name):
    (site / "static" / name).write_text("")
    assert look(site / "static").exposes == (name,)


@pytest.mark.parametrize("name", HARMLESS)
def test_names_that_are_harmless(site, name):
    (site / "static" / name).write_text("")
    assert look(site / "static").exposes == ()


def test_a_pem_counts_when_a_key_is_in_it(site):
    (site / "static/chain.pem").write_text("-----BEGIN CERTIFICATE-----\nAA\n")
    (site / "static/slides.key").write_bytes(b"PK\x03\x04")
    (site / "static/folder.pem").mkdir()
    assert look(site / "static").exposes == ()
    (site / "static/server.pem").write_text(
        "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"
    )
    (site / "static/rsa.key").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    assert look(site / "static").exposes == ("rsa.key", "server.pem")


def test_only_what_lies_directly_inside_is_named(site):
    (site / "static/js").mkdir()
    (site / "static/js/build.py").write_text("")
    assert look(site / "static").exposes == ()


def test_five_names_are_enough(site):
    for name in ("z.py", ".env", "b.py", "c.py", ".git", "d.py", "a.py"):
        (site / "static" / name).write_text("")
    assert look(site / "static").exposes == (".env", ".git", "a.py", "b.py", "c.py")


def test_a_secret_is_found_in_a_folder_of_many_files(site, monkeypatch):
    monkeypatch.setattr(directories, "_MOST_ENTRIES", 3)
    for number in range(20):
        (site / "static" / f"{number}.png").write_text("")
    (site / "static/.env").write_text("")
    assert look(site / "static").exposes == (".env",)


@pytest.mark.parametrize(
    ("folder", "project", "import_root", "contains"),
    [
        ("/srv/shop", "/srv/shop", "/srv/shop", True),
        ("/srv", "/srv/shop", "/srv/shop", True),
        ("/srv/shop/src", "/srv/shop", "/srv/shop/src", True),
        ("/srv/shop/static", "/srv/shop", "/srv/shop", False),
        ("/srv/shop-static", "/srv/shop", "/srv/shop", False),
    ],
)
def test_a_folder_that_holds_the_app(folder, project, import_root, contains):
    assert look(folder, project, import_root).contains_app is contains


def test_a_link_to_the_project_holds_the_app(site, everyones):
    (everyones / "public").symlink_to(site)
    assert look(everyones / "public", site, site).contains_app
