"""Situations of environments: which Python has the app's packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from outrider.discover import interpreter
from outrider.errors import OutriderError
from outrider.facts import Account

ENV = {"PATH": os.environ.get("PATH", os.defpath)}
OWN = "/opt/outrider/bin/python"
PREFIX = "/opt/outrider"
OWN_ORIGIN = "the one that runs outrider"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def environment():
    """Make what looks like a virtual environment; its Python is a link, as in real ones."""

    def make(path, *, name="python", target=sys.executable, cfg=True):
        (path / "bin").mkdir(parents=True)
        (path / "bin" / name).symlink_to(target)
        if cfg:
            (path / "pyvenv.cfg").write_text("home = /usr/bin\n")
        return str(path / "bin" / name)

    return make


@pytest.fixture
def poetry(tmp_path):
    """Make a `poetry` that prints what a test gives, and return the PATH that has it."""

    def make(script):
        path = tmp_path / "tools/poetry"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return {"PATH": f"{path.parent}:{ENV['PATH']}"}

    return make


def find(project, env=None, named=None, own=OWN, own_prefix=PREFIX):
    return interpreter.find_interpreter(named, str(project), env or {}, own, own_prefix)


def refused(project, **more):
    with pytest.raises(OutriderError) as caught:
        find(project, **more)
    assert caught.value.id == "interpreter-unusable"
    return caught.value


# -- named -----------------------------------------------------------------------------------------


def test_a_program_is_named(project, environment, tmp_path):
    path = environment(tmp_path / "elsewhere", name="python3.12")
    assert find(project, {"VIRTUAL_ENV": "/gone"}, named=path) == (path, "--python")


def test_an_environment_is_named(project, environment, tmp_path):
    path = environment(tmp_path / "elsewhere")
    assert find(project, named=str(tmp_path / "elsewhere")) == (path, "--python")


def test_an_environment_that_has_only_python3(project, environment, tmp_path):
    path = environment(tmp_path / "elsewhere", name="python3")
    assert find(project, named=str(tmp_path / "elsewhere")) == (path, "--python")


def test_what_is_named_is_missing(project, tmp_path):
    error = refused(project, named=str(tmp_path / "gone/bin/python"))
    assert error.found[0] == "there is no such file"
    assert "--python" in error.found[1]


def test_a_folder_without_a_python_is_named(project, tmp_path):
    assert f"{tmp_path}/bin/python" in refused(project, named=str(tmp_path)).what


def test_a_file_that_may_not_be_executed_is_named(project, tmp_path):
    (tmp_path / "python").write_text("")
    assert refused(project, named=str(tmp_path / "python")).found[0] == "it may not be executed"


def test_a_folder_in_place_of_a_program(project, tmp_path):
    (tmp_path / "env/bin/python").mkdir(parents=True)
    assert refused(project, named=str(tmp_path / "env")).found[0] == "it is not a program"


# -- found -----------------------------------------------------------------------------------------


def test_nothing_else_is_there(project):
    assert find(project) == (OWN, OWN_ORIGIN)


def test_outrider_is_installed_in_the_projects_environment(project, environment, tmp_path):
    """It comes before VIRTUAL_ENV: `.venv/bin/outrider run` in a shell of another project."""
    own = environment(project / "my-env")
    other = tmp_path / "other"
    environment(other)
    found = find(project, {"VIRTUAL_ENV": str(other)}, own=own, own_prefix=str(project / "my-env"))
    assert found == (own, OWN_ORIGIN)


def test_outrider_is_installed_apart(project, environment, tmp_path):
    """As by pipx: its own environment says nothing of the app."""
    own = environment(tmp_path / "pipx/outrider")
    path = environment(project / ".venv")
    assert find(project, own=own, own_prefix=str(tmp_path / "pipx/outrider")) == (path, ".venv")


def test_a_prefix_inside_the_project_that_is_no_environment(project):
    (project / "usr").mkdir()
    assert find(project, own_prefix=str(project / "usr")) == (OWN, OWN_ORIGIN)
    environment_of_another = str(project) + "-other"
    assert find(project, own_prefix=environment_of_another) == (OWN, OWN_ORIGIN)


def test_an_environment_is_active(project, environment, tmp_path):
    path = environment(tmp_path / "active")
    environment(project / ".venv")
    assert find(project, {"VIRTUAL_ENV": str(tmp_path / "active")}) == (path, "VIRTUAL_ENV")


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_an_environment_lies_in_the_project(project, environment, name):
    assert find(project) == (OWN, OWN_ORIGIN)
    assert find(project, {"VIRTUAL_ENV": ""}) == (OWN, OWN_ORIGIN)
    path = environment(project / name)
    assert find(project) == (path, name)


def test_a_folder_called_env_that_is_none(project):
    (project / "env").mkdir()
    (project / "env/production.ini").write_text("")
    assert find(project) == (OWN, OWN_ORIGIN)


def test_links_are_not_followed(project, environment):
    """Where `bin/python` leads to is an interpreter without the environment's packages."""
    found, _ = find(project, named=environment(project / ".venv"))
    assert Path(found).is_symlink()


def test_an_environment_whose_python_was_removed(project, environment):
    """After an upgrade of the system's Python."""
    environment(project / ".venv", target="/usr/bin/python3.4-gone")
    error = refused(project)
    assert error.found == (
        "it leads to /usr/bin/python3.4-gone, which does not exist: make the environment again",
        "found by: .venv",
    )


def test_an_environment_that_is_active_and_gone(project):
    error = refused(project, env={"VIRTUAL_ENV": "/gone"})
    assert "/gone/bin/python" in error.what
    assert error.found[1] == "found by: VIRTUAL_ENV"


def test_conda(project, environment, tmp_path):
    path = environment(tmp_path / "conda/envs/shop", cfg=False)
    env = {"CONDA_PREFIX": str(tmp_path / "conda/envs/shop"), "CONDA_DEFAULT_ENV": "shop"}
    assert find(project, env) == (path, "CONDA_PREFIX")


def test_condas_base_says_nothing_of_the_project(project, environment, tmp_path):
    environment(tmp_path / "conda", cfg=False)
    env = {"CONDA_PREFIX": str(tmp_path / "conda"), "CONDA_DEFAULT_ENV": "base"}
    assert find(project, env) == (OWN, OWN_ORIGIN)


@pytest.mark.parametrize("sign", ["poetry.lock", "pyproject.toml"])
def test_poetry(project, environment, tmp_path, poetry, sign):
    path = environment(tmp_path / "cache/shop-x1-py3.11")
    (project / sign).write_text("[tool.poetry]\nname = 'shop'\n" if sign != "poetry.lock" else "")
    env = poetry(f'[ "$*" = "env info --executable --no-interaction --no-ansi" ] || exit 9\n'
                 f'[ "$PWD" = "{project}" ] || exit 8\n'
                 f'echo "The lock file is old" >&2; echo {path}')  # fmt: skip
    assert find(project, env) == (path, "poetry env info")


def test_poetry_has_no_environment_yet(project, poetry):
    (project / "poetry.lock").write_text("")
    assert find(project, poetry("exit 1")) == (OWN, OWN_ORIGIN)


def test_poetry_is_not_asked_about_other_projects(project, poetry):
    (project / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    assert find(project, poetry("echo /bin/sh")) == (OWN, OWN_ORIGIN)
    (project / "pyproject.toml").write_text("this is not TOML")
    assert find(project, poetry("echo /bin/sh")) == (OWN, OWN_ORIGIN)


def test_poetry_is_not_installed(project):
    (project / "poetry.lock").write_text("")
    assert find(project, {"PATH": "/no/such"}) == (OWN, OWN_ORIGIN)


def test_uv(project, environment, tmp_path):
    path = environment(tmp_path / "uv-env", cfg=False)
    env = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "uv-env")}
    assert find(project, env) == (OWN, OWN_ORIGIN)  # a project that uv does not manage
    (project / "uv.lock").write_text("")
    assert find(project, env) == (path, "UV_PROJECT_ENVIRONMENT")
    assert find(project, {"UV_PROJECT_ENVIRONMENT": ""}) == (OWN, OWN_ORIGIN)


def test_uv_with_a_relative_path(project, environment):
    path = environment(project / "build/env")
    (project / "uv.lock").write_text("")
    found = find(project, {"UV_PROJECT_ENVIRONMENT": "build/env"})
    assert found == (path, "UV_PROJECT_ENVIRONMENT")


# -- looking ---------------------------------------------------------------------------------------


def look(path, env=ENV, **more):
    return interpreter.look_at_interpreter(str(path), "--python", env, **more)


def unusable(path):
    with pytest.raises(OutriderError) as caught:
        look(path)
    assert caught.value.id == "interpreter-unusable"
    return caught.value.found[0]


def test_this_python():
    seen = look(sys.executable)
    assert seen.version == sys.version_info[:3]
    assert (seen.path, seen.origin) == (sys.executable, "--python")
    assert seen.gunicorn is not None


def test_an_environment_without_gunicorn(tmp_path):
    argv = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")]
    subprocess.run(argv, check=True, env=ENV)
    seen = look(tmp_path / "bare/bin/python")
    assert seen.version == sys.version_info[:3]
    assert seen.gunicorn is None


def test_gunicorn_is_read_not_imported(tmp_path):
    (tmp_path / "gunicorn.py").write_text("raise SystemExit('imported')")
    (tmp_path / "gunicorn-99.1.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: gunicorn\nVersion: 99.1\n"
    (tmp_path / "gunicorn-99.1.dist-info/METADATA").write_text(metadata)
    assert look(sys.executable, {**ENV, "PYTHONPATH": str(tmp_path)}).gunicorn == "99.1"


def test_files_of_the_project_are_not_imported(tmp_path, monkeypatch):
    (tmp_path / "importlib.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert look(sys.executable).version == sys.version_info[:3]


def test_what_the_environment_prints_is_no_answer(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('1.2.3 hello')")
    seen = look(sys.executable, {**ENV, "PYTHONPATH": str(tmp_path)})
    assert seen.version == sys.version_info[:3]


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_a_python_that_is_too_old_can_be_told_so(version):
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    path = found[0] if found else Path(f"/usr/bin/python{version}")
    if not path.exists():
        pytest.skip(f"Python {version} is missing")
    assert ".".join(map(str, look(path).version[:2])) == version


def test_a_program_that_is_no_python():
    assert unusable("/bin/cat").startswith("asked for its version it gave no answer (exit code ")


def test_a_python_that_does_not_start(tmp_path):
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\necho 'No module named encodings' >&2; exit 1\n")
    path.chmod(0o755)
    assert unusable(path).endswith("(exit code 1); it said: No module named encodings")


def test_a_python_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreter, "_ANSWER_TIMEOUT_S", 0.2)
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\nsleep 30\n")
    path.chmod(0o755)
    assert "no answer in time" in unusable(path)


def test_a_python_that_cannot_be_started(tmp_path):
    path = tmp_path / "python"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    assert unusable(path) == "it cannot be started: No such file or directory"


def test_root_asks_as_the_user_who_will_run_it(as_root, everyones):
    """A .pth file of the project's environment runs whenever its Python starts."""
    path = everyones / "python"
    path.write_text('#!/bin/sh\nid -u > "$0.uid"\nexit 1\n')
    path.chmod(0o755)
    everyones.chmod(0o777)
    with pytest.raises(OutriderError):
        look(path, account=Account(uid=54321, gid=54321))
    assert (everyones / "python.uid").read_text() == "54321\n"
