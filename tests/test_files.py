"""Nothing half written, nothing overwritten that is not ours, nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from outrider import files
from outrider.errors import OutriderError
from outrider.render.artifact import Artifact, is_untouched, stamped
from outrider.site import Paths, User

ME = User(uid=os.geteuid(), gid=os.getegid(), name="me")
CONF = stamped("nginx.conf", "events {}\n")


def held(path):
    return files.run_directory(str(path), "127.0.0.1:8000", ME)


def refused(path):
    with pytest.raises(OutriderError) as caught, held(path):
        pytest.fail("it was not refused")
    return caught.value


# -- single files ----------------------------------------------------------------------------------


def test_a_file_is_put_in_place_whole(tmp_path):
    files.write(tmp_path, Artifact(path="sub/x.conf", content="ü", mode=0o600))
    assert (tmp_path / "sub/x.conf").read_text() == "ü"
    assert (tmp_path / "sub/x.conf").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "sub") == ["x.conf"]


def test_folders_of_files_can_be_read_by_all_whatever_the_umask(tmp_path):
    """As root, another user reads them; the run directory itself is private."""
    before = os.umask(0o077)
    try:
        files.write(tmp_path, Artifact(path="app-shop/outrider_shim/wsgi.py", content="x"))
    finally:
        os.umask(before)
    for path in ("app-shop", "app-shop/outrider_shim"):
        assert (tmp_path / path).stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "app-shop/outrider_shim/wsgi.py").stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    files.write(tmp_path, Artifact(path="x", content="old"))
    with pytest.raises(UnicodeEncodeError):
        files.write(tmp_path, Artifact(path="x", content="\ud800"))
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "old"


# -- what Nginx looks for --------------------------------------------------------------------------


def test_maintenance_leaves_nothing_that_lets_anyone_in_when_it_is_over(tmp_path):
    paths = Paths(run=str(tmp_path))
    files.set_maintenance(paths, is_on=True, allow=("127.0.0.1", "::1"))
    assert sorted(os.listdir(paths.admitted)) == ["127.0.0.1", "::1"]
    assert Path(paths.maintenance).exists()
    files.set_maintenance(paths, is_on=True, allow=("10.0.0.1",))
    assert os.listdir(paths.admitted) == ["10.0.0.1"]
    files.set_maintenance(paths, is_on=False)
    assert os.listdir(paths.admitted) == []
    assert not Path(paths.maintenance).exists()
    files.set_maintenance(paths, is_on=False)  # once more changes nothing


def test_maintenance_that_cannot_be_noted_is_told(tmp_path):
    paths = Paths(run=str(tmp_path / "gone"))
    with pytest.raises(OutriderError) as caught:
        files.set_maintenance(paths, is_on=True)
    assert caught.value.id == "cannot-write"


# -- export ----------------------------------------------------------------------------------------


def states(written):
    return [one.state for one in written]


def test_an_export_is_new_then_the_same_then_changed(tmp_path):
    assert states(files.export(str(tmp_path), [CONF])) == ["new"]
    assert states(files.export(str(tmp_path), [CONF])) == ["same"]
    assert states(files.export(str(tmp_path), [stamped("nginx.conf", "events { }\n")])) == [
        "changed"
    ]


def test_a_file_that_was_edited_is_refused_with_the_diff_and_so_are_the_others(tmp_path):
    files.export(str(tmp_path), [CONF])
    edited = CONF.content + "# mine\n"
    (tmp_path / "nginx.conf").write_text(edited)
    with pytest.raises(OutriderError) as caught:
        files.export(str(tmp_path), [Artifact(path="a", content="x"), stamped("nginx.conf", "")])
    assert caught.value.id == "edited-by-hand"
    assert "-# mine\n" in caught.value.found[0] + "\n"
    assert (tmp_path / "nginx.conf").read_text() == edited
    assert os.listdir(tmp_path) == ["nginx.conf"]


def test_an_edit_is_kept_as_long_as_outrider_would_write_the_same(tmp_path):
    files.export(str(tmp_path), [CONF])
    (tmp_path / "nginx.conf").write_text(CONF.content + "# mine\n")
    assert states(files.export(str(tmp_path), [CONF])) == ["kept"]
    assert (tmp_path / "nginx.conf").read_text() == CONF.content + "# mine\n"
    assert files.diff(str(tmp_path), [CONF]) == ""


def test_taking_over_the_first_line_by_hand_settles_it(tmp_path):
    files.export(str(tmp_path), [CONF])
    newer = stamped("nginx.conf", "events { }\n")
    first, _, _ = newer.content.partition("\n")
    (tmp_path / "nginx.conf").write_text(f"{first}\nevents {{}}\n# mine\n")
    assert states(files.export(str(tmp_path), [newer])) == ["kept"]


def test_changes_are_told_and_nothing_is_written(tmp_path):
    assert states(files.changes(str(tmp_path), [CONF])) == ["new"]
    assert os.listdir(tmp_path) == []
    files.export(str(tmp_path), [CONF])
    [same] = files.changes(str(tmp_path), [CONF])
    assert same.is_current
    [changed] = files.changes(str(tmp_path), [stamped("nginx.conf", "")])
    assert (changed.state, changed.is_current) == ("changed", False)
    (tmp_path / "nginx.conf").write_text(CONF.content + "# mine\n")
    [edited] = files.changes(str(tmp_path), [stamped("nginx.conf", "")])
    assert (edited.state, edited.is_current) == ("edited", False)


@pytest.mark.parametrize(
    "content", ["", "events {}\n", "# outrider 0.1.0 sha256=00\nx", b"\xff\xfe"]
)
def test_a_foreign_file_is_kept(tmp_path, content):
    path = tmp_path / "nginx.conf"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OutriderError):
        files.export(str(tmp_path), [CONF])


def test_a_stamp_knows_its_own_content():
    assert is_untouched(CONF.content)
    assert not is_untouched(CONF.content + " ")
    assert not is_untouched("events {}\n")


def test_a_diff_shows_what_an_export_would_change_and_changes_nothing(tmp_path):
    assert "+events {}" in files.diff(str(tmp_path), [CONF])
    assert os.listdir(tmp_path) == []
    files.export(str(tmp_path), [CONF])
    assert files.diff(str(tmp_path), [CONF]) == ""


# -- the run directory -----------------------------------------------------------------------------


def test_a_run_directory_is_private_and_leaves_nothing(tmp_path):
    path = tmp_path / "outrider-1" / "127.0.0.1-8000"
    with held(path) as root:
        assert root.stat().st_mode & 0o777 == 0o700
        assert root.parent.stat().st_mode & 0o777 == 0o700
        (root / "temp-body").mkdir()
    assert os.listdir(tmp_path) == []


def test_it_is_gone_after_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), held(tmp_path / "run"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a site as somebody else")
def test_whoever_the_site_runs_as_can_enter_its_directory_whatever_the_umask(tmp_path):
    nobody = User(uid=65534, gid=65534, name="nobody", is_changed=True)
    before = os.umask(0o077)
    try:
        with files.run_directory(str(tmp_path / "outrider-0" / "a"), "127.0.0.1:1", nobody) as run:
            assert run.parent.stat().st_mode & 0o777 == 0o711
            assert run.stat().st_uid == 65534
    finally:
        os.umask(before)


def test_two_sites_share_the_directory_above(tmp_path):
    with held(tmp_path / "outrider-1" / "a"):
        with held(tmp_path / "outrider-1" / "b"):
            pass
        assert os.listdir(tmp_path / "outrider-1") == ["a"]


def test_the_same_site_twice_is_refused_and_the_first_is_undisturbed(tmp_path):
    with held(tmp_path / "run") as root:
        error = refused(tmp_path / "run")
        assert error.id == "already-running"
        assert f"pid {os.getpid()}" in error.found[0]
        assert (root / "outrider.pid").exists()


def test_what_a_killed_site_left_is_taken_over(tmp_path):
    run = tmp_path / "run"
    (run / "temp-body" / "1").mkdir(parents=True)
    (run / "outrider.pid").write_text("1\n")
    (run / "app.sock").touch()
    with held(run) as root:
        assert not (root / "app.sock").exists()


def test_a_directory_with_other_things_in_it_is_not_ours(tmp_path):
    (tmp_path / "photos.zip").touch()
    error = refused(tmp_path)
    assert error.id == "not-ours"
    assert "photos.zip" in error.found[0]
    assert os.listdir(tmp_path) == ["photos.zip"]


def test_an_empty_directory_of_the_users_may_be_used(tmp_path):
    with held(tmp_path / "given"):
        pass
    (tmp_path / "given").mkdir()
    with held(tmp_path / "given") as root:
        assert root.exists()


def test_a_planted_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "outrider-1").symlink_to(tmp_path / "elsewhere")
    assert refused(tmp_path / "outrider-1" / "a").id == "not-ours"
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to give a directory away")
def test_a_directory_that_somebody_else_made_is_refused(tmp_path):
    (tmp_path / "outrider-1").mkdir()
    os.chown(tmp_path / "outrider-1", 12345, 12345)
    assert refused(tmp_path / "outrider-1" / "a").id == "not-ours"


def test_a_file_where_the_directory_should_be(tmp_path):
    (tmp_path / "run").touch()
    assert refused(tmp_path / "run").id == "cannot-write"
    assert refused(tmp_path / "run" / "below").id == "cannot-write"


def test_the_parent_of_a_users_own_choice_is_kept(tmp_path):
    (tmp_path / "mine").mkdir()
    with held(tmp_path / "mine" / "run"):
        pass
    assert Path(tmp_path / "mine").exists()
