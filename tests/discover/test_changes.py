"""Which files of a project are watched."""

from __future__ import annotations

import os

from outrider.discover.changes import look, settled


def touched(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_what_an_app_reads_when_it_starts_is_watched(tmp_path):
    wanted = {
        touched(tmp_path / name)
        for name in ("app.py", "shop/views.py", "templates/page.html", ".env", "outrider.toml")
    }
    assert set(look([str(tmp_path)], ())) == wanted


def test_what_an_app_writes_and_what_others_made_is_not(tmp_path):
    for name in (
        ".git/config.py", ".venv/lib/x.py", "venv/lib/x.py", "node_modules/a/setup.py",
        "__pycache__/app.py", "mine/pyvenv.cfg", "mine/lib/x.py", "db.sqlite3", "app.log",
        "static/page.html", "data.json",
    ):  # fmt: skip
        touched(tmp_path / name)
    assert look([str(tmp_path)], [str(tmp_path / "static")]) == {}


def test_a_change_a_new_file_and_a_removed_one_are_seen(tmp_path):
    app = tmp_path / "app.py"
    touched(app)
    seen = [look([str(tmp_path)], ())]
    os.utime(app, ns=(1, 1))
    seen.append(look([str(tmp_path)], ()))
    touched(tmp_path / "more.py")
    seen.append(look([str(tmp_path)], ()))
    app.unlink()
    seen.append(look([str(tmp_path)], ()))
    assert len({tuple(sorted(one.items())) for one in seen}) == 4


def test_links_are_not_followed_round_in_circles(tmp_path):
    touched(tmp_path / "app.py")
    (tmp_path / "round").symlink_to(tmp_path)
    assert set(look([str(tmp_path)], ())) == {str(tmp_path / "app.py")}


def test_a_folder_that_is_not_there_has_no_files(tmp_path):
    assert look([str(tmp_path / "gone")], ()) == {}


def test_one_waits_until_nothing_changes_any_more():
    looks = [{"a": 2}, {"a": 3}, {"a": 3}, {"a": 4}]
    waits: list[None] = []
    assert settled({"a": 1}, lambda: looks.pop(0), lambda: waits.append(None)) == {"a": 3}
    assert len(waits) == 3


def test_one_does_not_wait_for_ever():
    numbers = iter(range(1000))
    assert settled({}, lambda: {"a": next(numbers)}, lambda: None) == {"a": 19}
