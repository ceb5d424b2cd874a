"""The command line as its user meets it: help, results and talk, exit codes, origins of values."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from outrider import __version__, cli, discover
from outrider.settings import SETTINGS
from tests.integration.running import PATIENCE_S, environment, outrider

SHOP = """\
from flask import Flask

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 5 * 1024 * 1024
"""
ESCAPE = "\x1b["


@pytest.fixture
def shop(tmp_path):
    project = tmp_path / "shop"
    project.mkdir()
    (project / "app.py").write_text(SHOP)
    (project / "static").mkdir()
    return project


def decisions(shop, *words, **env) -> dict[str, tuple[str, str]]:
    """Return what `plan --json` decided: the value and the origin by name."""
    done = outrider("plan", "--json", *words, cwd=shop, env=environment(**env))
    assert done.returncode == 0, done.stderr
    return {d["name"]: (d["value"], d["origin"]) for d in json.loads(done.stdout)["decisions"]}


# -- help ------------------------------------------------------------------------------------------


def test_the_version(tmp_path):
    done = outrider("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"outrider, version {__version__}\n")


def test_help_says_what_it_is_for_and_names_every_command(tmp_path):
    done = outrider("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    flat = " ".join(done.stdout.split())
    assert "Put a Python web app into production: Gunicorn behind Nginx, with one command." in flat
    commands = done.stdout.partition("Commands:\n")[2]
    assert re.findall(r"^  (\w+)", commands, re.MULTILINE) == sorted(cli.outrider.commands)
    assert outrider("-h", cwd=tmp_path).stdout == done.stdout


@pytest.mark.parametrize("command", [("run",), ("plan",), ("export", "nginx")], ids=" ".join)
def test_the_help_of_a_command_names_each_setting_with_its_variable_and_default(command, tmp_path):
    done = outrider(*command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    flat = " ".join(done.stdout.split())
    assert f"Usage: outrider {' '.join(command)} [OPTIONS] [TARGET]" in flat
    for row in SETTINGS:
        if row.name != "target":
            assert f"{row.option} {row.metavar} " in flat
            assert f"[{row.variable}; default: {row.default}]" in flat


@pytest.mark.parametrize(
    "words", [("serve",), ("run", "--no-such-flag"), ("run", "app:app", "more")], ids=" ".join
)
def test_a_word_that_it_does_not_know_is_wrong_usage(words, tmp_path):
    done = outrider(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: outrider")
    assert words[-1] in done.stderr
    assert "Traceback" not in done.stderr


# -- results and talk ------------------------------------------------------------------------------


def test_the_plan_is_a_table_on_standard_output_and_nothing_else_is_said(shop):
    words = ("--workers", "3", "--log-format", "json", "--bind", "0.0.0.0:80", "--user", "root")
    done = outrider("plan", *(words[:6] if os.geteuid() else words), cwd=shop)
    assert done.returncode == 0
    assert done.stderr == ""
    rows = [re.split(r" {2,}", line) for line in done.stdout.splitlines()]
    table = {row[0]: row[1:] for row in rows}
    assert table["target"] == ["app:app", "the project", f"Flask {flask_version()}, WSGI"]
    assert table["bind"] == ["0.0.0.0:80", "--bind"]
    assert table["workers"] == ["3", "--workers"]
    assert table["log_format"] == ["json", "--log-format"]
    assert table["body_limit"] == ["5m", "the app", "MAX_CONTENT_LENGTH"]
    assert table["timeout"] == ["30", "default", "Gunicorn's own"]
    static = ["/static/", "Flask app 'app'", f"Nginx serves {shop}/static"]
    assert table["static"] == static
    # Every row says where its value is from, and a default says why.
    assert all(len(row) >= 3 for row in rows)
    assert all(len(row) == 4 for row in rows if row[2] in ("default", "the machine"))


def test_the_plan_marks_what_the_operator_should_look_at(shop):
    (shop / "gunicorn.conf.py").write_text("workers = 9\n")
    done = outrider("plan", cwd=shop)
    [row] = [line for line in done.stdout.splitlines() if line.startswith("gunicorn.conf.py")]
    assert re.search(r"  ! .*gunicorn\.conf\.py is there; Outrider writes its own", row)
    assert re.search(r"^GUNICORN_CMD_ARGS .*  ! ", done.stdout, re.MULTILINE)  # the tests' poison


def test_the_plan_as_json_holds_the_site_and_each_decision(shop):
    done = outrider("plan", "--json", "--workers", "3", "--server-name", "shop.example", cwd=shop)
    assert done.returncode == 0
    assert done.stderr == ""
    site = json.loads(done.stdout)
    assert site["name"] == "shop"
    assert site["url"] == "http://127.0.0.1:8000/"
    assert site["bind"] == {"host": "127.0.0.1", "port": 8000}
    assert site["server_names"] == ["shop.example"]
    assert site["process"]["target"] == "app:app"
    assert site["process"]["directory"] == str(shop)
    assert site["workers"]["count"] == 3
    assert site["limits"]["body_limit_bytes"] == 5 * 2**20
    assert [(m["url"], m["directory"]) for m in site["mounts"]] == [
        ("/static/", str(shop / "static"))
    ]
    assert all(isinstance(part, int) for part in site["front"]["version"])
    for decision in site["decisions"]:
        assert set(decision) == {"name", "value", "origin", "why", "is_warning"}
        assert decision["origin"]


def test_an_error_is_talk_and_leaves_standard_output_to_results(tmp_path):
    for command in (("plan",), ("plan", "--json"), ("export", "nginx", "--diff")):
        done = outrider(*command, "nowhere:app", cwd=tmp_path)
        assert done.returncode == 3
        assert done.stdout == ""
        assert done.stderr.startswith("error: there is no module 'nowhere'\n")


def test_an_error_of_a_run_that_logs_json_is_an_object_in_the_log(tmp_path):
    done = outrider("run", "--log-format", "json", "nowhere:app", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == ""
    [line] = done.stdout.splitlines()
    told = json.loads(line)
    assert (told["source"], told["kind"]) == ("outrider", "error")
    assert told["id"] == "no-module"
    assert told["text"] == "there is no module 'nowhere'"
    assert told["found"] == [f"looked in {tmp_path}"]
    assert told["exit_code"] == 3
    assert told["fix"]


def test_a_reader_who_has_seen_enough_is_no_error(shop):
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m outrider plan --json | head -c 1"],
        cwd=shop,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{", "")


def test_a_mistake_of_ours_is_called_ours(monkeypatch, capsys, tmp_path):
    def fails(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(discover, "discover", fails)
    monkeypatch.setattr(sys, "argv", ["outrider", "plan"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: Outrider made a mistake; this is not your fault\n")
    assert "ZeroDivisionError" in said.err
    assert said.err.endswith("  do:    please report it with the lines above\n")


# -- where a value comes from ----------------------------------------------------------------------


def test_a_flag_is_stronger_than_a_variable_a_file_the_app_and_a_default(shop):
    flag = ("--body-limit", "1m")
    variable = {"OUTRIDER_BODY_LIMIT": "2m"}
    file = shop / "outrider.toml"
    file.write_text('body_limit = "3m"\n')
    assert decisions(shop, *flag, **variable)["body_limit"] == ("1m", "--body-limit")
    assert decisions(shop, **variable)["body_limit"] == ("2m", "OUTRIDER_BODY_LIMIT")
    assert decisions(shop)["body_limit"] == ("3m", "outrider.toml: body_limit")
    file.unlink()
    (shop / "pyproject.toml").write_text('[tool.outrider]\nbody-limit = "4m"\n')
    from_pyproject = ("4m", "pyproject.toml [tool.outrider]: body-limit")
    assert decisions(shop)["body_limit"] == from_pyproject
    (shop / "pyproject.toml").unlink()
    assert decisions(shop)["body_limit"] == ("5m", "the app")
    (shop / "app.py").write_text(SHOP.partition("app.config")[0])
    assert decisions(shop)["body_limit"] == ("100m", "default")


def test_what_nobody_says_comes_from_the_app_the_machine_or_a_default(shop):
    found = decisions(shop)
    assert found["target"] == ("app:app", "the project")
    assert found["static"] == ("/static/", "Flask app 'app'")
    assert found["workers"][1] == "the machine"
    assert found["threads"] == ("1", "default")
    assert found["bind"] == ("127.0.0.1:8000", "default")
    assert found["python"] == (sys.executable, "the one that runs outrider")


def test_paths_are_relative_to_what_names_them(shop):
    (shop / "public").mkdir()
    (shop / "app.env").write_text("A=1\n")
    (shop / "outrider.toml").write_text('static = {"/p/" = "public"}\nenv_file = "app.env"\n')
    found = decisions(shop, "--run-dir", "run", OUTRIDER_MEDIA="/m/=public")
    assert found["run_dir"] == (str(shop / "run"), "--run-dir")
    assert found["env_file"] == (str(shop / "app.env"), "outrider.toml: env_file")
    assert found["media"] == ("/m/", "OUTRIDER_MEDIA")
    assert "/p/" in outrider("plan", cwd=shop).stdout


# -- colour ----------------------------------------------------------------------------------------


def on_a_terminal(shop, **env) -> str:
    """Return what `plan` shows on a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "outrider", "plan"],
        cwd=shop,
        env={k: v for k, v in environment(**env).items() if v},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            # Linux says that the other side is closed with an error.
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:
            pass
        finally:
            os.close(ours)
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    return shown.decode()


def test_colour_on_a_terminal_only_and_never_with_no_color(shop):
    assert ESCAPE in on_a_terminal(shop, NO_COLOR="")
    assert ESCAPE not in on_a_terminal(shop, NO_COLOR="1")
    plain = {k: v for k, v in environment().items() if k != "NO_COLOR"}
    assert ESCAPE not in outrider("plan", cwd=shop, env=plain).stdout
    assert ESCAPE in outrider("plan", cwd=shop, env={**plain, "FORCE_COLOR": "1"}).stdout
    both = environment(NO_COLOR="1", FORCE_COLOR="1")
    assert ESCAPE not in outrider("plan", cwd=shop, env=both).stdout


def flask_version() -> str:
    from importlib.metadata import version

    return version("flask")
