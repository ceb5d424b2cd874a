"""Situations of folders that Git ignores."""

from __future__ import annotations

import os
import subprocess

from outrider.discover.git import ignored_by_git

ENV = {"PATH": os.defpath, "LC_ALL": "C"}


def test_a_folder_that_git_ignores(tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("/built/\n*.odd name/\n")
    folders = [str(tmp_path / name) for name in ("built", "static", "an.odd name")]
    assert ignored_by_git(str(tmp_path), folders, ENV) == {folders[0], folders[2]}


def test_without_a_repository_nothing_is_ignored(tmp_path):
    assert ignored_by_git(str(tmp_path), [str(tmp_path / "static")], ENV) == frozenset()


def test_without_git_nothing_is_ignored(tmp_path):
    env = {"PATH": str(tmp_path)}
    assert ignored_by_git(str(tmp_path), [str(tmp_path / "static")], env) == frozenset()


def test_no_folder_is_asked_about(tmp_path):
    assert ignored_by_git(str(tmp_path), [], ENV) == frozenset()
